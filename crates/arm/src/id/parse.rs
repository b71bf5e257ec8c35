//! Reading an id, or a path that ends one segment too early to be one.
//!
//! ```text
//! path  = [ "/subscriptions/" name [ "/resourceGroups/" name ] ] { block }
//! block = "/providers/" namespace "/" type "/" name { "/" type "/" name }
//! ```
//! A path may also end after `subscriptions`, after `resourceGroups` or after a type: then it is *open*.

use std::iter::Peekable;

use super::error::IdError;
use super::{Block, RESOURCES};
use crate::limits::{ID_BYTES_MAX, ID_SEGMENT_BYTES_MAX, ID_SEGMENTS_MAX, QUOTED_CHARS_MAX};
use crate::text::on_one_line;

/// Characters that ARM has in no name, and two that mean something in a URL.
const FORBIDDEN: &[char] = &['<', '>', '%', '&', '\\', '?', '/', '#'];

/// What an id consists of.
#[derive(Clone, Default)]
pub(super) struct Parts {
    pub(super) subscription: Option<String>,
    pub(super) group: Option<String>,
    pub(super) blocks: Vec<Block>,
}

/// The type after which a path ends.
pub(super) struct Open {
    /// Namespace and types.
    pub(super) resource_type: String,
    /// The last of the types.
    pub(super) last: String,
}

/// Reads a path.
pub(super) fn path(text: &str) -> Result<(Parts, Option<Open>), IdError> {
    if !text.starts_with('/') {
        return Err(IdError::NoSlash(on_one_line(text, QUOTED_CHARS_MAX)));
    }
    if text.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong(text.len()));
    }
    let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.len() > ID_SEGMENTS_MAX {
        return Err(IdError::TooManySegments);
    }
    segments.iter().try_for_each(|segment| check_name(segment))?;
    let mut segments = segments.into_iter().peekable();
    let mut parts = Parts::default();
    if take(&mut segments, "subscriptions") {
        parts.subscription = segments.next().map(str::to_owned);
        if parts.subscription.is_none() {
            return Ok((parts, Some(open(RESOURCES, &[], "subscriptions"))));
        }
        if take(&mut segments, "resourceGroups") {
            parts.group = segments.next().map(str::to_owned);
            if parts.group.is_none() {
                return Ok((parts, Some(open(RESOURCES, &[], "resourceGroups"))));
            }
        }
    }
    while let Some(segment) = segments.next() {
        if !segment.eq_ignore_ascii_case("providers") {
            return Err(IdError::NoProviders(on_one_line(segment, QUOTED_CHARS_MAX)));
        }
        if let Some(open) = block(&mut segments, &mut parts.blocks)? {
            return Ok((parts, Some(open)));
        }
    }
    Ok((parts, None))
}

/// Reads what follows `providers`, up to the next one.
fn block<'a>(
    segments: &mut Peekable<impl Iterator<Item = &'a str>>,
    blocks: &mut Vec<Block>,
) -> Result<Option<Open>, IdError> {
    let namespace = segments.next().ok_or(IdError::NoNamespace)?;
    check_word(namespace)?;
    let mut block = Block { namespace: namespace.to_owned(), pairs: Vec::new() };
    let mut opened = None;
    while let Some(kind) = segments.next_if(|next| block.pairs.is_empty() || !is_providers(next)) {
        check_word(kind)?;
        let Some(name) = segments.next() else {
            opened = Some(open(namespace, &block.pairs, kind));
            break;
        };
        block.pairs.push((kind.to_owned(), name.to_owned()));
    }
    match (block.pairs.is_empty(), &opened) {
        (true, None) => return Err(IdError::NoType(namespace.to_owned())),
        // What is listed is below the scope itself.
        (true, Some(_)) => {}
        (false, _) => blocks.push(block),
    }
    Ok(opened)
}

fn open(namespace: &str, pairs: &[(String, String)], last: &str) -> Open {
    let kinds = pairs.iter().fold(namespace.to_owned(), |all, (kind, _)| all + "/" + kind);
    Open { resource_type: format!("{kinds}/{last}"), last: last.to_owned() }
}

fn is_providers(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("providers")
}

/// Whether the next segment is this word, which is taken then.
fn take<'a>(segments: &mut Peekable<impl Iterator<Item = &'a str>>, word: &str) -> bool {
    segments.next_if(|next| next.eq_ignore_ascii_case(word)).is_some()
}

fn wrong(segment: &str, why: &'static str) -> IdError {
    IdError::Segment { segment: on_one_line(segment, QUOTED_CHARS_MAX), why }
}

/// What holds for every segment.
fn check_name(segment: &str) -> Result<(), IdError> {
    if segment.is_empty() {
        return Err(wrong(segment, "is empty"));
    }
    if segment.len() > ID_SEGMENT_BYTES_MAX {
        return Err(wrong(segment, "is too long"));
    }
    if segment.contains('%') {
        return Err(wrong(segment, "has a percent sign, so it was encoded twice"));
    }
    if segment.contains(FORBIDDEN) || segment.chars().any(char::is_control) {
        return Err(wrong(segment, r"has one of <>%&\?/# or a control character"));
    }
    if segment == "." || segment == ".." {
        return Err(wrong(segment, "is no name"));
    }
    Ok(())
}

/// What holds for namespaces and types, too.
fn check_word(segment: &str) -> Result<(), IdError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match segment.chars().all(fits) {
        true => Ok(()),
        false => Err(wrong(segment, "is a namespace or a type and has more than letters, digits and ._-")),
    }
}

/// Checks what is to become a part of an id.
pub(super) fn check_parts(words: &[&str], name: &str) -> Result<(), IdError> {
    for word in words {
        check_name(word)?;
        check_word(word)?;
    }
    check_name(name)
}
