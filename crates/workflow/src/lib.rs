//! Durable workflows: what takes long and must not be left half done.
//!
//! A [`Workflow`] is a list of [`Step`]s, each with the way back. A run of one is an *operation*, a row
//! of the records: what it was given, the step it is at, what its steps have found, and who works on it.
//! An [`Engine`] claims rows that are due and calls their steps; any number of engines, in any number of
//! processes, share a database.
//!
//! ```text
//!  start() in the transaction    ┌─ claim ─► step ─► save ─► step ─► save ─► … ─► end + on_end
//!  that changes the target ─► row│             │                                 (one transaction)
//!                                └─────────────┴── Again, Retry: due later ──► claim …
//! ```
//!
//! **What is promised**
//! - *A killed process leaves nothing half done for good*: whoever claims next calls the step again that
//!   the last save named. Steps recognise what they have made by the operation's id ([`Context::mark`]).
//! - *What fails is undone*: the step that failed, and those before it, backward. An undo that fails is
//!   tried again for ever, and the operation's message says why. Nothing is given up silently.
//! - *From a point of no return on there is no way but forward*, if the workflow has one.
//! - *The end and what it means are one*: the last status and what [`Finish`] writes are one transaction.
//! - *One owner at a time saves*: a lease decides who works, a fence whose saves count (see the records'
//!   `claims`). A step whose lease is lost is dropped; what it may still have done outside is what the
//!   next call of it finds.
//! - *Waiting costs nothing*: a step that polls, or waits for its next try, holds no worker.
//!
//! | file | what |
//! |---|---|
//! | `step`, `outcome`, `context` | what a workflow's author writes, and what is at hand there |
//! | `workflow` | steps in their order, the point of no return, what is written at the end |
//! | `course` | what comes next and what a result makes of it: the state machine, without I/O |
//! | `engine`, `worker`, `lease` | claiming; one operation; one step |
//! | `requests` | starting and cancelling |
//! | `environment`, `options` | time, randomness, observers; how much and how long |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod context;
mod course;
mod engine;
mod environment;
mod error;
mod id;
mod lease;
mod options;
mod outcome;
mod requests;
mod shared;
mod step;
mod worker;
mod workflow;

pub use context::Context;
pub use engine::Engine;
pub use environment::{Clock, Environment, Event, Observer, Random, SystemClock, SystemRandom};
pub use error::WorkflowError;
pub use options::Options;
pub use outcome::{Outputs, StepError, StepOutcome};
pub use step::Step;
pub use workflow::{End, Finish, Workflow};
