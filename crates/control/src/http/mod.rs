//! Requests and replies without a server: what is told of one, and what is answered.

mod incoming;
mod query;
mod reply;

pub(crate) use incoming::{Headers, Incoming};
pub(crate) use query::Query;
pub(crate) use reply::Reply;
