//! The functions whose values follow from their arguments alone.
//!
//! Names are compared without regard to case. What they do is what the public reference of template functions
//! says. An error says what an argument has to be and never repeats its value, which may be a secret.

mod argument;
mod convert;
mod format;
mod list;
mod logic;
mod number;
mod object;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod unique;

use serde_json::Value;

pub(crate) use argument::Arguments;
pub(crate) use time::utc_now;
pub(crate) use unique::guid_of;

/// A function.
pub(crate) struct Function {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it has at least.
    pub least: usize,
    /// How many it has at most.
    pub most: usize,
    /// What it does.
    pub call: fn(&Arguments<'_>) -> Result<Value, String>,
}

impl Function {
    const fn of(
        name: &'static str,
        (least, most): (usize, usize),
        call: fn(&Arguments<'_>) -> Result<Value, String>,
    ) -> Function {
        Function { name, least, most, call }
    }
}

/// As many arguments as one likes.
const ANY: usize = usize::MAX;

const TABLES: &[&[Function]] = &[
    text::TABLE,
    format::TABLE,
    list::TABLE,
    object::TABLE,
    logic::TABLE,
    number::TABLE,
    convert::TABLE,
    unique::TABLE,
];

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().copied().flatten().find(|function| function.name.eq_ignore_ascii_case(name))
}

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(|function| function.name)
}

/// Refuses a number of arguments that a function does not have; the error is a sentence.
pub(crate) fn check_count(name: &str, (least, most): (usize, usize), count: usize) -> Result<(), String> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let expected = match (least, most) {
        (least, most) if least == most => least.to_string(),
        (least, ANY) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    Err(format!("the function '{name}' has {expected} arguments, not {count}."))
}
