//! The configuration file of a node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use isobar_base::{ClusterId, limits};
use isobar_wire::Address;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// The version of the file's format that this release reads.
pub const CONFIG_VERSION: u32 = 1;
/// Smallest storage target: below this the store's own structures leave no room for data.
pub const TARGET_BYTES_MIN: u64 = 64 << 20;
/// Smallest log of the metadata group.
pub const META_LOG_BYTES_MIN: u64 = 16 << 20;
/// Most storage targets of one node.
pub const TARGETS_PER_NODE_MAX: usize = 64;

/// A commented sample of the file, with every setting at its default where it has one.
pub const SAMPLE: &str = include_str!("../node.sample.toml");

/// Contents of a node's configuration file. Relative paths are relative to the file's directory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Version of this file's format: 1.
    pub version: u32,
    /// Identity of the cluster: 16 hexadecimal digits, the same in all files of a cluster.
    pub cluster: String,
    /// Name of the node, as in the cluster file.
    pub node: String,
    /// Where the node listens; 0.0.0.0 and [::] are all addresses of its machine. Others connect to the
    /// address that the cluster file has.
    pub listen: Address,
    /// Directory of the node's own files: the metadata log and state, the voter's identity.
    pub data_dir: PathBuf,
    /// Fault domain (rack, Azure fault domain): at most K rows of a segment go to one domain where the
    /// domains allow it.
    #[serde(default)]
    pub domain: String,
    /// The cluster file: the list of all nodes, which of them vote on metadata, and where `node.pem` is.
    pub cluster_file: PathBuf,
    /// Whether this node votes on metadata.
    #[serde(default)]
    pub voter: bool,
    /// Worker threads of the node's runtime, beside the I/O threads of its targets. 0: one a CPU, at most
    /// eight. 1 is best when many nodes share a machine.
    #[serde(default = "default_worker_threads")]
    pub worker_threads: usize,
    /// Milliseconds between reports to the metadata leader.
    #[serde(default = "default_heartbeat_ms")]
    pub heartbeat_ms: u64,
    /// Seconds between searches for rows that no segment names and none can name any more.
    #[serde(default = "default_orphan_scan_seconds")]
    pub orphan_scan_seconds: u64,
    /// The metadata log and state, used when `voter` is set.
    #[serde(default)]
    pub meta: MetaConfig,
    /// Rewriting of half-dead segments, used by the metadata leader.
    #[serde(default)]
    pub compaction: CompactionConfig,
    /// Rebuilding of rows on a target that took another one's place.
    #[serde(default)]
    pub rebuild: RebuildConfig,
    /// Reading all rows again to find damage.
    #[serde(default)]
    pub scrub: ScrubConfig,
    /// The storage targets, in order: the first is slot 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<TargetConfig>,
    /// Directory of the file, for relative paths.
    #[serde(skip)]
    pub base: PathBuf,
}

/// One storage target.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// A file, created with its space reserved when missing, or a block device, used whole.
    pub path: PathBuf,
    /// Size of the file in bytes. Left out for a block device; ignored for a file that exists.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size_bytes: u64,
}

/// The metadata log and state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaConfig {
    /// Size of the log file, reserved when it is made.
    pub log_bytes: u64,
    /// Whether the log's space is written before its first use: faster syncs on a file, slower first start.
    pub log_prewrite: bool,
    /// Bytes of metadata cached in memory.
    pub cache_bytes: u64,
    /// Milliseconds between signs of life of the metadata leader to the other voters.
    pub raft_heartbeat_ms: u64,
    /// Milliseconds without such a sign after which the voters elect another leader.
    pub election_ms: u64,
}

impl Default for MetaConfig {
    fn default() -> MetaConfig {
        MetaConfig {
            log_bytes: 256 << 20,
            log_prewrite: true,
            cache_bytes: 64 << 20,
            raft_heartbeat_ms: 100,
            election_ms: 600,
        }
    }
}

