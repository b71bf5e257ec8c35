//! Why a new cluster is not made.

use std::io;
use std::path::PathBuf;

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};
use isobar_config::ConfigError;

/// What names are made of.
const PLAIN: &str = "use letters, digits, '-', '_' and '.', and begin with a letter or digit";

/// Why a new cluster is not made: one line, with what to do where something can be done. Not to be retried
/// before that, but for [`NewClusterError::Write`].
#[derive(Debug, thiserror::Error)]
pub enum NewClusterError {
    /// The name of the file system.
    #[error("name '{name}': {PLAIN}")]
    Name {
        /// The name.
        name: String,
    },
    /// The name of a node, which is also that of its file.
    #[error("'{name}' cannot name a node: {PLAIN}")]
    NodeName {
        /// The name.
        name: String,
    },
    /// The file of a node would be that of the cluster.
    #[error("a node cannot be named cluster: cluster.toml is the file of all of them")]
    NodeNamedCluster,
    /// No such parity.
    #[error("parity rows {parity_rows}: not between 1 and {PARITY_ROWS_MAX}")]
    ParityRows {
        /// K.
        parity_rows: u8,
    },
    /// No such width.
    #[error("data rows {data_rows}: not between 1 and {DATA_ROWS_MAX}")]
    DataRows {
        /// N.
        data_rows: u8,
    },
    /// Too few nodes for the voters.
    #[error(
        "losing any {parity_rows} of the nodes needs {voters} metadata voters, there are {nodes} nodes: \
         use at least {voters} nodes{}",
        fewer.map_or(String::new(), |fewer| format!(", or parity rows {fewer}"))
    )]
    FewVoters {
        /// K.
        parity_rows: u8,
        /// 2K+1.
        voters: usize,
        /// So many there are.
        nodes: usize,
        /// The largest K that so many nodes can keep.
        fewer: Option<usize>,
    },
    /// Too few nodes for the rows.
    #[error(
        "{nodes} nodes cannot hold {data_rows}+{parity_rows} rows on distinct nodes: use at least {} nodes, \
         or fewer rows",
        usize::from(*data_rows) + usize::from(*parity_rows)
    )]
    FewNodes {
        /// So many there are.
        nodes: usize,
        /// N.
        data_rows: u8,
        /// K.
        parity_rows: u8,
    },
    /// Two nodes have one name or address, or an address cannot be reached.
    #[error("{0}")]
    Nodes(String),
    /// The directory has a cluster.
    #[error("{} exists: a cluster keeps its identity", path.display())]
    Exists {
        /// Its cluster file.
        path: PathBuf,
    },
    /// The directory has a credential, and no cluster file.
    #[error("{} exists: it is another cluster's", path.display())]
    OthersCredential {
        /// The credential.
        path: PathBuf,
    },
    /// A file would not be valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}
