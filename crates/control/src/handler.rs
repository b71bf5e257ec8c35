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
//! A function that writes does so in one transaction with what the audit log says of it; when it refuses,
//! nothing of it is kept. Tokens, roles, locks and versions have been looked at before it is called.

use std::future::Future;
use std::pin::Pin;

use isobar_records::{Snapshot, Tx};

use crate::call::{Call, Fetched};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::Operation;

/// A reply that is on its way.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;

/// What carries an operation out.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Looks at the records as of one moment.
    Read(for<'a> fn(&'a Call, &'a mut Snapshot) -> Answering<'a>),
    /// Changes them.
    Write(for<'a> fn(&'a Call, &'a mut Tx) -> Answering<'a>),
}

/// Something that is fetched from elsewhere, on its way.
pub(crate) type Errand = Pin<Box<dyn Future<Output = Result<Fetched, Refusal>> + Send>>;

/// Finds out in the records what to fetch.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Errand, Refusal>> + Send + 'a>>;

/// A row of the table.
pub(crate) struct Row {
    /// What is known of the operation.
    pub operation: Operation,
    /// What carries it out.
    pub handler: Handler,
    /// What is fetched from elsewhere before, where something is: no transaction waits for it.
    pub errand: Option<for<'a> fn(&'a Call, &'a mut Snapshot) -> Sending<'a>>,
}

impl Row {
    /// This operation, carried out by this.
    pub(crate) const fn new(operation: Operation, handler: Handler) -> Row {
        Row { operation, handler, errand: None }
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

/// An errand of a function that finds out what to fetch.
macro_rules! fetch {
    ($function:path) => {
        |call, snapshot| Box::pin($function(call, snapshot))
    };
}

pub(crate) use {fetch, read, write};
