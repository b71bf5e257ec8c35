//! Resources as the records keep them, and as they are answered.
//!
//! Every kind has the same [`Document`]; what is its own is in `properties`. So one reader, one writer and
//! one way to answer serve all of them.

mod document;
mod list;
mod stored;

pub(crate) use document::Document;
pub(crate) use list::gather;
pub(crate) use stored::{Author, GROUP_KIND, Stored};
