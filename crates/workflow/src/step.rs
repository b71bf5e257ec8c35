//! A step of a workflow.

use std::future::Future;
use std::pin::Pin;

use crate::context::Context;
use crate::outcome::{StepError, StepOutcome};

/// A future in a box.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One step, with the way back.
///
/// Both ways may be called any number of times, by one process after another, and a call may end
/// anywhere: with the process, or because its future is dropped. So each of them looks first what is
/// there already (what it makes has the [`mark`](Context::mark)), and leaves nothing running behind that
/// its future does not hold. What has to be true is that calls that come to `Done` in the end have had
/// their effect once.
pub trait Step: Send + Sync + 'static {
    /// Its name within the workflow.
    fn name(&self) -> &str;

    /// What it does, in words for the status: "Making volumes".
    fn words(&self) -> &str;

    /// Does it.
    fn run(&self, context: &Context) -> impl Future<Output = Result<StepOutcome, StepError>> + Send;

    /// Undoes it, whether it was done, begun or not begun. A failure, of whatever kind, is tried again
    /// for ever. A step without this leaves nothing behind, or what another one takes away.
    fn undo(&self, _: &Context) -> impl Future<Output = Result<StepOutcome, StepError>> + Send {
        async { Ok(StepOutcome::done()) }
    }
}

/// A step of whatever type.
pub(crate) trait AnyStep: Send + Sync {
    fn name(&self) -> &str;
    fn words(&self) -> &str;
    fn run<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<StepOutcome, StepError>>;
    fn undo<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<StepOutcome, StepError>>;
}

impl<S: Step> AnyStep for S {
    fn name(&self) -> &str {
        Step::name(self)
    }

    fn words(&self) -> &str {
        Step::words(self)
    }

    fn run<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<StepOutcome, StepError>> {
        Box::pin(Step::run(self, context))
    }

    fn undo<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<StepOutcome, StepError>> {
        Box::pin(Step::undo(self, context))
    }
}
