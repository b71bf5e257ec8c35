//! One target beside its measurement and the model's figure.
//!
//! A check is made from what was measured, or from why it was not, and what is wanted of it ([`Want`]). A
//! number that was not measured neither passes nor fails.

use serde::Serialize;

use crate::quantity::Quantity;
use crate::verdict::{Group, Verdict};

/// One target and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// Its name for programs, as in the file of targets where it has one there.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// In words.
    pub title: String,
    /// What is wanted, in words; none without a target.
    pub target: Option<String>,
    /// What was measured.
    pub measured: Option<Quantity>,
    /// What the model predicts.
    pub predicted: Option<Quantity>,
    /// What the model says sets the limit.
    pub predicted_limit: Option<&'static str>,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
    /// The command or the method by which the number was got.
    pub method: String,
}

/// What the model says of a number, and what it says sets the limit.
pub(crate) type Predicted = Option<(Quantity, &'static str)>;

/// What was measured, or why it was not.
pub(crate) type Outcome<T> = std::result::Result<T, Unmeasured>;

/// Why a number is absent, for people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unmeasured(String);

impl From<&str> for Unmeasured {
    fn from(why: &str) -> Self {
        Unmeasured(why.to_owned())
    }
}

impl From<String> for Unmeasured {
    fn from(why: String) -> Self {
        Unmeasured(why)
    }
}

/// What is wanted of a number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Want {
    pub at_least: Option<Quantity>,
    pub at_most: Option<Quantity>,
    /// At least this share of the prediction.
    pub of_model: Option<f64>,
    /// Why the prediction is not of what is measured here; then it is shown and not judged.
    pub not_the_model: Option<&'static str>,
}

impl Want {
    /// Nothing but a least value, where there is one.
    pub(crate) fn at_least(least: Option<Quantity>) -> Want {
        Want { at_least: least, ..Want::default() }
    }

    /// Nothing but a largest value, where there is one.
    pub(crate) fn at_most(most: Option<Quantity>) -> Want {
        Want { at_most: most, ..Want::default() }
    }

    /// The least share of the prediction, where the prediction is of what is measured.
    fn judged_share(&self) -> Option<f64> {
        self.of_model.filter(|_| self.not_the_model.is_none())
    }

    /// In words; none when nothing is wanted.
    fn describe(&self) -> Option<String> {
        let wanted = [
            self.at_least.map(|least| format!("≥ {least}")),
            self.at_most.map(|most| format!("≤ {most}")),
            self.of_model.map(|share| format!("≥ {} of the model", Quantity::Share(share))),
        ];
        let wanted: Vec<String> = wanted.into_iter().flatten().collect();
        (!wanted.is_empty()).then(|| wanted.join(", "))
    }

    /// What a value lacks, one phrase for each thing that is wanted.
    fn failures(&self, value: Quantity, predicted: Option<Quantity>) -> Vec<String> {
        let too_little = self
            .at_least
            .filter(|least| value.value() < least.value())
            .map(|l| format!("{value} is less than {l}"));
        let too_much = self
            .at_most
            .filter(|most| value.value() > most.value())
            .map(|m| format!("{value} is more than {m}"));
        let below_model = self
            .judged_share()
            .zip(predicted)
            .filter(|(share, predicted)| value.value() < share * predicted.value())
            .map(|(_, predicted)| {
                let share = Quantity::Share(value.value() / predicted.value());
                format!("{share} of the {predicted} the model predicts")
            });
        [too_little, too_much, below_model].into_iter().flatten().collect()
    }
}

impl Check {
    /// Nothing said yet.
    pub(crate) fn new(
        id: &'static str,
        group: Group,
        title: impl Into<String>,
        method: impl Into<String>,
    ) -> Check {
        Check {
            id,
            group,
            title: title.into(),
            target: None,
            measured: None,
            predicted: None,
            predicted_limit: None,
            verdict: Verdict::NoTarget,
            reason: String::new(),
            method: method.into(),
        }
    }

    /// With what the model says.
    pub(crate) fn predicted(mut self, value: Predicted) -> Check {
        self.predicted = value.map(|(value, _)| value);
        self.predicted_limit = value.map(|(_, limit)| limit);
        self
    }

