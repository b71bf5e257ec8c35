//! What was done between two looks.

use std::time::Duration;

use serde_json::{Value, json};

use super::observation::{NodeObservation, Observation, ServedByNode};

/// Rates over the time between two looks.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Rates {
    read_bytes_per_second: f64,
    written_bytes_per_second: f64,
    operations_per_second: f64,
}

/// What a process has done in between; all that it has done when another one was there before.
fn between(before: ServedByNode, now: ServedByNode) -> ServedByNode {
    let before = if before.process == now.process { before } else { ServedByNode::default() };
    ServedByNode {
        process: now.process,
        written_bytes: now.written_bytes.saturating_sub(before.written_bytes),
        read_bytes: now.read_bytes.saturating_sub(before.read_bytes),
        requests: now.requests.saturating_sub(before.requests),
    }
}

impl Rates {
    /// Of one node; zero when it does not tell what it has done, or nobody had looked at it before.
    pub(crate) fn of_node(before: Option<&NodeObservation>, now: &NodeObservation, time: Duration) -> Rates {
        let before = before.and_then(|before| before.served);
        let (Some(before), Some(now)) = (before, now.served) else { return Rates::default() };
        let seconds = time.as_secs_f64();
        if seconds <= 0.0 {
            return Rates::default();
        }
        let done = between(before, now);
        let rate = |count: u64| count as f64 / seconds;
        Rates {
            read_bytes_per_second: rate(done.read_bytes),
            written_bytes_per_second: rate(done.written_bytes),
            operations_per_second: rate(done.requests),
        }
    }

    /// Of every node, in their order.
    pub(crate) fn of_nodes(before: &Observation, now: &Observation, time: Duration) -> Vec<Rates> {
        now.nodes.iter().map(|node| Rates::of_node(before.node(&node.name), node, time)).collect()
    }

    /// Of all together.
    pub(crate) fn sum(all: &[Rates]) -> Rates {
        all.iter().fold(Rates::default(), |sum, one| Rates {
            read_bytes_per_second: sum.read_bytes_per_second + one.read_bytes_per_second,
            written_bytes_per_second: sum.written_bytes_per_second + one.written_bytes_per_second,
            operations_per_second: sum.operations_per_second + one.operations_per_second,
        })
    }

    /// As it is answered, in whole numbers.
    pub(crate) fn document(&self) -> Value {
        json!({
            "readBytesPerSecond": self.read_bytes_per_second.round() as u64,
            "writtenBytesPerSecond": self.written_bytes_per_second.round() as u64,
            "operationsPerSecond": self.operations_per_second.round() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(process: u64, bytes: u64) -> NodeObservation {
        let served =
            ServedByNode { process, written_bytes: bytes, read_bytes: 2 * bytes, requests: bytes / 100 };
        NodeObservation { served: Some(served), ..NodeObservation::up("n1") }
    }

    #[test]
    fn rates_are_differences_over_time_and_survive_a_restart_of_the_node() {
        let rates = |before: Option<&NodeObservation>, now: &NodeObservation| {
            Rates::of_node(before, now, Duration::from_secs(2)).document()
        };
        let expected =
            json!({"readBytesPerSecond": 2000, "writtenBytesPerSecond": 1000, "operationsPerSecond": 10});
        assert_eq!(rates(Some(&node(1, 1000)), &node(1, 3000)), expected);
        // Another process has begun to count at zero.
        assert_eq!(rates(Some(&node(1, 9000)), &node(2, 2000)), expected);
        let nothing = json!({"readBytesPerSecond": 0, "writtenBytesPerSecond": 0, "operationsPerSecond": 0});
        // Nobody has looked before, or it was silent: it is not known when it was done.
        let silent = NodeObservation { served: None, ..node(1, 0) };
        assert_eq!(rates(None, &node(1, 1000)), nothing);
        assert_eq!(rates(Some(&silent), &node(1, 1000)), nothing);
        assert_eq!(Rates::of_node(Some(&node(1, 0)), &node(1, 9), Duration::ZERO), Rates::default());
    }
}
