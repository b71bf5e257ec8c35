//! The course of an operation: what comes next, and what a step's result makes of it. Nothing here waits
//! or writes.
//!
//! ```text
//!            Done              Done                      all done
//!  step 0 ─────────► step 1 ─────────► … ─────────────────────────► Succeeded
//!    │ Fail, cancel    │ Fail, cancel    (not past the point of no return)
//!    ▼                 ▼
//!  undo 0 ◄───────── undo 1                Again, Retry: the same step later, held by nobody meanwhile
//!    │      Done
//!    ▼ -1
//!  Failed (there is an error) or Canceled (there is none)
//! ```
//!
//! `Operation::step` is the position: forward it counts the steps that are done, backward it is the one
//! to undo next. A step that may have begun is undone, too.

use std::time::Duration;

use isobar_records::{Operation, Status, document};
use serde_json::{Value, json};

use crate::options::Options;
use crate::outcome::{StepError, StepOutcome};
use crate::step::AnyStep;
use crate::workflow::{End, Workflow};

/// How much of a step's text is shown.
const MESSAGE_CHARS_MAX: usize = 2000;

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Do this step.
    Do(usize),
    /// Undo this step.
    Undo(usize),
    /// Nothing but to end.
    End(End),
}

/// What came of a call of a step.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It returned.
    Came(Result<StepOutcome, StepError>),
    /// It panicked, saying this.
    Panicked(String),
}

/// What the owner does with the operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// Goes on at once.
    GoOn,
    /// Gives it back until it is due.
    LetGo,
}

/// One moment in the course of the operations of a workflow.
pub(crate) struct Course<'a> {
    pub workflow: &'a Workflow,
    pub options: &'a Options,
    pub now_ms: i64,
}

