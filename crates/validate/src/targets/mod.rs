//! Targets: what a cluster has to reach. A file in TOML; what it does not name has no target.

mod consistent;
mod error;
mod read;
mod sections;
mod values;

pub use error::TargetsError;
pub use read::SAMPLE;
pub use sections::{
    Efficiency, LatencyTargets, MetadataTargets, Network, Nodes, RecoveryTargets, SmallFiles, Streams,
    Survives, Targets,
};
pub use values::{Rate, Size, Time};
