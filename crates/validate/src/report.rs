//! All that came of a validation.

use isobar_plan::Prediction;
use serde::Serialize;

use crate::check::Check;
use crate::client_machine::ClientMachine;
use crate::command::Command;
use crate::drill::Drill;
use crate::measure::Measured;
use crate::overall::Overall;
use crate::preflight::Preflight;
use crate::targets::Targets;

/// The cluster, as its file says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClusterFile {
    /// Identity.
    pub id: String,
    /// Name of the file system.
    pub name: String,
    /// Data rows + parity rows.
    pub code: String,
    /// Nodes.
    pub nodes: u32,
    /// How clients reached it: the mounted path, or the client library.
    pub reached_by: String,
}

/// All that came of a validation. The JSON of `isobar validate` is this.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this layout: 1.
    pub schema: u32,
    /// Version of the software that measured.
    pub version: &'static str,
    /// When it began, in UTC.
    pub began: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The cluster.
    pub cluster: ClusterFile,
    /// The machine that measured.
    pub client: ClientMachine,
    /// What is said of all targets together.
    pub overall: Overall,
    /// The same in a few words.
    pub verdict: &'static str,
    /// Every target and what came of it.
    pub checks: Vec<Check>,
    /// Nodes and pairs.
    pub preflight: Preflight,
    /// What the model says, with the rates of the pre-flight.
    pub prediction: Option<Prediction>,
    /// How the prediction was made, or why there is none.
    pub prediction_method: String,
    /// The workloads; none when they were skipped.
    pub measured: Option<Measured>,
    /// The drill.
    pub drill: Option<Drill>,
    /// Why there was no drill.
    pub no_drill: Option<String>,
    /// Command lines that give the numbers again.
    pub commands: Vec<Command>,
    /// The targets.
    pub targets: Targets,
    /// Where the targets come from.
    pub targets_from: String,
    /// What a reader should know before comparing these numbers with others.
    pub caveats: Vec<String>,
}
