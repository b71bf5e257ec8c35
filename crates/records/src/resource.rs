//! A resource: something that exists, with a document about it.

use serde_json::Value;

use crate::error::RecordsError;
use crate::limits::LIST_MAX;
use crate::row::Row;
use crate::sql::Select;

/// The columns that [`Resource::from_row`] reads, in its order.
pub(crate) const COLUMNS: &str = "key, id, kind, coalesce(parent, ''), subscription, group_name, revision, body, \
     created_ms, changed_ms";

/// A resource as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Resource {
    /// The id in lower case: what it is found by, and the order of lists.
    pub key: String,
    /// The id as it was written by whoever made it.
    pub id: String,
    /// The full type in lower case, such as `isobar.storage/clusters`.
    pub kind: String,
    /// The key of the resource that this one goes with, or "" if it goes with none. It has to exist.
    pub parent: String,
    /// The subscription's id in lower case.
    pub subscription: String,
    /// The resource group's name in lower case, or "".
    pub group_name: String,
    /// Grows with each change. No two states of any resources of a database have the same one.
    pub revision: i64,
    /// The document.
    pub body: Value,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub changed_ms: i64,
}

/// Which resources a list has: those that suit every condition that is given.
#[derive(Clone, Copy, Debug)]
pub struct ResourceFilter<'a> {
    /// Of this type, in lower case.
    pub kind: Option<&'a str>,
    /// In this subscription.
    pub subscription: Option<&'a str>,
    /// In this group.
    pub group_name: Option<&'a str>,
    /// With this parent; "" for those without one.
    pub parent: Option<&'a str>,
    /// Behind this key: the last one of the list before.
    pub after: Option<&'a str>,
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
}

impl Default for ResourceFilter<'_> {
    fn default() -> Self {
        ResourceFilter {
            kind: None,
            subscription: None,
            group_name: None,
            parent: None,
            after: None,
            limit: LIST_MAX,
        }
    }
}

impl<'a> ResourceFilter<'a> {
    /// `select` with these conditions.
    pub(crate) fn narrow(&self, select: Select<'a>) -> Select<'a> {
        let select = match self.parent {
            Some("") => select.only("parent is null"),
            parent => select.maybe("parent =", parent),
        };
        select
            .maybe("kind =", self.kind)
            .maybe("subscription =", self.subscription)
            .maybe("group_name =", self.group_name)
            .maybe("key >", self.after)
    }
}

impl Resource {
    pub(crate) fn from_row(row: &Row) -> Result<Resource, RecordsError> {
        let mut columns = row.columns();
        Ok(Resource {
            key: columns.next()?,
            id: columns.next()?,
            kind: columns.next()?,
            parent: columns.next()?,
            subscription: columns.next()?,
            group_name: columns.next()?,
            revision: columns.next()?,
            body: columns.document()?,
            created_ms: columns.next()?,
            changed_ms: columns.next()?,
        })
    }
}