    /// Compares a number that was measured, or says why it was not.
    pub(crate) fn measured(mut self, measured: Outcome<Quantity>, want: Want) -> Check {
        self.target = want.describe();
        let value = match measured {
            Ok(value) => value,
            Err(why) => return self.not_measurable(why),
        };
        self.measured = Some(value);
        let failures = want.failures(value, self.predicted);
        let is_judged = want.at_least.is_some()
            || want.at_most.is_some()
            || want.judged_share().zip(self.predicted).is_some();
        self.verdict = match (is_judged, failures.is_empty()) {
            (true, true) => Verdict::Pass,
            (true, false) => Verdict::Fail,
            (false, _) => Verdict::NoTarget,
        };
        self.reason = failures.join("; ");
        if let (Some(_), Some(predicted), Some(why)) = (want.of_model, self.predicted, want.not_the_model) {
            let share = Quantity::Share(value.value() / predicted.value());
            let said = format!("{share} of what the model predicts; {why}");
            return if is_judged { self.note(said) } else { self.not_measurable(said) };
        }
        if !is_judged && want.of_model.is_some() {
            "the model predicts nothing without the pre-flight's rates".clone_into(&mut self.reason);
        }
        self
    }

    /// A yes or no.
    pub(crate) fn holds(mut self, wanted: Option<&str>, holds: Outcome<bool>, reason: String) -> Check {
        self.target = wanted.map(str::to_owned);
        match holds {
            Err(why) => return self.not_measurable(why),
            Ok(holds) => {
                self.verdict = match (wanted, holds) {
                    (None, _) => Verdict::NoTarget,
                    (Some(_), true) => Verdict::Pass,
                    (Some(_), false) => Verdict::Fail,
                };
            }
        }
        self.reason = reason;
        self
    }

    /// Says that what is measured here means nothing for the target: the number stays.
    pub(crate) fn not_measurable(mut self, why: impl Into<Unmeasured>) -> Check {
        self.verdict = if self.target.is_some() { Verdict::NotMeasurable } else { Verdict::NoTarget };
        self.reason = why.into().0;
        self
    }

    /// Words beside the verdict.
    pub(crate) fn note(mut self, note: impl AsRef<str>) -> Check {
        let note = note.as_ref();
        if !note.is_empty() {
            self.reason =
                if self.reason.is_empty() { note.to_owned() } else { format!("{}; {note}", self.reason) };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(measured: Result<f64, &str>, want: Want, predicted: Option<f64>) -> Check {
        Check::new("x", Group::Streams, "x", "m")
            .predicted(predicted.map(|p| (Quantity::Rate(p), "network in")))
            .measured(measured.map(Quantity::Rate).map_err(Unmeasured::from), want)
    }

    #[test]
    fn a_rate_passes_only_when_target_and_model_are_met() {
        let want = Want { at_least: Some(Quantity::Rate(100.0)), of_model: Some(0.5), ..Want::default() };
        assert_eq!(check(Ok(150.0), want, Some(200.0)).verdict, Verdict::Pass);
        let slow = check(Ok(99.0), want, Some(100.0));
        assert_eq!(slow.verdict, Verdict::Fail);
        assert!(slow.reason.contains("less than"), "{}", slow.reason);
        let below_model = check(Ok(150.0), want, Some(400.0));
        assert_eq!(below_model.verdict, Verdict::Fail);
        assert!(below_model.reason.contains("model"), "{}", below_model.reason);
    }

    #[test]
    fn what_was_not_measured_neither_passes_nor_fails() {
        let want = Want { at_most: Some(Quantity::Rate(1.0)), ..Want::default() };
        let none = check(Err("skipped"), want, None);
        assert_eq!(
            (none.verdict, none.measured, none.reason.as_str()),
            (Verdict::NotMeasurable, None, "skipped")
        );
        assert_eq!(check(Err("skipped"), Want::default(), None).verdict, Verdict::NoTarget);
        assert_eq!(check(Ok(5.0), Want::default(), None).verdict, Verdict::NoTarget);
    }

    #[test]
    fn a_model_of_something_else_is_shown_and_not_judged() {
        let want = Want { of_model: Some(0.5), not_the_model: Some("shared"), ..Want::default() };
        let shown = check(Ok(5.0), want, Some(100.0));
        assert_eq!(shown.verdict, Verdict::NotMeasurable);
        assert!(shown.measured.is_some() && shown.reason.contains("5 %") && shown.reason.contains("shared"));
        let own_target = Want { at_least: Some(Quantity::Rate(6.0)), ..want };
        assert_eq!(check(Ok(5.0), own_target, Some(100.0)).verdict, Verdict::Fail);
        assert_eq!(check(Ok(7.0), own_target, Some(100.0)).verdict, Verdict::Pass);
    }

    #[test]
    fn a_share_of_a_model_that_says_nothing_is_no_target_met() {
        let want = Want { of_model: Some(0.5), ..Want::default() };
        assert_eq!(check(Ok(5.0), want, None).verdict, Verdict::NoTarget);
    }
}
