//! What is said of one target, and what targets are about.

use serde::Serialize;

/// What is said of one target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Measured, and as wanted.
    Pass,
    /// Measured, and not as wanted.
    Fail,
    /// There is a target, and here it cannot be measured; the reason says why.
    NotMeasurable,
    /// Measured or tried; nothing was asked of it.
    NoTarget,
}

impl Verdict {
    /// In a word or three.
    pub fn describe(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::NotMeasurable => "not measurable here",
            Verdict::NoTarget => "no target",
        }
    }
}

/// What a check is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Nodes and their machines.
    Nodes,
    /// Between nodes.
    Network,
    /// What may be lost.
    Survives,
    /// Large files.
    Streams,
    /// Small files.
    SmallFiles,
    /// Names and attributes.
    Metadata,
    /// How long calls take.
    Latency,
    /// Shares of what the hardware showed.
    Efficiency,
    /// The fault drill.
    Recovery,
    /// Right bytes.
    Contents,
}

impl Group {
    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Nodes => "Nodes",
            Group::Network => "Network",
            Group::Survives => "Survives",
            Group::Streams => "Large files",
            Group::SmallFiles => "Small files",
            Group::Metadata => "Metadata",
            Group::Latency => "Latency, 99 of 100 calls",
            Group::Efficiency => "Efficiency",
            Group::Recovery => "Fault drill",
            Group::Contents => "Contents",
        }
    }
}
