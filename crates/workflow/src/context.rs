//! What a step is told, and what it can say while it runs.

use std::sync::Arc;

use isobar_records::Operation;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use crate::outcome::{Outputs, StepError};

/// How far a step is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Progress {
    /// Of the step, 0 to 100.
    pub percent: u8,
    /// What it does now.
    pub message: String,
}

/// What a step is told. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Context {
    operation: Arc<Operation>,
    step_name: Arc<str>,
    cancel: watch::Receiver<bool>,
    progress: watch::Sender<Option<Progress>>,
}

impl Context {
    pub(crate) fn new(
        operation: Arc<Operation>,
        step_name: Arc<str>,
        cancel: watch::Receiver<bool>,
        progress: watch::Sender<Option<Progress>>,
    ) -> Context {
        Context { operation, step_name, cancel, progress }
    }

    /// The operation as it was when the step began.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The operation's id.
    pub fn operation_id(&self) -> &str {
        &self.operation.id
    }

    /// The same for every call of this step in this operation, and for nothing else: what the step makes
    /// is marked with it, so that it is found when the step is called again, and to be undone.
    pub fn mark(&self) -> String {
        format!("{}/{}", self.operation.id, self.step_name)
    }

    /// What the operation was given.
    pub fn input(&self) -> &Value {
        &self.operation.input
    }

    /// The same, read as what it should be.
    ///
    /// # Errors
    /// `Fail` if it is something else: it will not get better.
    pub fn input_as<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        let read = T::deserialize(self.input());
        read.map_err(|error| StepError::fail("InvalidInput", format!("the operation's input: {error}")))
    }

    /// What the steps before have found or made.
    pub fn outputs(&self) -> &Outputs {
        &self.operation.outputs
    }

    /// One of them, read as what it should be; `None` if there is none.
    ///
    /// # Errors
    /// `Fail` if it is something else: it will not get better.
    pub fn output_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StepError> {
        let read = self.outputs().get(name).map(T::deserialize).transpose();
        read.map_err(|error| StepError::fail("InvalidOutput", format!("the output {name}: {error}")))
    }

    /// How many tries of this step have failed so far.
    pub fn attempts(&self) -> i32 {
        self.operation.attempts
    }

    /// Whether somebody wants the operation to end. A step that takes long looks now and then, and
    /// returns `Retry`: there is no next try then, but undoing. Past the point of no return it goes on.
    pub fn is_cancel_wanted(&self) -> bool {
        *self.cancel.borrow()
    }

    /// Returns when somebody wants the operation to end, and perhaps never.
    pub async fn cancel_wanted(&self) {
        let mut cancel = self.cancel.clone();
        if cancel.wait_for(|wanted| *wanted).await.is_err() {
            // Nobody is left who could want it.
            std::future::pending().await
        }
    }

    /// Says how much of the step is done, 0 to 100, and what it does now. It is written down every now
    /// and then, not each time.
    pub fn report(&self, percent: u8, message: impl Into<String>) {
        self.progress.send_replace(Some(Progress { percent: percent.min(100), message: message.into() }));
    }
}
