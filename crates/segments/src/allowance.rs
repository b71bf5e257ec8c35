//! What may be done beside the usual, in proportion to it: a slow cluster must not be asked twice for
//! everything.

use std::sync::atomic::{AtomicU32, Ordering};

/// Earned by usual requests, spent by additional ones.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// One additional request for so many usual ones, ...
    one_in: u32,
    /// ... and so many at once at most.
    burst: u32,
    /// What is left, in parts of a request.
    left: AtomicU32,
}

impl Allowance {
    /// One additional request for each `one_in` usual ones, and `burst` to begin with.
    pub(crate) fn new(one_in: u32, burst: u32) -> Allowance {
        Allowance { one_in, burst, left: AtomicU32::new(one_in * burst) }
    }

    /// A usual request was made.
    pub(crate) fn earn(&self) {
        let more = |left| (left < self.one_in * self.burst).then_some(left + 1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok();
    }

    /// Whether so many additional requests may be made. They count as made then.
    pub(crate) fn take(&self, requests: usize) -> bool {
        let less = |left: u32| left.checked_sub(u32::try_from(requests).ok()?.checked_mul(self.one_in)?);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additional_requests_are_a_share_of_the_usual_ones_and_a_burst() {
        let allowance = Allowance::new(20, 10);
        assert!(allowance.take(6) && !allowance.take(6) && allowance.take(4) && !allowance.take(1));
        let mut taken = 0;
        for _ in 0..1000 {
            allowance.earn();
            taken += u32::from(allowance.take(1));
        }
        assert_eq!(taken, 50);
        (0..100_000).for_each(|_| allowance.earn());
        assert!(allowance.take(10) && !allowance.take(1), "what is not used is not saved up");
    }
}
