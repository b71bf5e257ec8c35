//! The arguments of a call, and what they have to be.

use serde_json::{Map, Value};

use crate::value::kind_of;

/// The arguments of a call.
pub(crate) struct Arguments<'a>(pub &'a [Value]);

impl<'a> Arguments<'a> {
    /// An argument, from 0.
    pub(crate) fn get(&self, at: usize) -> Option<&'a Value> {
        self.0.get(at)
    }

    /// One that is there, because the function has so many.
    pub(crate) fn any(&self, at: usize) -> &'a Value {
        self.0.get(at).unwrap_or(&Value::Null)
    }

    /// A text.
    pub(crate) fn text(&self, at: usize) -> Result<&'a str, String> {
        self.any(at).as_str().ok_or_else(|| self.wrong(at, "string"))
    }

    /// A text, if there is such an argument.
    pub(crate) fn text_or<'d>(&self, at: usize, default: &'d str) -> Result<&'d str, String>
    where
        'a: 'd,
    {
        if at < self.0.len() { self.text(at) } else { Ok(default) }
    }

    /// A whole number.
    pub(crate) fn int(&self, at: usize) -> Result<i64, String> {
        self.any(at).as_i64().ok_or_else(|| self.wrong(at, "int"))
    }

    /// A truth value.
    pub(crate) fn bool(&self, at: usize) -> Result<bool, String> {
        self.any(at).as_bool().ok_or_else(|| self.wrong(at, "bool"))
    }

    /// A list.
    pub(crate) fn list(&self, at: usize) -> Result<&'a [Value], String> {
        self.any(at).as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(at, "array"))
    }

    /// An object.
    pub(crate) fn object(&self, at: usize) -> Result<&'a Map<String, Value>, String> {
        self.any(at).as_object().ok_or_else(|| self.wrong(at, "object"))
    }

    /// Says that an argument is of the wrong kind.
    pub(crate) fn wrong(&self, at: usize, expected: &str) -> String {
        format!("argument {} has to be of type {expected}, not {}.", at + 1, kind_of(self.any(at)))
    }

    /// All of them as whole numbers, or the items of the only one.
    pub(crate) fn ints(&self) -> Result<Vec<i64>, String> {
        let items = match self.0 {
            [Value::Array(items)] => items.as_slice(),
            all => all,
        };
        let ints: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
        ints.filter(|ints| !ints.is_empty())
            .ok_or_else(|| "the arguments have to be of type int, or one array of them.".to_owned())
    }
}
