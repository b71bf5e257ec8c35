//! The client library.
#![forbid(unsafe_code)]

mod client;
mod cluster;
mod error;
mod pipe;
mod segments;
mod session;
mod spec;
mod view;

pub use client::{Client, ClientOptions, OpenFile, OpenOptions, ReadBytes, Result, StatFs};
pub use cluster::Cluster;
pub use error::ClientError;
pub use segments::{ReadStats, Segments};
pub use session::Session;
pub use view::{Avoid, Known, View};
pub use spec::{ClusterSpec, NodeSpec};
