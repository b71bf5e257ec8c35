//! An entry of the log as a record: its kind and its payload.

use std::borrow::Cow;
use std::io;

use openraft::EntryPayload;

use super::format::Kind;
use crate::types::{Entry, Payload, Types};

/// How an entry's payload is stored.
pub(super) fn encode(entry: &Entry) -> io::Result<(Kind, Cow<'_, [u8]>)> {
    Ok(match &entry.payload {
        EntryPayload::Blank => (Kind::Blank, Cow::Borrowed(&[])),
        EntryPayload::Normal(payload) => (Kind::Normal, Cow::Borrowed(&payload.0)),
        EntryPayload::Membership(membership) => {
            (Kind::Membership, Cow::Owned(postcard::to_allocvec(membership).map_err(io::Error::other)?))
        }
    })
}

/// The payload that was stored; `None` when `bytes` are not one, or `kind` is not an entry's.
pub(super) fn decode(kind: Kind, bytes: &[u8]) -> Option<EntryPayload<Types>> {
    match kind {
        Kind::Blank => Some(EntryPayload::Blank),
        Kind::Normal => Some(EntryPayload::Normal(Payload(bytes::Bytes::copy_from_slice(bytes)))),
        Kind::Membership => Some(EntryPayload::Membership(postcard::from_bytes(bytes).ok()?)),
        Kind::Vote | Kind::Purge | Kind::Truncate | Kind::State => None,
    }
}
