//! An operation: one run of a workflow on a resource, and what is said about it to whoever asked for it.
//!
//! ```text
//! Accepted ──claim──► Running ──► Succeeded
//!                        │  └───► Failed       what was done is undone
//!                        └──────► Canceled     what was done is undone
//! ```

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::RecordsError;
use crate::limits::LIST_MAX;
use crate::row::Row;
use crate::sql::Select;

/// The columns that [`Operation::from_row`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, target, kind, subscription, location, input, outputs, step, undoing, \
     attempts, status, error, message, percent, cancel_wanted, created_ms, changed_ms, ended_ms, due_ms, \
     lease_until_ms, owner, fence, correlation, principal";

/// How far an operation is. The words are those of the Azure Resource Manager, but for `Running`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// Nobody has begun it.
    Accepted,
    /// It has been begun, forward or backward.
    Running,
    /// All is done.
    Succeeded,
    /// It could not be done, and what was done is undone.
    Failed,
    /// Somebody wanted it to end, and what was done is undone.
    Canceled,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] =
        [Status::Accepted, Status::Running, Status::Succeeded, Status::Failed, Status::Canceled];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Accepted => "Accepted",
            Status::Running => "Running",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::Canceled => "Canceled",
        }
    }

    /// Whether nothing changes any more.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Status::Accepted | Status::Running)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = RecordsError;

    fn from_str(word: &str) -> Result<Status, RecordsError> {
        let found = Status::ALL.into_iter().find(|status| status.as_str() == word);
        found.ok_or_else(|| RecordsError::Foreign(format!("the status {word:?}")))
    }
}

/// An operation as it is kept. Times are in milliseconds since 1970, and times to come are compared with the
/// clock of whoever claims.
///
/// Input, outputs, error and message are kept in clear and shown: no secret belongs there.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// A UUID, as text, drawn by whoever asked.
    pub id: String,
    /// The key of the resource.
    pub target: String,
    /// The name of the workflow.
    pub kind: String,
    /// The subscription's id in lower case.
    pub subscription: String,
    /// The location, as the API names it.
    pub location: String,
    /// What the workflow was given.
    pub input: Value,
    /// What its steps have found or made so far.
    pub outputs: Map<String, Value>,
    /// The step it is at: forward, the number of steps that are done; backward, the step to undo next, or -1.
    pub step: i32,
    /// Whether it goes backward.
    pub undoing: bool,
    /// Tries of the present step that have failed so far.
    pub attempts: i32,
    /// How far it is.
    pub status: Status,
    /// Why it goes backward or has failed: `{"code": …, "message": …}`.
    pub error: Option<Value>,
    /// What it does now, or why it waits.
    pub message: String,
    /// How much of it is done, 0 to 100.
    pub percent: i32,
    /// Whether somebody wants it to end.
    pub cancel_wanted: bool,
    /// When it was asked for.
    pub created_ms: i64,
    /// When anything of it last changed.
    pub changed_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Nobody claims it before.
    pub due_ms: i64,
    /// Nobody else claims it before; 0 when it belongs to nobody.
    pub lease_until_ms: i64,
    /// Who claimed it, or "".
    pub owner: String,
    /// How often it has been claimed. Only the latest owner's saves count.
    pub fence: i64,
    /// The correlation id of the request.
    pub correlation: String,
    /// Who asked.
    pub principal: String,
}

/// An operation to be added. Everything else begins empty, or at zero.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct NewOperation {
    /// A UUID, as text.
    pub id: String,
    /// The key of the resource.
    pub target: String,
    /// The name of the workflow.
    pub kind: String,
    /// The subscription's id in lower case.
    pub subscription: String,
    /// The location, as the API names it.
    pub location: String,
    /// What the workflow is given.
    pub input: Value,
    /// What is said before it begins.
    pub message: String,
    /// The correlation id of the request.
    pub correlation: String,
    /// Who asks.
    pub principal: String,
}

/// Which operations a list has: those that suit every condition that is given.
#[derive(Clone, Copy, Debug)]
pub struct OperationFilter<'a> {
    /// On this resource.
    pub target: Option<&'a str>,
    /// In this subscription.
    pub subscription: Option<&'a str>,
    /// Only those that have not ended.
    pub unended: bool,
    /// Older than this one: `created_ms` and `id` of the last one of the list before.
    pub before: Option<(i64, &'a str)>,
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
}

impl Default for OperationFilter<'_> {
    fn default() -> Self {
        OperationFilter { target: None, subscription: None, unended: false, before: None, limit: LIST_MAX }
    }
}

impl<'a> OperationFilter<'a> {
    /// `select` with these conditions.
    pub(crate) fn narrow(&self, select: Select<'a>) -> Select<'a> {
        let mut select = select.maybe("target =", self.target).maybe("subscription =", self.subscription);
        if self.unended {
            select = select.only("ended_ms is null");
        }
        match self.before {
            Some((created_ms, id)) => select.with_pair("(created_ms, id) <", created_ms, id),
            None => select,
        }
    }
}

impl Operation {
    pub(crate) fn from_row(row: &Row) -> Result<Operation, RecordsError> {
        let mut columns = row.columns();
        Ok(Operation {
            id: columns.next()?,
            target: columns.next()?,
            kind: columns.next()?,
            subscription: columns.next()?,
            location: columns.next()?,
            input: columns.document()?,
            outputs: match columns.document()? {
                Value::Object(outputs) => outputs,
                other => return Err(RecordsError::Foreign(format!("outputs that are no object: {other}"))),
            },
            step: columns.number()?,
            undoing: columns.flag()?,
            attempts: columns.number()?,
            status: columns.next::<String>()?.parse()?,
            error: columns.maybe_document()?,
            message: columns.next()?,
            percent: columns.number()?,
            cancel_wanted: columns.flag()?,
            created_ms: columns.next()?,
            changed_ms: columns.next()?,
            ended_ms: columns.next()?,
            due_ms: columns.next()?,
            lease_until_ms: columns.next()?,
            owner: columns.next()?,
            fence: columns.next()?,
            correlation: columns.next()?,
            principal: columns.next()?,
        })
    }
}
