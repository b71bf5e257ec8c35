//! How the readiness of a cluster is measured: by what the program that starts a control plane gives it,
//! since it takes processes that put load on the cluster.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use isobar_config::ClusterSpec;
use isobar_provider::Provider;
use serde::{Deserialize, Serialize};

/// A measurement under way. Dropped, it is called off, and ends by itself soon.
pub type Measuring<'a> = Pin<Box<dyn Future<Output = Result<Readiness, String>> + Send + 'a>>;
/// Hears what is going on: how much of it is done, 0 to 100, and what it does now.
pub type Tell = Arc<dyn Fn(u8, &str) + Send + Sync>;

/// How much load a measurement is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessLoad {
    /// Seconds of each workload that reads and writes at once.
    pub seconds: u32,
    /// Size of large files; where nothing is said, what fits, 512 MiB at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Files of each process in the workloads of small files and of names; where nothing is said, what fits,
    /// 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Whether a node is stopped and started under load.
    pub drill: bool,
    /// What the cluster has to reach, as `isobar validate --print-targets` writes it; else what that prints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
}

/// What is measured, and how.
pub struct ReadinessOrder {
    /// The cluster, with credentials in the files below `base`.
    pub spec: ClusterSpec,
    /// Who stops and starts its nodes.
    pub provider: Arc<dyn Provider>,
    /// By what the provider knows it.
    pub deployment: String,
    /// How much load it is.
    pub load: ReadinessLoad,
    /// Size of large files, in bytes.
    pub file_bytes: u64,
    /// Small files of each process.
    pub files: u64,
    /// Hears what is going on.
    pub tell: Tell,
    /// Ends when nobody wants it any more. The measurement is to end then, in an error.
    pub called_off: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What is said of all targets together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ReadinessVerdict {
    /// No target was missed, and some were met.
    Passed,
    /// One was missed.
    Failed,
    /// There was no target that could be measured.
    NotJudged,
}

/// One target, and what came of it: all of it in words for people, "-" where there is nothing to say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessCheck {
    /// What was measured.
    pub name: String,
    /// What came of it.
    pub measured: String,
    /// What the model says.
    pub predicted: String,
    /// What it had to be.
    pub target: String,
    /// Whether it was.
    pub verdict: String,
    /// How that was found, or why not.
    pub reason: String,
}

/// What came of a measurement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// What is said of all targets together.
    pub verdict: ReadinessVerdict,
    /// The same in a sentence.
    pub statement: String,
    /// Targets met.
    pub passed: u32,
    /// Targets missed.
    pub failed: u32,
    /// Targets that cannot be measured there.
    pub not_measurable: u32,
    /// Every target.
    pub checks: Vec<ReadinessCheck>,
    /// The report as a page.
    pub html: String,
}

/// Who measures how ready clusters are.
pub trait MeasureReadiness: Send + Sync + 'static {
    /// Refuses targets that cannot be read.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    fn check_targets(&self, targets: &str) -> Result<(), String>;

    /// Measures. A node that it has stopped it starts again, and it removes the files that it has written,
    /// unless the process ends.
    fn measure(&self, order: ReadinessOrder) -> Measuring<'_>;
}

/// Measures nothing: for control planes that are not told who does.
pub(crate) struct NobodyMeasures;

impl MeasureReadiness for NobodyMeasures {
    fn check_targets(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn measure(&self, _: ReadinessOrder) -> Measuring<'_> {
        Box::pin(async { Err("This control plane has nobody who could measure it.".to_owned()) })
    }
}
