//! Types of parameters and outputs.

use serde_json::Value;

/// A type of parameters and outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    String,
    SecureString,
    Int,
    Bool,
    Object,
    SecureObject,
    Array,
}

impl Kind {
    /// By name, for templates.
    pub(crate) const WORDS: [(&str, Kind); 7] = [
        ("string", Kind::String),
        ("securestring", Kind::SecureString),
        ("int", Kind::Int),
        ("bool", Kind::Bool),
        ("object", Kind::Object),
        ("secureObject", Kind::SecureObject),
        ("array", Kind::Array),
    ];

    /// As ARM writes it in its answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::String => "String",
            Kind::SecureString => "SecureString",
            Kind::Int => "Int",
            Kind::Bool => "Bool",
            Kind::Object => "Object",
            Kind::SecureObject => "SecureObject",
            Kind::Array => "Array",
        }
    }

    /// Whether nothing of it is kept or shown.
    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Kind::SecureString | Kind::SecureObject)
    }

    /// Whether a value is of this type.
    pub(crate) fn has(self, value: &Value) -> bool {
        match self {
            Kind::String | Kind::SecureString => value.is_string(),
            Kind::Int => value.is_i64(),
            Kind::Bool => value.is_boolean(),
            Kind::Object | Kind::SecureObject => value.is_object(),
            Kind::Array => value.is_array(),
        }
    }
}
