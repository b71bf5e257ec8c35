//! What this process has answered.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the durations that are told apart, in seconds.
const BOUNDS_S: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfAnswer {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct OfOperation {
    operation: &'static str,
}

#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BOUNDS_S)
    }
}

/// Counts. Labels are operations of the table and HTTP's statuses, so that there are only so many.
#[derive(Default)]
pub(crate) struct Requests {
    answered: Family<OfAnswer, Counter>,
    took: Durations,
}

struct Durations(Family<OfOperation, Histogram, Buckets>);

impl Default for Durations {
    fn default() -> Durations {
        Durations(Family::new_with_constructor(Buckets))
    }
}

impl Requests {
    /// One was answered: of this operation, or of none.
    pub(crate) fn answered(&self, operation: Option<&'static str>, status: u16, took: Duration) {
        let operation = operation.unwrap_or("none");
        self.answered.get_or_create(&OfAnswer { operation, status }).inc();
        self.took.0.get_or_create(&OfOperation { operation }).observe(took.as_secs_f64());
    }

    /// Names them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "isobar_control_requests",
            "Requests that were answered, by operation and HTTP status",
            self.answered.clone(),
        );
        registry.register_with_unit(
            "isobar_control_request_duration",
            "How long requests took, by operation",
            Unit::Seconds,
            self.took.0.clone(),
        );
    }
}