impl Course<'_> {
    pub(crate) fn next(&self, operation: &Operation) -> Next {
        match usize::try_from(operation.step) {
            Ok(step) if operation.undoing => Next::Undo(step),
            Ok(step) if step == self.workflow.steps().len() => Next::End(End::Succeeded),
            // Beyond them the program does not have the step, and nobody knows whether all is done.
            Ok(step) => Next::Do(step),
            Err(_) if operation.error.is_some() => Next::End(End::Failed),
            Err(_) => Next::End(End::Canceled),
        }
    }

    /// The step that the operation is at, if it is at one.
    pub(crate) fn step(&self, operation: &Operation) -> Option<&dyn AnyStep> {
        let at = usize::try_from(operation.step).ok()?;
        self.workflow.steps().get(at).map(|step| &**step)
    }

    /// What the operation does now.
    pub(crate) fn words(&self, operation: &Operation) -> String {
        match (self.step(operation), operation.undoing) {
            (Some(step), false) => step.words().to_owned(),
            (Some(step), true) => format!("Undoing: {}", step.words()),
            (None, _) => "Ending".to_owned(),
        }
    }

    /// How much of the operation is done when its step is done to `part` percent. On the way back it stays.
    pub(crate) fn percent(&self, operation: &Operation, part: u8) -> i32 {
        match i32::try_from(self.workflow.steps().len()) {
            Ok(steps) if steps > 0 && !operation.undoing => {
                ((operation.step * 100 + i32::from(part)) / steps).max(operation.percent).min(100)
            }
            _ => operation.percent,
        }
    }

    /// Takes in what came of the present step.
    pub(crate) fn settle(&self, operation: &mut Operation, tried: Tried) -> Then {
        operation.changed_ms = self.now_ms;
        operation.due_ms = self.now_ms;
        let can_return = !operation.undoing && self.workflow.can_return(operation.step);
        match tried {
            Tried::Came(Ok(StepOutcome::Done(outputs))) => {
                let before = operation.outputs.clone();
                operation.outputs.extend(outputs);
                if let Err(error) = document("an operation's outputs", &json!(operation.outputs)) {
                    operation.outputs = before;
                    return self.fault(operation, &error.to_string());
                }
                operation.attempts = 0;
                operation.step += if operation.undoing { -1 } else { 1 };
                operation.percent = self.percent(operation, 0);
                operation.message = self.words(operation);
                Then::GoOn
            }
            Tried::Came(Ok(StepOutcome::Again { after })) => {
                operation.attempts = 0;
                operation.due_ms = self.now_ms.saturating_add(millis(after));
                Then::LetGo
            }
            Tried::Came(Err(StepError::Retry { after, why })) => self.retry(operation, after, &why),
            Tried::Came(Err(StepError::Fail(error))) if can_return => self.fail(operation, error),
            Tried::Came(Err(StepError::Fail(error))) => {
                self.retry(operation, Duration::ZERO, &in_words(&error))
            }
            Tried::Panicked(why) => self.fault(operation, &why),
        }
    }

    /// Turns an operation back that somebody wants to end, if it can; `true` if it did. `is_begun` says
    /// whether its step may have begun.
    pub(crate) fn heed_cancel(&self, operation: &mut Operation, is_begun: bool) -> bool {
        let heeds = operation.cancel_wanted && !operation.undoing && self.workflow.can_return(operation.step);
        if heeds {
            if !is_begun {
                operation.step -= 1;
            }
            self.turn_back(operation);
        }
        heeds
    }

    /// Lets the present step wait for its next try.
    pub(crate) fn retry(&self, operation: &mut Operation, after: Duration, why: &str) -> Then {
        operation.attempts = operation.attempts.saturating_add(1);
        let wait_ms = self.options.backoff_ms_after(operation.attempts).max(millis(after));
        operation.changed_ms = self.now_ms;
        operation.due_ms = self.now_ms.saturating_add(wait_ms);
        let seconds = wait_ms as f64 / 1000.0;
        operation.message = format!(
            "{}: {}; failure {}, next try in {seconds} s",
            self.words(operation),
            shown(why),
            operation.attempts
        );
        Then::LetGo
    }

    /// The operation as it is when it has ended.
    pub(crate) fn ended(&self, operation: &Operation, end: End) -> Operation {
        let mut ended = operation.clone();
        ended.status = match end {
            End::Succeeded => Status::Succeeded,
            End::Failed => Status::Failed,
            End::Canceled => Status::Canceled,
        };
        ended.message = match (end, &operation.error) {
            (End::Failed, Some(error)) => shown(&in_words(error)),
            _ => ended.status.to_string(),
        };
        if end == End::Succeeded {
            ended.percent = 100;
        }
        ended.attempts = 0;
        ended.changed_ms = self.now_ms;
        ended.ended_ms = Some(self.now_ms);
        ended.lease_until_ms = 0;
        ended.owner = String::new();
        ended
    }

    /// After something that is wrong with this program: it may be the data of a moment, or stay.
    fn fault(&self, operation: &mut Operation, why: &str) -> Then {
        let why = format!("a fault of this program: {why}");
        let can_return = !operation.undoing && self.workflow.can_return(operation.step);
        if can_return && operation.attempts.saturating_add(1) >= self.options.faults_max {
            let message = format!("{}: {}", self.words(operation), shown(&why));
            return self.fail(operation, json!({"code": "InternalError", "message": message}));
        }
        self.retry(operation, Duration::ZERO, &why)
    }

    fn fail(&self, operation: &mut Operation, error: Value) -> Then {
        let fits = document("an operation's error", &error).is_ok();
        let error =
            if fits { error } else { json!({"code": "InternalError", "message": shown(&in_words(&error))}) };
        operation.error = Some(error);
        self.turn_back(operation);
        Then::GoOn
    }

    fn turn_back(&self, operation: &mut Operation) {
        operation.undoing = true;
        operation.attempts = 0;
        operation.changed_ms = self.now_ms;
        operation.due_ms = self.now_ms;
        operation.message = self.words(operation);
    }
}

/// A text of a step as it is shown: a message that cannot be kept would hide the reason for ever.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MESSAGE_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    // PostgreSQL keeps no zero bytes.
    shown.replace('\0', "\u{fffd}")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// An error's message, or all of it if it has none.
fn in_words(error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str);
    message.map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
