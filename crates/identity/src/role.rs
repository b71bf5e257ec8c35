//! What somebody is to a cluster.

use isobar_base::ClusterId;

/// What somebody is to a cluster. It is said by the certificate, and decides what is carried out for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Role {
    /// Mounts the file system: sessions, files, rows.
    Client,
    /// Whatever a client may, and what operators do: replace nodes, check, measure.
    Administrator,
    /// A node of the cluster: everything.
    Node,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Client, Role::Administrator, Role::Node];

    /// Its name, in certificates and names of files.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Administrator => "admin",
            Role::Node => "node",
        }
    }

    /// The file that holds a credential of this role.
    pub fn file_name(self) -> String {
        format!("{}.pem", self.name())
    }

    /// The name that a certificate of this role has, as a DNS name.
    pub(crate) fn dns_name(self, cluster: ClusterId) -> String {
        format!("{}.{cluster}.isobar", self.name())
    }

    /// The reverse of [`Role::dns_name`].
    pub(crate) fn of_dns_name(name: &str, cluster: ClusterId) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.dns_name(cluster) == name)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Client => "client",
            Role::Administrator => "administrator",
            Role::Node => "node",
        })
    }
}