/// Rewriting of half-dead segments.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompactionConfig {
    /// Whether it is done at all.
    pub enabled: bool,
    /// Seconds between searches for segments to rewrite.
    pub interval_seconds: u64,
    /// Most bytes read for it in one second.
    pub bytes_per_second: u64,
    /// Seconds a target may be away without a replacement before segments with rows on it are rewritten
    /// over the others.
    pub dead_target_seconds: u64,
}

impl Default for CompactionConfig {
    fn default() -> CompactionConfig {
        CompactionConfig {
            enabled: true,
            interval_seconds: 5,
            bytes_per_second: 64 << 20,
            dead_target_seconds: 600,
        }
    }
}

/// Rebuilding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RebuildConfig {
    /// Rows rebuilt at the same time.
    pub rows_in_flight: usize,
}

impl Default for RebuildConfig {
    fn default() -> RebuildConfig {
        RebuildConfig { rows_in_flight: 4 }
    }
}

/// Scrubbing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScrubConfig {
    /// Whether it is done at all.
    pub enabled: bool,
    /// Seconds between the end of one scrub and the begin of the next.
    pub interval_seconds: u64,
    /// Most bytes read for it in one second, on each target.
    pub bytes_per_second: u64,
    /// One of so many segments is read whole, to compare its parity with its data; 0: none.
    pub parity_one_of: u64,
}

impl Default for ScrubConfig {
    fn default() -> ScrubConfig {
        ScrubConfig {
            enabled: true,
            interval_seconds: 24 * 3600,
            bytes_per_second: 16 << 20,
            parity_one_of: 64,
        }
    }
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

fn default_worker_threads() -> usize {
    0
}

fn default_heartbeat_ms() -> u64 {
    limits::HEARTBEAT_MS
}

fn default_orphan_scan_seconds() -> u64 {
    60
}

impl NodeConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// [`ConfigError::Node`] with what to change, in one line.
    pub fn load(path: &Path) -> Result<NodeConfig, ConfigError> {
        let named = |why: String| ConfigError::Node(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| named(e.to_string()))?;
        let mut config = NodeConfig::parse(&text).map_err(|e| match e {
            ConfigError::Node(why) => named(why),
            other => other,
        })?;
        config.base = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(config)
    }

    /// Reads and checks the text of a configuration file.
    ///
    /// # Errors
    /// [`ConfigError::Node`] with what to change, in one line.
    pub fn parse(text: &str) -> Result<NodeConfig, ConfigError> {
        /// The version alone, so that a newer file is not blamed for its new fields.
        #[derive(Deserialize)]
        struct Versioned {
            version: Option<u32>,
        }
        let one_line = |e: toml::de::Error| {
            let line = e.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            ConfigError::Node(format!("{at}{}", e.message().replace('\n', " ")))
        };
        match toml::from_str::<Versioned>(text).map_err(one_line)?.version {
            Some(CONFIG_VERSION) => {}
            Some(other) => {
                return Err(ConfigError::Node(format!(
                    "version {other} is not known to this release, which reads version {CONFIG_VERSION}"
                )));
            }
            None => {
                return Err(ConfigError::Node(format!("version is missing: add version = {CONFIG_VERSION}")));
            }
        }
        let config: NodeConfig = toml::from_str(text).map_err(one_line)?;
        config.check()?;
        Ok(config)
    }

