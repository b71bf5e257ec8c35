//! Asking an engine for an operation, and for the end of one.

use isobar_records::{NewOperation, Operation, Tx};

use crate::engine::Engine;
use crate::error::WorkflowError;
use crate::id::uuid;

impl Engine {
    /// Adds an operation in the caller's transaction, together with what it changes itself; when that is
    /// committed the caller calls [`notify`](Engine::notify). An empty id is drawn, and an empty message
    /// is what the first step does.
    ///
    /// # Errors
    /// `UnknownWorkflow`, `Random`, and those of [`Tx::insert_operation`], of which `Busy` is to be expected.
    pub async fn start(&self, tx: &mut Tx, mut new: NewOperation) -> Result<Operation, WorkflowError> {
        let Some(workflow) = self.shared.workflows.get(&new.kind) else {
            return Err(WorkflowError::UnknownWorkflow { name: new.kind });
        };
        if new.id.is_empty() {
            new.id = uuid(&*self.shared.environment.random)?;
        }
        if new.message.is_empty() {
            new.message = workflow.steps().first().map_or("", |step| step.words()).to_owned();
        }
        Ok(tx.insert_operation(&new, self.shared.now_ms()).await?)
    }

    /// Asks for the end of an operation, and gives it as it is then. What was done is undone, and it ends
    /// as `Canceled`; unless the step that runs is the point of no return or the last one, and comes to
    /// its end first.
    ///
    /// # Errors
    /// `NoOperation`, `Ended`, `TooLate` behind the point of no return, `UnknownWorkflow`, and those of
    /// the records.
    pub async fn cancel(&self, id: &str) -> Result<Operation, WorkflowError> {
        let mut tx = self.shared.records.begin().await?;
        let noted = self.cancel_in(&mut tx, id).await?;
        tx.commit().await?;
        self.shared.cancel.send_replace(());
        self.notify();
        Ok(noted)
    }

    /// The same in the caller's transaction; when that is committed the caller calls
    /// [`notify`](Engine::notify). A step that runs hears of it when its lease is renewed next.
    ///
    /// # Errors
    /// As [`cancel`](Engine::cancel).
    pub async fn cancel_in(&self, tx: &mut Tx, id: &str) -> Result<Operation, WorkflowError> {
        let no_operation = || WorkflowError::NoOperation { id: id.to_owned() };
        let held = tx.hold_operation(id).await?.ok_or_else(no_operation)?;
        if held.status.is_terminal() {
            return Err(WorkflowError::Ended { id: held.id, status: held.status });
        }
        let Some(workflow) = self.shared.workflows.get(&held.kind) else {
            return Err(WorkflowError::UnknownWorkflow { name: held.kind });
        };
        if !held.undoing && !workflow.can_return(held.step) {
            return Err(WorkflowError::TooLate { id: held.id });
        }
        tx.request_cancel(id, self.shared.now_ms()).await?;
        tx.operation(id).await?.ok_or_else(no_operation)
    }
}
