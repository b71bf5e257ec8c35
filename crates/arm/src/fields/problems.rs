//! What is wrong with a body, as it is found.

use std::cell::{Cell, RefCell};

use crate::error::ArmError;
use crate::limits::PROBLEMS_MAX;

/// What is wrong with a body. Only the first [`PROBLEMS_MAX`] are kept; the others are counted.
#[derive(Default)]
pub struct Problems {
    found: RefCell<Vec<ArmError>>,
    more: Cell<usize>,
}

impl Problems {
    /// Nothing is wrong so far.
    pub fn new() -> Problems {
        Problems::default()
    }

    /// Records one. `target` is a JSON path, empty for the whole body; `what` is a sentence.
    pub fn add(&self, code: &'static str, target: &str, what: &str) {
        let mut found = self.found.borrow_mut();
        match found.len() < PROBLEMS_MAX {
            true => found.push(ArmError::new(400, code, what).with_target(target)),
            false => self.more.set(self.more.get() + 1),
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// The refusal, when anything was wrong.
    ///
    /// # Errors
    /// All of it, as details of one error.
    pub fn into_result(self) -> Result<(), ArmError> {
        match self.found.into_inner() {
            found if found.is_empty() => Ok(()),
            found => Err(ArmError::validation(found, self.more.get())),
        }
    }
}
