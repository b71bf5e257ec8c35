//! What takes long with clusters: making, deleting and measuring them, restarting and replacing a node.
//!
//! | workflow | steps |
//! |---|---|
//! | [`CREATE`] | check, make, start, found; what fails is taken away again |
//! | [`DELETE`] | remove; there is no way back |
//! | [`RESTART`] | stop, start, serve |
//! | [`REPLACE`] | stop, blank, start, admit, rebuild |
//! | [`VALIDATE`] | look, measure; a node that was stopped for it is started again |
//!
//! Steps call a provider for machines, and the cluster itself for what it knows: whether it is founded, what
//! may be lost. At the end the records of the cluster and its nodes change in the transaction that ends the
//! operation. What a node's workflow has done is not undone: the cluster has it, and says so.

mod actions;
mod create;
mod delete;
mod ends;
mod give_up;
mod safety;
mod tools;
mod validate;
mod work;

pub(crate) use safety::{Action, judge};
pub(crate) use tools::Tools;
pub(crate) use work::{CREATE, DELETE, REPLACE, RESTART, VALIDATE, Work, Write};

use isobar_workflow::Workflow;

/// All of them.
pub(crate) fn workflows(tools: &Tools) -> Vec<Workflow> {
    vec![
        create::workflow(tools),
        delete::workflow(tools),
        actions::restart(tools),
        actions::replace(tools),
        validate::workflow(tools),
    ]
}
