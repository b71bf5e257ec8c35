//! What is said of all targets together.

use serde::Serialize;

use crate::check::Check;
use crate::verdict::Verdict;

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
    pub fn describe(self) -> &'static str {
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

    #[test]
    fn one_failure_means_not_ready_and_gaps_are_said() {
        let of = |passed, failed, not_measurable| Overall { passed, failed, not_measurable }.describe();
        assert_eq!(of(9, 0, 0), "Ready");
        assert_eq!(of(9, 1, 3), "Not ready");
        assert_eq!(of(9, 0, 3), "Ready, as far as it can be measured here");
        assert_eq!(of(0, 0, 3), "Nothing was judged");
    }
}
