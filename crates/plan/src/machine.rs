//! What the model knows of one machine.

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, BytesPerSecond};

/// The facts of a machine that runs one node. What is `None` is not known, and sets no limit.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct MachineFacts {
    /// Processors the node may use; a fraction where nodes share a machine.
    pub vcpus: Option<f64>,
    /// Raw capacity of all NVMe devices.
    pub nvme_bytes: Option<Bytes>,
    /// What all devices together read when nothing is written.
    pub nvme_read_bytes_per_second: Option<BytesPerSecond>,
    /// What all devices together write when nothing is read.
    pub nvme_write_bytes_per_second: Option<BytesPerSecond>,
    /// Line rate outwards, of all NICs together.
    pub network_out_bytes_per_second: Option<BytesPerSecond>,
    /// Line rate inwards, of all NICs together. Azure meters egress only; ingress is taken as the same
    /// line rate.
    pub network_in_bytes_per_second: Option<BytesPerSecond>,
}

impl MachineFacts {
    /// What is not known, in words; a plan on these facts gives at least so many nodes.
    pub fn unknown(&self) -> Vec<&'static str> {
        let mut unknown = Vec::new();
        let network =
            self.network_in_bytes_per_second.is_none() || self.network_out_bytes_per_second.is_none();
        for (missing, what) in [
            (network, "network"),
            (self.nvme_read_bytes_per_second.is_none(), "NVMe read rate"),
            (self.nvme_write_bytes_per_second.is_none(), "NVMe write rate"),
            (self.nvme_bytes.is_none(), "NVMe capacity"),
            (self.vcpus.is_none(), "vCPUs"),
        ] {
            if missing {
                unknown.push(what);
            }
        }
        unknown
    }
}

/// How far the facts of a size can be relied on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The provider documents them.
    Documented,
    /// Somebody said so; marked wherever shown.
    Unconfirmed,
    /// Another name of a size.
    Alias,
}

/// A machine size of the catalogue.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Machine {
    /// Its full name.
    pub name: String,
    /// The name it was asked for by, where that was an alias.
    pub asked_as: Option<String>,
    /// Family, which quota is counted in.
    pub series: String,
    /// Whether the facts are documented.
    pub status: Status,
    /// Where the facts come from.
    pub source: String,
    /// NVMe devices, each of which is a storage target.
    pub nvme_count: Option<u32>,
    /// The facts.
    pub facts: MachineFacts,
}

impl Machine {
    /// The name as people say it, with a mark when it is not confirmed.
    pub fn label(&self) -> String {
        let short = self.name.strip_prefix("Standard_").unwrap_or(&self.name);
        match (&self.asked_as, self.status) {
            (Some(asked), _) => format!("{short} ({asked})"),
            (None, Status::Unconfirmed) => format!("{short} (unconfirmed)"),
            (None, _) => short.to_owned(),
        }
    }
}
