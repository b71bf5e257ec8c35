//! Request bodies, read field by field, so that everything that is wrong is told at once.
//!
//! [`Problems`] collects; [`Fields`] is an object of the body, [`Field`] one of its fields. A getter gives
//! `None` when a field is absent (`null` is absent) and when it is wrong; the second has been recorded by
//! then, with the JSON path (`properties.nodes`, `properties.rules[2].path`) and with what is allowed. So a
//! reader goes on to the end, and only then asks [`Problems::into_result`].
//!
//! A field that nobody asked an object for is unknown, and refused with the names that are known there, when
//! the [`Fields`] goes out of scope: no reader can forget it. `null` is never unknown.
//!
//! Messages repeat numbers, names and words that are chosen from a list; never the text of a free string,
//! which may be a secret in the wrong place.

mod field;
mod object;
mod problems;
#[cfg(test)]
mod tests;

pub use field::Field;
pub use object::Fields;
pub use problems::Problems;
