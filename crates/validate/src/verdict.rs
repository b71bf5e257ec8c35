//! What is said of one target, and of all together.

use serde::Serialize;

use crate::quantity::Quantity;

/// What is said of one target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Measured, and as wanted.
    Pass,
    /// Measured, and not as wanted.
    Fail,
    /// There is a target, and here it cannot be measured; the reason says why.
    NotMeasurable,
    /// Measured or tried; nothing was asked of it.
    NoTarget,
}

impl Verdict {
    /// In a word or three.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::NotMeasurable => "not measurable here",
            Verdict::NoTarget => "no target",
        }
    }
}

/// What a check is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Nodes and their machines.
    Nodes,
    /// Between nodes.
    Network,
    /// What may be lost.
    Survives,
    /// Large files.
    Streams,
    /// Small files.
    SmallFiles,
    /// Names and attributes.
    Metadata,
    /// How long calls take.
    Latency,
    /// Shares of what the hardware showed.
    Efficiency,
    /// The fault drill.
    Recovery,
    /// Right bytes.
    Contents,
}

impl Group {
    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Nodes => "Nodes",
            Group::Network => "Network",
            Group::Survives => "Survives",
            Group::Streams => "Large files",
            Group::SmallFiles => "Small files",
            Group::Metadata => "Metadata",
            Group::Latency => "Latency, 99 of 100 calls",
            Group::Efficiency => "Efficiency",
            Group::Recovery => "Fault drill",
            Group::Contents => "Contents",
        }
    }
}

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
    pub(crate) fn predicted(mut self, value: Option<(Quantity, &'static str)>) -> Check {
        self.predicted = value.map(|(value, _)| value);
        self.predicted_limit = value.map(|(_, limit)| limit);
        self
    }

    /// Compares a number that was measured, or says why it was not.
    pub(crate) fn measured(mut self, measured: Result<Quantity, String>, want: Want) -> Check {
        let of_model = want.of_model.zip(self.predicted);
        let mut wanted = Vec::new();
        wanted.extend(want.at_least.map(|least| format!("≥ {least}")));
        wanted.extend(want.at_most.map(|most| format!("≤ {most}")));
        wanted.extend(want.of_model.map(|share| format!("≥ {} of the model", Quantity::Share(share))));
        self.target = (!wanted.is_empty()).then(|| wanted.join(", "));
        let value = match measured {
            Ok(value) => value,
            Err(why) => return self.not_measurable(why),
        };
        self.measured = Some(value);
        let mut failures = Vec::new();
        if let Some(least) = want.at_least
            && value.value() < least.value()
        {
            failures.push(format!("{value} is less than {least}"));
        }
        if let Some(most) = want.at_most
            && value.value() > most.value()
        {
            failures.push(format!("{value} is more than {most}"));
        }
        if let Some((share, predicted)) = of_model
            && want.not_the_model.is_none()
            && value.value() < share * predicted.value()
        {
            failures.push(format!(
                "{} of the {predicted} the model predicts",
                Quantity::Share(value.value() / predicted.value())
            ));
        }
        let judged = want.at_least.is_some()
            || want.at_most.is_some()
            || (of_model.is_some() && want.not_the_model.is_none());
        self.verdict = match (judged, failures.is_empty()) {
            (true, true) => Verdict::Pass,
            (true, false) => Verdict::Fail,
            (false, _) => Verdict::NoTarget,
        };
        self.reason = failures.join("; ");
        if let (Some((_, predicted)), Some(why)) = (of_model, want.not_the_model) {
            let share = Quantity::Share(value.value() / predicted.value());
            let said = format!("{share} of what the model predicts; {why}");
            return if judged { self.note(said) } else { self.not_measurable(said) };
        }
        if !judged && want.of_model.is_some() {
            "the model predicts nothing without the pre-flight's rates".clone_into(&mut self.reason);
        }
        self
    }

    /// A yes or no.
    pub(crate) fn holds(
        mut self,
        wanted: Option<&str>,
        holds: Result<bool, String>,
        reason: String,
    ) -> Check {
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
    pub(crate) fn not_measurable(mut self, why: String) -> Check {
        self.verdict = if self.target.is_some() { Verdict::NotMeasurable } else { Verdict::NoTarget };
        self.reason = why;
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

/// What is said of the cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Overall {
    /// Targets met.
    pub passed: u32,
    /// Targets missed.
    pub failed: u32,
    /// Targets that cannot be measured here.
    pub not_measurable: u32,
}

impl Overall {
    /// Counts.
    pub fn of(checks: &[Check]) -> Overall {
        let count = |verdict| checks.iter().filter(|c| c.verdict == verdict).count() as u32;
        Overall {
            passed: count(Verdict::Pass),
            failed: count(Verdict::Fail),
            not_measurable: count(Verdict::NotMeasurable),
        }
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match (self.failed, self.not_measurable, self.passed) {
            (0, _, 0) => "Nothing was judged",
            (0, 0, _) => "Ready",
            (0, _, _) => "Ready, as far as it can be measured here",
            _ => "Not ready",
        }
    }

    /// How many targets came out how.
    pub fn counts(self) -> String {
        let mut parts = vec![format!("{} passed", self.passed)];
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if self.not_measurable > 0 {
            parts.push(format!("{} not measurable here", self.not_measurable));
        }
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(measured: Result<f64, &str>, want: Want, predicted: Option<f64>) -> Check {
        Check::new("x", Group::Streams, "x", "m")
            .predicted(predicted.map(|p| (Quantity::Rate(p), "network in")))
            .measured(measured.map(Quantity::Rate).map_err(str::to_owned), want)
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

    #[test]
    fn one_failure_means_not_ready_and_gaps_are_said() {
        let of = |passed, failed, not_measurable| Overall { passed, failed, not_measurable }.words();
        assert_eq!(of(9, 0, 0), "Ready");
        assert_eq!(of(9, 1, 3), "Not ready");
        assert_eq!(of(9, 0, 3), "Ready, as far as it can be measured here");
        assert_eq!(of(0, 0, 3), "Nothing was judged");
    }
}
