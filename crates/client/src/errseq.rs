//! The errors of a file or directory, as Linux's `errseq_t` counts them: every handle that was open when
//! something was lost hears of it once, whoever else has heard of it.

use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::Errno;

/// Somebody has been told of the error.
const TOLD: u64 = 1 << 31;

/// How often something was lost, and why the last time. The count is in the upper 32 bits, the errno
/// below, with [`TOLD`].
#[derive(Debug, Default)]
pub(crate) struct ErrorSequence(AtomicU64);

/// Up to where a handle has reported.
#[derive(Debug)]
pub(crate) struct Seen(AtomicU64);

impl ErrorSequence {
    /// Remembers that something was lost.
    pub fn fail(&self, errno: Errno) {
        let next =
            |now: u64| Some((((now >> 32) as u32).wrapping_add(1) as u64) << 32 | u64::from(errno.0 as u32));
        // Always changes: the closure never refuses.
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok();
    }

    /// For a new handle, which has nothing to do with errors before it.
    pub fn sample(&self) -> Seen {
        Seen(AtomicU64::new(self.0.load(Ordering::Acquire) & !TOLD))
    }

    /// For a new handle that is to report an error of which nobody has been told, as if it were older.
    pub fn sample_told(&self) -> Seen {
        let now = self.0.load(Ordering::Acquire);
        Seen(AtomicU64::new(if now & TOLD == 0 { 0 } else { now & !TOLD }))
    }

    /// The last error, if the handle has not reported it.
    ///
    /// # Errors
    /// That one. It stays to be reported.
    pub fn check(&self, seen: &Seen) -> Result<(), Errno> {
        let now = self.0.load(Ordering::Acquire);
        if seen.0.load(Ordering::Acquire) == now & !TOLD { Ok(()) } else { Err(self.told(now)) }
    }

    /// The last error, if the handle has not reported it; it counts as reported then.
    ///
    /// # Errors
    /// That one.
    pub fn check_and_advance(&self, seen: &Seen) -> Result<(), Errno> {
        let now = self.0.load(Ordering::Acquire);
        let error = now & !TOLD;
        if seen.0.swap(error, Ordering::AcqRel) == error { Ok(()) } else { Err(self.told(now)) }
    }

    /// The last error, if nobody has been told of it.
    pub fn untold(&self) -> Option<Errno> {
        let now = self.0.load(Ordering::Acquire);
        (now != 0 && now & TOLD == 0).then(|| errno_of(now))
    }

    fn told(&self, state: u64) -> Errno {
        // Another one since is not told of.
        self.0.compare_exchange(state, state | TOLD, Ordering::AcqRel, Ordering::Relaxed).ok();
        errno_of(state)
    }
}

fn errno_of(state: u64) -> Errno {
    Errno((state & !TOLD) as u32 as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handle_that_was_open_hears_of_an_error_once() {
        let errors = ErrorSequence::default();
        let (a, b) = (errors.sample(), errors.sample());
        errors.fail(Errno::EIO);
        let later = errors.sample();
        assert_eq!(errors.check(&a), Err(Errno::EIO));
        assert_eq!(errors.check_and_advance(&a), Err(Errno::EIO));
        assert_eq!(errors.check_and_advance(&a), Ok(()));
        assert_eq!(errors.check_and_advance(&b), Err(Errno::EIO));
        assert_eq!(errors.check(&later), Ok(()));
        errors.fail(Errno::ENOSPC);
        assert_eq!(errors.check_and_advance(&later), Err(Errno::ENOSPC));
        assert_eq!(errors.check(&a), Err(Errno::ENOSPC));
    }

    #[test]
    fn an_error_is_untold_until_somebody_hears_of_it() {
        let errors = ErrorSequence::default();
        let handle = errors.sample();
        assert_eq!(errors.untold(), None);
        errors.fail(Errno::ENOSPC);
        assert_eq!(errors.untold(), Some(Errno::ENOSPC));
        assert_eq!(errors.check(&handle), Err(Errno::ENOSPC));
        assert_eq!(errors.untold(), None);
        assert_eq!(errors.check_and_advance(&handle), Err(Errno::ENOSPC));
        assert_eq!(errors.check_and_advance(&handle), Ok(()));
        errors.fail(Errno::EIO);
        assert_eq!(errors.untold(), Some(Errno::EIO));
    }

    #[test]
    fn a_new_handle_may_report_what_nobody_has_been_told() {
        let errors = ErrorSequence::default();
        assert_eq!(errors.check(&errors.sample_told()), Ok(()));
        errors.fail(Errno::EIO);
        let (first, second) = (errors.sample_told(), errors.sample_told());
        assert_eq!(errors.check_and_advance(&first), Err(Errno::EIO));
        assert_eq!(errors.check_and_advance(&second), Err(Errno::EIO));
        assert_eq!(errors.check(&errors.sample_told()), Ok(()), "somebody has been told");
    }

    #[test]
    fn the_same_error_again_is_another_one() {
        let errors = ErrorSequence::default();
        errors.fail(Errno::EIO);
        let seen = errors.sample();
        errors.fail(Errno::EIO);
        assert_eq!(errors.check_and_advance(&seen), Err(Errno::EIO));
    }
}
