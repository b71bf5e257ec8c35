//! How this machine's clock stands to the metadata leader's, which stamps most times of files.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use isobar_client::{Cluster, ClusterSpec};
use isobar_wire::message::probe::{ProbeReply, ProbeRequest};
use isobar_wire::{Opcode, Role};

/// A difference that people notice.
const DIFFERENCE_MAX: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_secs(10);

/// One line when the clocks certainly differ by more than a second; `None` also when the leader cannot be
/// asked.
pub async fn difference(spec: &ClusterSpec) -> Option<String> {
    let cluster = Cluster::from_spec(spec, Role::Client, WAIT).ok()?;
    cluster.refresh(WAIT).await.ok()?;
    let channel = cluster.channels().to(&cluster.leader_addr()?);
    let asked = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let begun = Instant::now();
    let reply: ProbeReply = channel.call(Opcode::Probe, &ProbeRequest::Clock, WAIT).await.ok()?;
    let ProbeReply::Clock { unix_ns } = reply else { return None };
    warning(asked, Duration::from_nanos(unix_ns), asked + begun.elapsed())
}

/// The leader told its time at some moment between the question and the answer: what is left between them is
/// how far the clocks are apart at least.
fn warning(asked: Duration, told: Duration, heard: Duration) -> Option<String> {
    let (ahead, behind) = (asked.saturating_sub(told), told.saturating_sub(heard));
    let (by, way) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    (by > DIFFERENCE_MAX).then(|| {
        format!(
            "the clock of this machine is {:.1} s {way} the metadata leader's: files written here get wrong times; \
             set it (chronyd, ntpd)",
            by.as_secs_f64()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(asked: u64, told: u64, heard: u64) -> Option<String> {
        warning(Duration::from_millis(asked), Duration::from_millis(told), Duration::from_millis(heard))
    }

    #[test]
    fn only_a_difference_that_the_round_trip_does_not_explain_is_told() {
        assert_eq!(said(100_000, 100_001, 100_002), None);
        assert_eq!(said(100_000, 105_000, 109_000), None, "nine seconds of waiting explain it");
        assert_eq!(said(100_000, 99_100, 100_002), None, "less than a second");
        assert!(said(3_700_000, 100_000, 3_700_002).unwrap().contains("3600.0 s ahead of"));
        assert!(said(100_000, 103_000, 101_000).unwrap().contains("2.0 s behind"));
    }
}
