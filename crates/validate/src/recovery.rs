//! What a fault did to the rates: how deep they fell and when they were back, from whole seconds.

use serde::Serialize;

/// A direction has to stay up for so many seconds to have recovered.
const HOLD_SECONDS: usize = 2;

/// One direction around a fault.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Recovery {
    /// Mean of the whole seconds before the fault but the first, in bytes per second.
    pub before_bytes_per_second: f64,
    /// The least of any of them: how uneven the rate is without a fault.
    pub before_min_bytes_per_second: f64,
    /// The least of any second from the fault on, up to the recovery or the end.
    pub least_bytes_per_second: f64,
    /// Share of the rate before that was lost in that second: 1 is a standstill.
    pub drop: f64,
    /// From the fault to the end of the last second below the threshold, after which it stayed above; `None`
    /// when it did not come back. Whole seconds are what is known: the fault's own counts.
    pub recover_seconds: Option<f64>,
    /// Mean from the recovery to the return of the node.
    pub away_bytes_per_second: Option<f64>,
}

/// Looks at the rates of each second. `fault_seconds` is when the fault was, `return_seconds` when the node
/// was started again; a direction has recovered when it reaches `share` of its rate before.
///
/// `None` when there are not two whole seconds before the fault, or none after it, or nothing went through
/// before.
pub fn analyse(rates: &[f64], fault_seconds: f64, return_seconds: f64, share: f64) -> Option<Recovery> {
    let fault = fault_seconds.max(0.0) as usize;
    // The first second holds the start; the fault's second is neither before nor after.
    let before = rates.get(1..fault).filter(|before| !before.is_empty())?;
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    if mean <= 0.0 {
        return None;
    }
    let after = rates.get(fault..).filter(|after| !after.is_empty())?;
    let threshold = share * mean;
    let holds = |at: usize| {
        let end = (at + HOLD_SECONDS).min(after.len());
        after[at..end].iter().all(|rate| *rate >= threshold)
    };
    let back = (0..after.len()).find(|at| holds(*at));
    let until = back.map_or(after.len(), |at| (at + 1).min(after.len()));
    let least = after[..until].iter().copied().fold(f64::INFINITY, f64::min);
    let recover_seconds =
        back.map(|at| if at == 0 { 0.0 } else { ((fault + at) as f64 - fault_seconds).max(0.0) });
    let away = back.and_then(|at| {
        let end = (return_seconds.max(0.0) as usize).min(rates.len());
        let away = rates.get(fault + at..end).filter(|a| !a.is_empty())?;
        Some(away.iter().sum::<f64>() / away.len() as f64)
    });
    Some(Recovery {
        before_bytes_per_second: mean,
        before_min_bytes_per_second: before.iter().copied().fold(f64::INFINITY, f64::min),
        least_bytes_per_second: least,
        drop: (1.0 - least / mean).max(0.0),
        recover_seconds,
        away_bytes_per_second: away,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_time_are_measured_from_the_fault() {
        let rates = [10.0, 100.0, 100.0, 100.0, 60.0, 0.0, 20.0, 90.0, 95.0, 100.0];
        let found = analyse(&rates, 4.3, 9.0, 0.7).expect("there is enough");
        assert_eq!(found.before_bytes_per_second, 100.0);
        assert_eq!(found.drop, 1.0, "one second had nothing");
        assert!((found.recover_seconds.expect("it is back") - 2.7).abs() < 1e-9, "{found:?}");
        assert_eq!(found.away_bytes_per_second, Some(92.5));
    }

    #[test]
    fn a_fault_nobody_notices_takes_no_time() {
        let found = analyse(&[5.0, 100.0, 100.0, 99.0, 100.0, 101.0], 3.5, 6.0, 0.7).expect("enough");
        assert_eq!(found.recover_seconds, Some(0.0));
        assert!(found.drop < 0.02);
    }

    #[test]
    fn one_good_second_between_bad_ones_is_no_recovery() {
        let rates = [1.0, 100.0, 100.0, 0.0, 100.0, 0.0, 0.0, 100.0, 100.0];
        let found = analyse(&rates, 3.0, 9.0, 0.7).expect("enough");
        assert_eq!(found.recover_seconds, Some(4.0));
    }

    #[test]
    fn what_never_comes_back_has_no_time() {
        let found = analyse(&[1.0, 100.0, 100.0, 0.0, 0.0, 10.0], 3.0, 6.0, 0.7).expect("enough");
        assert_eq!((found.recover_seconds, found.drop), (None, 1.0));
        assert_eq!(found.away_bytes_per_second, None);
    }

    #[test]
    fn without_a_rate_before_nothing_can_be_said() {
        assert_eq!(analyse(&[100.0, 100.0], 1.0, 2.0, 0.7), None);
        assert_eq!(analyse(&[0.0, 0.0, 0.0, 5.0], 3.0, 4.0, 0.7), None);
        assert_eq!(analyse(&[100.0, 100.0, 100.0], 3.0, 4.0, 0.7), None, "nothing after it");
    }
}
