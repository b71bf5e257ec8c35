//! A workflow: its name, its steps in their order, and what is written when it ends.

use std::future::Future;
use std::sync::Arc;

use isobar_records::{Operation, RecordsError, Tx};

use crate::step::{AnyStep, BoxFuture, Step};

/// How an operation ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum End {
    /// All steps are done.
    Succeeded,
    /// One could not be done, and what was done is undone.
    Failed,
    /// Somebody wanted it to end, and what was done is undone.
    Canceled,
}

/// What else is written when an operation ends.
pub trait Finish: Send + Sync + 'static {
    /// Writes it, in the transaction that ends the operation: both are kept, or neither. The operation is
    /// as it will be. After an error it is called again in another transaction, so it does nothing but
    /// write into this one.
    fn finish(
        &self,
        tx: &mut Tx,
        operation: &Operation,
        end: End,
    ) -> impl Future<Output = Result<(), RecordsError>> + Send;
}

/// Such a thing of whatever type.
pub(crate) trait AnyFinish: Send + Sync {
    fn finish<'a>(
        &'a self,
        tx: &'a mut Tx,
        operation: &'a Operation,
        end: End,
    ) -> BoxFuture<'a, Result<(), RecordsError>>;
}

impl<F: Finish> AnyFinish for F {
    fn finish<'a>(
        &'a self,
        tx: &'a mut Tx,
        operation: &'a Operation,
        end: End,
    ) -> BoxFuture<'a, Result<(), RecordsError>> {
        Box::pin(Finish::finish(self, tx, operation, end))
    }
}

/// Writes nothing.
struct Nothing;

impl Finish for Nothing {
    async fn finish(&self, _: &mut Tx, _: &Operation, _: End) -> Result<(), RecordsError> {
        Ok(())
    }
}

/// A workflow. Operations remember its name and the number of their step: one with steps added, taken away or
/// in another order in a later program needs another name there.
#[derive(Clone)]
pub struct Workflow {
    name: String,
    steps: Vec<Arc<dyn AnyStep>>,
    /// Steps up to and with the one from which there is no way back.
    returnable: Option<usize>,
    finish: Arc<dyn AnyFinish>,
}

impl Workflow {
    /// One without steps yet.
    pub fn new(name: impl Into<String>) -> Workflow {
        Workflow { name: name.into(), steps: Vec::new(), returnable: None, finish: Arc::new(Nothing) }
    }

    /// Adds a step behind the others.
    ///
    /// # Panics
    /// Another step has its name: each would take what the other makes for its own.
    #[must_use]
    pub fn step(mut self, step: impl Step) -> Workflow {
        let is_new = self.steps.iter().all(|other| other.name() != step.name());
        assert!(is_new, "the workflow {} has two steps {}", self.name, step.name());
        self.steps.push(Arc::new(step));
        self
    }

    /// Makes the step that was added last the point of no return: once it is done nothing is cancelled or
    /// undone any more, and what fails is tried again for ever.
    #[must_use]
    pub fn no_return(mut self) -> Workflow {
        self.returnable = Some(self.steps.len());
        self
    }

    /// Says what else is written when it ends.
    #[must_use]
    pub fn on_end(mut self, finish: impl Finish) -> Workflow {
        self.finish = Arc::new(finish);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn steps(&self) -> &[Arc<dyn AnyStep>] {
        &self.steps
    }

    pub(crate) fn finish(&self) -> &dyn AnyFinish {
        &*self.finish
    }

    /// Whether an operation that goes forward and is at this step can still go back: not when all is
    /// done, nor behind the point of no return.
    pub(crate) fn can_return(&self, step: i32) -> bool {
        let done = usize::try_from(step).unwrap_or(0);
        done < self.steps.len() && self.returnable.is_none_or(|returnable| done < returnable)
    }
}