    /// The text of a file with these settings.
    ///
    /// # Errors
    /// Never for a valid value.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|e| ConfigError::Node(e.to_string()))
    }

    /// The cluster's identity.
    ///
    /// # Errors
    /// When it is not 16 hexadecimal digits.
    pub fn cluster_id(&self) -> Result<ClusterId, ConfigError> {
        u64::from_str_radix(&self.cluster, 16)
            .ok()
            .filter(|_| self.cluster.len() == 16)
            .map(ClusterId)
            .ok_or_else(|| {
                ConfigError::Node(format!("cluster = \"{}\" is not 16 hexadecimal digits", self.cluster))
            })
    }

    /// `path` as seen from the directory of the file.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Time between reports to the metadata leader.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.cluster_id()?;
        let wrong = |why: String| Err(ConfigError::Node(why));
        if self.node.is_empty() {
            return wrong("node is empty: give the node the name it has in the cluster file".to_owned());
        }
        if !self.voter && self.target.is_empty() {
            return wrong("the node has nothing to do: set voter = true or add a [[target]]".to_owned());
        }
        if self.target.len() > TARGETS_PER_NODE_MAX {
            return wrong(format!(
                "{} targets, at most {TARGETS_PER_NODE_MAX} are possible",
                self.target.len()
            ));
        }
        if self.voter && self.meta.log_bytes < META_LOG_BYTES_MIN {
            return wrong(format!("meta.log_bytes is below {META_LOG_BYTES_MIN}"));
        }
        if !(1..=limits::NODE_DOWN_MS / 2).contains(&self.heartbeat_ms) {
            return wrong(format!(
                "heartbeat_ms = {} must be from 1 to {}: slower nodes would look dead",
                self.heartbeat_ms,
                limits::NODE_DOWN_MS / 2
            ));
        }
        for (name, number) in [
            ("orphan_scan_seconds", self.orphan_scan_seconds),
            ("rebuild.rows_in_flight", self.rebuild.rows_in_flight as u64),
            ("compaction.interval_seconds", self.compaction.interval_seconds),
            ("compaction.bytes_per_second", self.compaction.bytes_per_second),
            ("scrub.interval_seconds", self.scrub.interval_seconds),
            ("scrub.bytes_per_second", self.scrub.bytes_per_second),
        ] {
            if number == 0 {
                return wrong(format!("{name} must be at least 1"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_names_every_setting_and_holds_the_defaults() {
        let sample = NodeConfig::parse(SAMPLE).unwrap();
        assert_eq!(sample.meta, MetaConfig::default());
        assert_eq!(sample.compaction, CompactionConfig::default());
        assert_eq!(sample.rebuild, RebuildConfig::default());
        assert_eq!(sample.scrub, ScrubConfig::default());
        assert_eq!(sample.worker_threads, default_worker_threads());
        assert_eq!(sample.heartbeat_ms, default_heartbeat_ms());
        assert_eq!(sample.orphan_scan_seconds, default_orphan_scan_seconds());
        let written: toml::Table = toml::from_str(&sample.to_toml().unwrap()).unwrap();
        let read: toml::Table = toml::from_str(SAMPLE).unwrap();
        assert_eq!(names(&written), names(&read));
        assert_eq!(NodeConfig::parse(&sample.to_toml().unwrap()).unwrap(), sample);
    }

    fn names(table: &toml::Table) -> Vec<String> {
        let mut names = Vec::new();
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => names.extend(names_under(key, inner)),
                toml::Value::Array(list) => {
                    for item in list.iter().filter_map(toml::Value::as_table) {
                        names.extend(names_under(key, item));
                    }
                }
                _ => names.push(key.clone()),
            }
        }
        names.sort();
        names
    }

    fn names_under(key: &str, table: &toml::Table) -> Vec<String> {
        table.keys().map(|inner| format!("{key}.{inner}")).collect()
    }

    #[test]
    fn unknown_settings_and_versions_are_refused_in_one_line() {
        let unknown = NodeConfig::parse(&format!("colour = \"red\"\n{SAMPLE}")).unwrap_err().to_string();
        assert!(unknown.contains("colour") && !unknown.contains('\n'), "{unknown}");
        let newer = NodeConfig::parse("version = 2\nwhatever = 1\n").unwrap_err().to_string();
        assert!(newer.contains("version 2") && newer.contains("reads version 1"), "{newer}");
        assert!(NodeConfig::parse("").unwrap_err().to_string().contains("version is missing"));
        let cluster = SAMPLE.replace("0123456789abcdef", "xyz");
        assert!(NodeConfig::parse(&cluster).unwrap_err().to_string().contains("16 hexadecimal"));
        let listen = SAMPLE.replace("10.0.0.1:7420", "10.0.0.1");
        let listen = NodeConfig::parse(&listen).unwrap_err().to_string();
        assert!(listen.contains("\"10.0.0.1\" is not host:port") && !listen.contains('\n'), "{listen}");
    }
}
