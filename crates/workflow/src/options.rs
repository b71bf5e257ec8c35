//! How an engine works: how much at once, and how long it waits for what.

/// Times are in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Operations that are worked on at the same time, at least one.
    pub at_once: usize,
    /// How long an operation whose process has died waits for another one. The clocks of processes that
    /// share a database may differ by a part of it. At least 1.
    pub lease_ms: i64,
    /// How often a lease is renewed while a step runs; then its progress is written down, and a wish to
    /// end it is heard. Not checked, but to be a third of the lease or less: then one renewal may fail.
    pub renew_ms: u64,
    /// How often a database is looked into in which nobody here has written.
    pub poll_ms: u64,
    /// The wait after a first failure. It doubles with every further one of the same step …
    pub backoff_ms: i64,
    /// … up to this.
    pub backoff_ms_max: i64,
    /// A step that panics at this try, or a later one, has failed for good. So has one with outputs that are
    /// too large or too deep.
    pub faults_max: i32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            at_once: 8,
            lease_ms: 15_000,
            renew_ms: 3_000,
            poll_ms: 500,
            backoff_ms: 500,
            backoff_ms_max: 60_000,
            faults_max: 3,
        }
    }
}

impl Options {
    /// # Panics
    /// An engine with these would do nothing, or never keep what it has claimed.
    pub(crate) fn check(&self) {
        assert!(self.at_once > 0, "an engine works on at least one operation at once");
        assert!(self.lease_ms > 0, "a lease takes at least a millisecond");
    }

    /// How long to wait after so many failures in a row, which are at least one.
    pub(crate) fn backoff_ms_after(&self, failures: i32) -> i64 {
        let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(62);
        self.backoff_ms.saturating_mul(1 << doublings).min(self.backoff_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "at least one operation")]
    fn an_engine_that_would_work_on_nothing_is_refused() {
        Options { at_once: 0, ..Options::default() }.check();
    }

    #[test]
    #[should_panic(expected = "at least a millisecond")]
    fn leases_that_have_run_out_when_they_begin_are_refused() {
        Options { lease_ms: 0, ..Options::default() }.check();
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        let options = Options { backoff_ms: 100, backoff_ms_max: 1000, ..Options::default() };
        let waits = [0, 1, 2, 3, 4, 5, 100, i32::MAX].map(|failures| options.backoff_ms_after(failures));
        assert_eq!(waits, [100, 100, 200, 400, 800, 1000, 1000, 1000]);
    }
}
