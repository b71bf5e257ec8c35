//! What is asked of the planner.

use serde::Serialize;

use isobar_base::limits::INLINE_BYTES_MAX;

use crate::code::{Code, CodingPath};
use crate::error::PlanError;
use crate::limits::TARGETS_MAX;
use crate::units::{Bytes, BytesPerSecond, PerSecond};

/// Mean size of small files when none is given: that of sizes from 4 KiB to 1 MiB, every doubling as
/// frequent as the others ((1024 - 4) / ln 256 KiB). Assumed.
pub const SMALL_FILE_BYTES: Bytes = Bytes(184 << 10);

/// A tier of many small files, on the same nodes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct SmallFiles {
    /// Bytes of all files.
    pub capacity_bytes: Bytes,
    /// Bandwidth of reading and of writing, both at once.
    pub each_way_bytes_per_second: BytesPerSecond,
    /// Mean size of a file.
    pub file_bytes: Bytes,
    /// Whether that is [`SMALL_FILE_BYTES`] because none was given.
    pub file_bytes_assumed: bool,
}

/// Metadata operations beside those that small files bring.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct MetadataRates {
    /// Files made per second.
    pub creates_per_second: PerSecond,
    /// Attributes read per second.
    pub stats_per_second: PerSecond,
    /// Files removed per second.
    pub removes_per_second: PerSecond,
}

/// What comes first among alternatives when no sizes are named.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Fewest nodes.
    Nodes,
    /// Fewest vCPUs, which is what quota counts.
    Vcpus,
}

/// What a cluster has to do, and from what it may be made.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Request {
    /// Reading of large files, while writing goes on.
    pub read_bytes_per_second: BytesPerSecond,
    /// Writing of large files, while reading goes on.
    pub write_bytes_per_second: BytesPerSecond,
    /// Usable capacity for large files.
    pub capacity_bytes: Bytes,
    /// Small files, beside the large ones.
    pub small_files: Option<SmallFiles>,
    /// Metadata operations.
    pub metadata: MetadataRates,
    /// So many nodes, instead of targets: what would they reach?
    pub nodes: Option<u32>,
    /// N+K.
    pub code: Code,
    /// Where the coding happens.
    pub path: CodingPath,
    /// Over how many fault domains the provider spreads machines: Azure gives at most 3 in a region and 1
    /// in a zone.
    pub fault_domains: u32,
    /// Whether losing a fault domain must lose nothing.
    pub survive_domain: bool,
    /// Allowed sizes, preferred ones first; empty for all of the catalogue.
    pub sizes: Vec<String>,
    /// Most vCPUs.
    pub quota_vcpus: Option<u32>,
    /// What comes first when no sizes are named.
    pub order: Order,
}

impl Request {
    /// Nothing asked for: 8+2 coded in clients over three fault domains, any size.
    pub fn nothing() -> Self {
        Request {
            read_bytes_per_second: BytesPerSecond(0.0),
            write_bytes_per_second: BytesPerSecond(0.0),
            capacity_bytes: Bytes(0),
            small_files: None,
            metadata: MetadataRates::default(),
            nodes: None,
            code: Code::new(8, 2).expect("8+2 is a code"),
            path: CodingPath::Clients,
            fault_domains: 3,
            survive_domain: false,
            sizes: Vec::new(),
            quota_vcpus: None,
            order: Order::Nodes,
        }
    }

    /// Whether anything of a cluster's work is asked for.
    pub fn has_targets(&self) -> bool {
        let m = &self.metadata;
        let rates = [self.read_bytes_per_second.0, self.write_bytes_per_second.0];
        let operations = [m.creates_per_second.0, m.stats_per_second.0, m.removes_per_second.0];
        self.capacity_bytes.0 > 0
            || self.small_files.is_some()
            || rates.iter().chain(&operations).any(|rate| *rate > 0.0)
    }

    /// Refuses what makes no sense or contradicts itself.
    ///
    /// # Errors
    /// [`PlanError::Request`] with what to change.
    pub fn check(&self) -> Result<(), PlanError> {
        let wrong = |text: String| Err(PlanError::Request(text));
        match (self.has_targets(), self.nodes) {
            (false, None) => {
                return wrong(
                    "say what is needed, as --read 1TB/s --write 1TB/s, --capacity 1PB or --small-files 1PB, or how many --nodes there are"
                        .to_owned(),
                );
            }
            (true, Some(nodes)) => {
                return wrong(format!(
                    "either targets or --nodes {nodes}: leave --nodes out to learn how many are needed, or the targets to learn what {nodes} reach"
                ));
            }
            _ => {}
        }
        if let Some(nodes) = self.nodes {
            let least = self.code.voters().max(u32::from(self.code.parity_rows()) + 1);
            if nodes < least {
                return wrong(format!(
                    "{nodes} nodes cannot lose {}: use at least {least} nodes, or less parity",
                    self.code.parity_rows()
                ));
            }
            if u64::from(nodes) > TARGETS_MAX {
                return wrong(format!("--nodes {nodes}: a cluster has at most {TARGETS_MAX}"));
            }
        }
        if !(1..=TARGETS_MAX).contains(&u64::from(self.fault_domains)) {
            return wrong(format!(
                "--fault-domains {}: every machine is in one, use 1 or more, at most {TARGETS_MAX}",
                self.fault_domains
            ));
        }
        if self.quota_vcpus == Some(0) {
            return wrong(
                "a quota of 0 vCPUs allows no machine: leave --vcpu-quota out or raise it".to_owned(),
            );
        }
        if let Some(small) = &self.small_files
            && small.file_bytes.0 <= INLINE_BYTES_MAX
        {
            return wrong(format!(
                "files of {} live in the metadata, whose capacity is not modelled: use a --file-size above 4KiB",
                small.file_bytes
            ));
        }
        if let Some(small) = &self.small_files
            && small.file_bytes > small.capacity_bytes
        {
            return wrong(format!(
                "small files of {} do not fit a tier of {}: lower --file-size or raise --small-files",
                small.file_bytes, small.capacity_bytes
            ));
        }
        Ok(())
    }
}
