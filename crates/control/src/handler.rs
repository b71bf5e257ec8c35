//! What carries operations out: functions of a call and of the records, to a reply.
//!
//! A row of the table is written like this, beside its function:
//!
//! ```ignore
//! pub(crate) const ROWS: &[Row] = &[Row::new(GET, read!(get)), Row::new(PUT, write!(put))];
//!
//! async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> { … }
//! async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> { … }
//! ```
//!
//! A row that reads a resource has `.exists(…)` behind it: the HEAD that says whether there is one.
//!
//! A function that writes does so in one transaction with what the audit log says of it; when it refuses,
//! nothing of it is kept. Tokens, roles, locks and versions have been looked at before it is called.

use std::future::Future;
use std::pin::Pin;

use isobar_records::{Snapshot, Tx};

use crate::call::{Call, Caller, Fetched};
use crate::http::{Incoming, Reply};
use crate::refusal::Refusal;
use crate::table::{Command, Operation};

/// A reply that is on its way.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

/// What carries an operation out.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Looks at the records as of one moment.
    Read(for<'a> fn(&'a Call, &'a mut Snapshot) -> Answering<'a>),
    /// Changes them.
    Write(for<'a> fn(&'a Call, &'a mut Tx) -> Answering<'a>),
    /// Finds out what would come of other requests, in transactions of its own that are never kept.
    Probe(for<'a> fn(&'a Call, &'a dyn Inside) -> Answering<'a>),
}

/// A request that was found in the table, and what it needs from elsewhere fetched.
pub(crate) struct Prepared {
    /// The call.
    pub call: Call,
    /// Its row of the table.
    pub row: &'static Row,
}

/// A request that is being prepared.
pub(crate) type Preparing<'a> = Pin<Box<dyn Future<Output = Result<Prepared, Refusal>> + Send + 'a>>;

/// Requests that this program makes of itself in somebody's name. They go the way of all others, but that
/// nobody shows a token: rights, locks and the audit log are the same.
pub(crate) trait Inside: Send + Sync {
    /// Finds the operation.
    fn prepare(&self, request: Incoming, caller: Caller) -> Preparing<'_>;

    /// Carries out one that reads.
    fn read<'a>(&'a self, prepared: &'a mut Prepared, snapshot: &'a mut Snapshot) -> Answering<'a>;

    /// Carries out one that writes, with its entry in the audit log. Nothing is kept before the transaction
    /// is committed, and one in which a request was refused must never be: it may have something of that.
    fn write<'a>(&'a self, prepared: &'a mut Prepared, tx: &'a mut Tx) -> Answering<'a>;

    /// Says that a workflow was started in a transaction that is committed now.
    fn notify(&self);
}

/// Something that is fetched from elsewhere, on its way.
pub(crate) type Errand = Pin<Box<dyn Future<Output = Result<Fetched, Refusal>> + Send>>;

/// Finds out in the records what to fetch.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Errand, Refusal>> + Send + 'a>>;

/// A row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// What is known of the operation.
    pub operation: Operation,
    /// What carries it out.
    pub handler: Handler,
    /// What is fetched from elsewhere before, where something is: no transaction waits for it.
    pub errand: Option<for<'a> fn(&'a Call, &'a mut Snapshot) -> Sending<'a>>,
    /// The HEAD beside it, where it reads a resource.
    existence: Option<Operation>,
}

impl Row {
    /// This operation, carried out by this.
    pub(crate) const fn new(operation: Operation, handler: Handler) -> Row {
        Row { operation, handler, errand: None, existence: None }
    }

    /// Whether what it reads is there can be asked with a HEAD, which has this name.
    pub(crate) const fn exists(mut self, id: &'static str, command: Command) -> Row {
        self.existence = Some(self.operation.existence(id, command));
        self
    }

    /// The row of that HEAD. It is carried out as its GET is, and the front tells no more than whether
    /// something was found: so the two cannot differ.
    pub(crate) fn head(&self) -> Option<Row> {
        self.existence.map(|operation| Row { operation, existence: None, ..*self })
    }

    /// Fetches something from elsewhere first, for which the call has a place.
    pub(crate) const fn after(
        mut self,
        errand: for<'a> fn(&'a Call, &'a mut Snapshot) -> Sending<'a>,
    ) -> Row {
        self.errand = Some(errand);
        self
    }
}

/// A handler of a function that reads.
macro_rules! read {
    ($function:path) => {
        $crate::handler::Handler::Read(|call, snapshot| Box::pin($function(call, snapshot)))
    };
}

/// A handler of a function that writes.
macro_rules! write {
    ($function:path) => {
        $crate::handler::Handler::Write(|call, tx| Box::pin($function(call, tx)))
    };
}

/// A handler of a function that probes.
macro_rules! probe {
    ($function:path) => {
        $crate::handler::Handler::Probe(|call, inside| Box::pin($function(call, inside)))
    };
}

/// An errand of a function that finds out what to fetch.
macro_rules! fetch {
    ($function:path) => {
        |call, snapshot| Box::pin($function(call, snapshot))
    };
}

pub(crate) use {fetch, probe, read, write};
