//! What can be asked of a cluster: a section of the file for each subject, every line of which may be
//! missing.

use serde::{Deserialize, Serialize};

use super::values::{Rate, Size, Time};

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$type>,)* }
    };
}

section! {
    /// Large files.
    Streams {
        /// Reading and writing at once, each direction.
        each_way_min: Rate,
        /// The same for each node.
        each_way_per_node_min: Rate,
        /// Reading alone.
        read_min: Rate,
        /// Writing alone.
        write_min: Rate,
    }
}
section! {
    /// Small files, made and read at once.
    SmallFiles {
        /// Their bytes, each direction.
        each_way_min: Rate,
        /// Their number, each direction.
        files_each_way_per_second_min: f64,
    }
}
section! {
    /// Operations on empty files.
    MetadataTargets {
        /// Files made.
        creates_per_second_min: f64,
        /// Attributes read.
        stats_per_second_min: f64,
        /// Files removed.
        removes_per_second_min: f64,
    }
}
section! {
    /// 99 of 100 calls.
    LatencyTargets {
        /// One read of a stream.
        read_p99_max: Time,
        /// One write of a stream.
        write_p99_max: Time,
        /// fsync.
        sync_p99_max: Time,
        /// Making an empty file.
        create_p99_max: Time,
        /// stat.
        stat_p99_max: Time,
    }
}
section! {
    /// Shares of what network and devices showed.
    Efficiency {
        /// Of the network.
        network_min: f64,
        /// Of the devices.
        device_min: f64,
    }
}
section! {
    /// Between nodes.
    Network {
        /// Path MTU in bytes.
        mtu_min: u32,
        /// All pairs have the same.
        mtu_agrees: bool,
        /// The slowest pair.
        pair_min: Rate,
        /// The slowest pair's share of the median one.
        pair_of_median_min: f64,
        /// Between the earliest and the latest clock.
        clock_spread_max: Time,
    }
}
section! {
    /// Of each node.
    Nodes {
        /// RLIMIT_NOFILE.
        open_files_min: u64,
        /// Memory of the machine for each node on it.
        memory_min: Size,
    }
}
section! {
    /// What may be lost.
    Survives {
        /// Any so many nodes.
        nodes_min: u8,
        /// A whole fault domain.
        fault_domain: bool,
    }
}
section! {
    /// The fault drill.
    RecoveryTargets {
        /// Share of the rate before the fault that counts as recovered. Default: 0.5.
        recovered_share: f64,
        /// Share of a rate that may be lost in a second.
        drop_max: f64,
        /// From the kill to both rates recovered.
        recover_max: Time,
        /// From the start of the node to full redundancy.
        whole_again_max: Time,
        /// Calls that failed.
        client_errors_max: u64,
    }
}

/// All targets.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "each section says what it is about")]
pub struct Targets {
    /// Share of the model's prediction that every rate must reach.
    pub of_model_min: Option<f64>,
    pub streams: Streams,
    pub small_files: SmallFiles,
    pub metadata: MetadataTargets,
    pub latency: LatencyTargets,
    pub efficiency: Efficiency,
    pub network: Network,
    pub nodes: Nodes,
    pub survives: Survives,
    pub recovery: RecoveryTargets,
}
