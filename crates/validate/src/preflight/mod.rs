//! What is measured before anything is written to the file system: every node, and every pair of nodes.
//!
//! ```text
//! measure ──► clock, network, devices ──► probe ═══► nodes
//!    └──► findings (node, sharing) ──► facts: what the model is told
//! ```

mod clock;
mod devices;
mod facts;
mod findings;
mod measure;
mod network;
mod node;
mod probe;
mod sharing;

pub use clock::Clock;
pub(crate) use facts::assumptions;
pub use facts::cluster_facts;
pub use findings::Preflight;
pub use measure::{Wanted, measure};
pub use node::Node;
pub(crate) use node::device_rate;
pub use probe::ProbeError;
pub use sharing::Sharing;
