//! Tables of numbers: a row for each, with how it was got, what the model says and what is asked of it.

use crate::check::{Check, Outcome, Predicted, Want};
use crate::quantity::Quantity;
use crate::verdict::Group;

/// Rows about one thing.
pub(super) struct Table(pub Group);

impl Table {
    /// A number: its name for programs, its name for people, the command or method that gives it again, what
    /// the model says, what was measured, and what is wanted.
    pub fn row(
        &self,
        id: &'static str,
        title: &str,
        method: &str,
        predicted: Predicted,
        measured: Outcome<Quantity>,
        want: Want,
    ) -> Check {
        Check::new(id, self.0, title, method).predicted(predicted).measured(measured, want)
    }
}
