//! Templates of Azure Resource Manager, as pure code: reading them, their expressions, and what they make in
//! which order. No I/O, no clock, no randomness.
//!
//! ```text
//! template + values ─► Deployment ─► resources in their order ─► body of each ─► outputs
//!                                                      ▲
//!                               documents of other resources, when expressions refer to them
//! ```
//!
//! **What is promised**
//! - *The same again*: a [`Deployment`] follows from the template, the values of its parameters and the
//!   [`Facts`]; so it can be read again after a restart and goes on where it was.
//! - *Nothing is guessed*: what is not known (a member, a function, a way of writing) is refused by name,
//!   with its place and what is allowed there.
//! - *Secrets stay secret*: what has used a secure parameter is marked, is never part of an error, and can be
//!   put into no output that is shown.
//! - *Nothing is unbounded*: see [`limits`]; an expression that makes too much of little is refused.
//!
//! What a resource is, and whether it can be made, is not known here.
//!
//! | file | what |
//! |---|---|
//! | `document`, `kind` | the parts of a template, as they are written |
//! | `expression`, `functions` | the language of expressions, and its functions |
//! | `evaluate` | working them out, in their surroundings |
//! | `parameters`, `facts` | values of parameters; where and when something is deployed |
//! | `expand`, `identifiers`, `order` | loops, conditions, children; ids; what comes before what |
//! | `deployment` | all of it together |
//! | `difference` | what would change, for what-if |
//! | `error`, `value` | what is wrong, and where; kinds and sizes of values |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

mod deployment;
mod difference;
mod document;
mod error;
mod evaluate;
mod expand;
mod expression;
mod facts;
mod functions;
mod identifiers;
mod kind;
pub mod limits;
mod order;
mod parameters;
mod value;

pub use deployment::{Deployment, Made, Planned, Shown, without_secrets};
pub use difference::difference;
pub use error::{Halt, Reference};
pub use evaluate::Documents;
pub use facts::Facts;
pub use parameters::given_values;
