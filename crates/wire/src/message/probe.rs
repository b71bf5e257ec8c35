//! What a node measures when an operator asks whether a cluster is ready: facts about itself, rates of its
//! device, and the way to another node. Everything is bounded in bytes and time by the node that measures.

use serde::{Deserialize, Serialize};

use crate::Address;

/// What is wanted. `Device`, `Stream` and `PathMtu` measure: a node does one of them at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ProbeRequest {
    /// [`ProbeReply::About`]: facts of the node and its machine.
    About,
    /// [`ProbeReply::Clock`]: the time of the node's clock, read when the request is handled.
    Clock,
    /// [`ProbeReply::Device`]: rates of the device below a target, on a scratch file beside it.
    Device {
        /// Which of the node's targets, from 0.
        slot: u32,
        /// Most milliseconds of writing, and again of reading.
        milliseconds: u32,
    },
    /// [`ProbeReply::Stream`]: messages with payloads to another node, which drops them.
    Stream {
        /// Where the other node listens.
        to: Address,
        /// For how long.
        milliseconds: u32,
    },
    /// [`ProbeReply::Sunk`]: the payload that came with this was received and dropped.
    Sink,
    /// [`ProbeReply::PathMtu`]: the largest datagram that reaches another node in one piece.
    PathMtu {
        /// Where the other node listens.
        to: Address,
    },
    /// [`ProbeReply::Echo`]: open a UDP port for a few seconds that says which datagrams arrive.
    Echo {
        /// Datagrams begin with this; others are ignored.
        nonce: u64,
    },
}

/// What came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ProbeReply {
    /// Facts.
    About(Box<NodeFacts>),
    /// Nanoseconds since 1970, UTC.
    Clock {
        /// The node's clock.
        unix_ns: u64,
    },
    /// Rates of a device.
    Device(DeviceRates),
    /// Rate of a stream.
    Stream(StreamRate),
    /// Received and dropped.
    Sunk,
    /// How large packets may be.
    PathMtu(PathMtu),
    /// The port that was opened.
    Echo {
        /// UDP port.
        port: u16,
    },
    /// It cannot be measured here, or not now; why.
    Not(String),
}

/// Facts of a node and its machine, as the kernel tells them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Name of the node.
    pub node: String,
    /// Version of the software.
    pub version: String,
    /// Name of the machine (`uname`).
    pub host: String,
    /// The same for all processes of one running kernel (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// Release of the kernel (`uname`).
    pub kernel: String,
    /// Name of the system (`/etc/os-release`).
    pub system: String,
    /// Processors the process may use.
    pub processors: u32,
    /// Model of the processor (`/proc/cpuinfo`).
    pub processor_model: String,
    /// Memory of the machine in bytes (`/proc/meminfo`).
    pub memory_bytes: u64,
    /// Of that, what is available in bytes.
    pub memory_available_bytes: u64,
    /// Open files the process may have (RLIMIT_NOFILE, soft); `None` when unlimited.
    pub files_max: Option<u64>,
    /// Fault domain, from the node's configuration.
    pub domain: String,
    /// Network interfaces that are up (`/sys/class/net`).
    pub interfaces: Vec<Interface>,
    /// RDMA devices (`/sys/class/infiniband`).
    pub rdma_devices: Vec<String>,
    /// NVMe devices (`/sys/class/block/nvme*`).
    pub nvme_devices: Vec<BlockDevice>,
    /// The node's storage targets.
    pub targets: Vec<TargetFacts>,
}

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Largest IP packet it takes, in bytes.
    pub mtu_bytes: u32,
    /// Line rate in Mbit/s, where the driver says.
    pub speed_mbit_per_second: Option<u32>,
}

/// A block device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockDevice {
    /// Its name below `/dev`.
    pub name: String,
    /// What the device calls itself.
    pub model: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What is on it.
    pub contents: Contents,
}

/// What is on a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Contents {
    /// A storage target of this node.
    Ours,
    /// Its first MiB holds zeros only, and it has no partitions.
    Blank,
    /// Something else; what, as far as it can be told.
    Other(String),
    /// It cannot be read; why.
    Unknown(String),
}

/// A storage target of the node: it is open, so its label names this cluster and this node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TargetFacts {
    /// Which target, from 0.
    pub slot: u32,
    /// Where it is.
    pub path: String,
    /// A block device, or a file.
    pub block_device: bool,
    /// Size in bytes.
    pub bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Its device failed.
    pub failed: bool,
    /// It is not admitted to the cluster.
    pub stranger: bool,
}

/// Rates of the device below a target.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeviceRates {
    /// Bytes written, and the nanoseconds that took, with the sync at the end.
    pub written: (u64, u64),
    /// Bytes read past the page cache, and the nanoseconds that took.
    pub read: (u64, u64),
    /// Nanoseconds of one 4 KiB write with its sync, median of some.
    pub sync_ns: u64,
    /// Whether the page cache was really passed by (O_DIRECT).
    pub direct: bool,
}

/// Rate of a stream of messages to another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StreamRate {
    /// Bytes of payload the other node has confirmed.
    pub bytes: u64,
    /// Nanoseconds that took.
    pub nanoseconds: u64,
    /// Nanoseconds of one empty message there and back, the shortest of some.
    pub round_trip_ns: u64,
}

/// How large an IP packet reaches another node in one piece.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PathMtu {
    /// Bytes of the largest packet that arrived, headers of IP and UDP included.
    pub bytes: u32,
    /// Whether it is the largest packet UDP can make: the path may take larger ones.
    pub is_udp_max: bool,
    /// Datagrams that were sent to find it.
    pub datagrams: u32,
    /// Whether the path leaves the machine.
    pub loopback: bool,
}
