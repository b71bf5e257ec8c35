//! Expressions: `[concat(parameters('name'), '-', copyIndex())]`.
//!
//! ```text
//! text       = "[" expression "]"          what is worked out
//!            | "[[" … "]"                   the same without the first bracket, and not worked out
//!            | anything else                itself
//! expression = primary { "." name | "[" expression "]" }
//! primary    = name "(" [ expression { "," expression } ] ")" | string | integer
//! string     = "'" … "'"                    a quote in it is doubled
//! ```

mod parse;
#[cfg(test)]
mod tests;
mod token;

use std::borrow::Cow;

use crate::error::Stop;

/// An expression that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expression {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A function with its arguments.
    Call(String, Vec<Expression>),
    /// A member of an object, by name.
    Member(Box<Expression>, String),
    /// An item of a list, or a member, by a value.
    Index(Box<Expression>, Box<Expression>),
}

/// What a text in a template is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Text<'t> {
    /// Itself.
    Literal(Cow<'t, str>),
    /// Something to work out.
    Expression(Expression),
}

/// Reads a text.
///
/// # Errors
/// It has the brackets of an expression and is none.
pub(crate) fn read(text: &str) -> Result<Text<'_>, Stop> {
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside {
        // Two brackets in front and one at the end: one is taken away.
        Some(inside) if inside.starts_with('[') => Ok(Text::Literal(Cow::Owned(format!("{inside}]")))),
        Some(inside) => parse::parse(inside).map(Text::Expression),
        None => Ok(Text::Literal(Cow::Borrowed(text))),
    }
}

impl Expression {
    /// Calls `see` with the arguments of each call of a function in it.
    pub(crate) fn each_call<'e>(&'e self, function: &str, see: &mut dyn FnMut(&'e [Expression])) {
        match self {
            Expression::Text(_) | Expression::Number(_) => {}
            Expression::Call(name, arguments) => {
                if name.eq_ignore_ascii_case(function) {
                    see(arguments);
                }
                arguments.iter().for_each(|argument| argument.each_call(function, see));
            }
            Expression::Member(of, _) => of.each_call(function, see),
            Expression::Index(of, by) => {
                of.each_call(function, see);
                by.each_call(function, see);
            }
        }
    }
}
