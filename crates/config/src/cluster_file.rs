//! The cluster file: what a client or an operator needs to find a cluster.

use std::path::{Component, Path, PathBuf};

use isobar_base::ClusterId;
use isobar_wire::{Address, Credential, Protection, Role};
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Contents of `cluster.toml`. Written by `isobar init`, `dev` and `demo`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Version of this file's format: 1.
    pub version: u32,
    /// Identity of the cluster, 16 hexadecimal digits.
    pub cluster: String,
    /// Name of the file system, for people.
    pub name: String,
    /// Most data rows of a segment (N).
    pub data_rows: u8,
    /// Parity rows of every segment (K): so many nodes may be lost.
    pub parity_rows: u8,
    /// Directory with the credentials, `node.pem`, `client.pem` and `admin.pem`, or those of them that are
    /// needed here; relative to the directory of this file.
    pub credentials: PathBuf,
    /// Whether connections are encrypted. The same for all nodes and clients; only where every machine of the
    /// network is trusted may it be false.
    pub encrypt: bool,
    /// The nodes.
    pub node: Vec<NodeSpec>,
    /// Directory of this file, for relative paths.
    #[serde(skip)]
    pub base: PathBuf,
}

/// One node of the cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addr: Address,
    /// Whether it votes on metadata.
    pub voter: bool,
    /// Its fault domain (rack, Azure fault domain).
    pub domain: String,
}

impl ClusterSpec {
    /// Reads a cluster file, or `cluster.toml` in a directory.
    ///
    /// # Errors
    /// [`ConfigError::Cluster`] with what to change.
    pub fn load(path: &Path) -> Result<ClusterSpec, ConfigError> {
        let path = if path.is_dir() { path.join("cluster.toml") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path)
            .map_err(|e| ConfigError::Cluster(format!("{}: {e}", path.display())))?;
        let mut spec: ClusterSpec = toml::from_str(&text)
            .map_err(|e| ConfigError::Cluster(format!("{}: {}", path.display(), e.message())))?;
        if spec.version != 1 {
            return Err(ConfigError::Cluster(format!(
                "{}: version {} is not known to this release, which reads version 1",
                path.display(),
                spec.version
            )));
        }
        spec.base = path.parent().map(Path::to_owned).unwrap_or_default();
        spec.id()?;
        spec.check_nodes().map_err(|why| ConfigError::Cluster(format!("{}: {why}", path.display())))?;
        Ok(spec)
    }

    /// Whether every node has a name and an address of its own that others can use; one line with what to
    /// change if not.
    ///
    /// # Errors
    /// The line.
    pub fn check_nodes(&self) -> Result<(), String> {
        for (at, node) in self.node.iter().enumerate() {
            let NodeSpec { name, addr, .. } = node;
            if let Some(why) = addr.unreachable_because() {
                return Err(format!("node {name}, {addr}: {why}"));
            }
            if let Some(other) = self.node[..at].iter().find(|o| o.name == *name || o.addr == *addr) {
                return Err(match other.name == *name {
                    true => format!("two nodes are named {name}: give each a name of its own"),
                    false => format!("{} and {name} have one address, {addr}: give each its own", other.name),
                });
            }
        }
        Ok(())
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never for a valid value.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|e| ConfigError::Cluster(e.to_string()))
    }

    /// The cluster's identity.
    ///
    /// # Errors
    /// When the file does not hold 16 hexadecimal digits.
    pub fn id(&self) -> Result<ClusterId, ConfigError> {
        u64::from_str_radix(&self.cluster, 16).map(ClusterId).map_err(|_| {
            ConfigError::Cluster(format!("cluster = \"{}\" is not 16 hexadecimal digits", self.cluster))
        })
    }

    /// What happens to bytes on the network.
    pub fn protection(&self) -> Protection {
        if self.encrypt { Protection::Encrypted } else { Protection::Clear }
    }

    /// Whether there is a credential of a role here.
    pub fn has_credential(&self, role: Role) -> bool {
        self.credential_path(role).exists()
    }

    /// Loads a credential of a role. Where there is none of a client, an administrator's serves.
    ///
    /// # Errors
    /// When the file cannot be used; one line that says what to do.
    pub fn credential(&self, role: Role) -> Result<Credential, ConfigError> {
        let instead = role == Role::Client && !self.has_credential(role);
        let role =
            if instead && self.has_credential(Role::Administrator) { Role::Administrator } else { role };
        let path = self.credential_path(role);
        if !path.exists() {
            return Err(ConfigError::Cluster(format!(
                "this takes {}, which is not there: copy it from where isobar init was run",
                path.display()
            )));
        }
        Credential::load(&path, self.id()?, self.protection())
            .map_err(|e| ConfigError::Cluster(e.to_string()))
    }

    fn credential_path(&self, role: Role) -> PathBuf {
        self.base
            .join(&self.credentials)
            .components()
            .chain([Component::Normal(role.file_name().as_ref())])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_in_one_line_that_names_the_file() {
        let text = |addr| {
            format!(
                "version = 1\ncluster = \"0123456789abcdef\"\nname = \"x\"\ndata_rows = 1\nparity_rows = 1\n\
                 credentials = \".\"\nencrypt = true\n\n[[node]]\nname = \"n1\"\naddr = \"{addr}\"\nvoter = true\ndomain = \"\"\n"
            )
        };
        let dir = std::env::temp_dir().join(format!("isobar-config-{:016x}", isobar_base::random_u64()));
        std::fs::create_dir(&dir).unwrap();
        let path = dir.join("cluster.toml");
        std::fs::write(&path, text("[fd00::1]:7420")).unwrap();
        let spec = ClusterSpec::load(&dir).unwrap();
        assert_eq!(spec.node[0].addr.to_string(), "[fd00::1]:7420");
        assert!(spec.to_toml().unwrap().contains("addr = \"[fd00::1]:7420\""));
        for (addr, why) in
            [("n1:0", "port 0"), ("0.0.0.0:7420", "all addresses"), ("[::]:7420", "all addresses")]
        {
            std::fs::write(&path, text(addr)).unwrap();
            let error = ClusterSpec::load(&dir).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("cluster.toml: node n1"), "{error}");
        }
        let again = text("n1:1").replace(
            "[[node]]",
            "[[node]]\nname = \"n1\"\naddr = \"n2:1\"\nvoter = true\ndomain = \"\"\n[[node]]",
        );
        std::fs::write(&path, again).unwrap();
        assert!(ClusterSpec::load(&dir).unwrap_err().to_string().contains("two nodes are named n1"));
        std::fs::write(&path, text("n1.example")).unwrap();
        let error = ClusterSpec::load(&dir).unwrap_err().to_string();
        assert!(error.contains("cluster.toml: \"n1.example\" is not host:port"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
