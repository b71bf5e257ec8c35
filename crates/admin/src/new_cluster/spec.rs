//! What a new cluster is: its identity, its width, and who votes.

use std::path::PathBuf;

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};
use isobar_base::{ClusterId, random_u64};
use isobar_config::{ClusterSpec, NodeSpec};

use super::error::NewClusterError;
use super::names::{check_name, check_node_name};

/// Most data rows unless more are asked for.
const DATA_ROWS_USUAL: usize = 6;

/// A new cluster of these nodes. Voters are chosen, spread over fault domains; of data rows there are as many
/// as the nodes hold, up to six, unless it is said how many. It is encrypted unless all nodes are on this
/// machine.
///
/// # Errors
/// See [`NewClusterError`].
pub fn new_cluster(
    name: &str,
    mut nodes: Vec<NodeSpec>,
    data_rows: Option<u8>,
    parity_rows: u8,
) -> Result<ClusterSpec, NewClusterError> {
    check_name(name)?;
    nodes.iter().try_for_each(|node| check_node_name(&node.name))?;
    let (data_rows, voters) = shape(nodes.len(), data_rows, parity_rows)?;
    choose(&mut nodes, voters);
    let spec = ClusterSpec {
        version: 1,
        cluster: ClusterId(random_u64()).to_string(),
        name: name.to_owned(),
        data_rows,
        parity_rows,
        credentials: PathBuf::from("."),
        encrypt: !nodes.iter().all(|n| n.addr.is_loopback()),
        node: nodes,
        base: PathBuf::new(),
    };
    spec.check_nodes().map_err(NewClusterError::Nodes)?;
    Ok(spec)
}

/// How many data rows and voters so many nodes have.
fn shape(nodes: usize, data_rows: Option<u8>, parity_rows: u8) -> Result<(u8, usize), NewClusterError> {
    if !(1..=PARITY_ROWS_MAX).contains(&parity_rows) {
        return Err(NewClusterError::ParityRows { parity_rows });
    }
    let voters = 2 * usize::from(parity_rows) + 1;
    if voters > nodes {
        let fewer = Some((nodes.max(1) - 1) / 2).filter(|fewer| *fewer > 0);
        return Err(NewClusterError::FewVoters { parity_rows, voters, nodes, fewer });
    }
    let room = nodes - usize::from(parity_rows);
    let data_rows = data_rows.unwrap_or(room.min(DATA_ROWS_USUAL) as u8);
    if !(1..=DATA_ROWS_MAX).contains(&data_rows) {
        return Err(NewClusterError::DataRows { data_rows });
    }
    if usize::from(data_rows) > room {
        return Err(NewClusterError::FewNodes { nodes, data_rows, parity_rows });
    }
    Ok((data_rows, voters))
}

/// Chooses voters, spread over fault domains: in turn one of the domain that has fewest.
fn choose(nodes: &mut [NodeSpec], voters: usize) {
    nodes.iter_mut().for_each(|node| node.voter = false);
    for _ in 0..voters {
        let load =
            |nodes: &[NodeSpec], domain: &str| nodes.iter().filter(|n| n.voter && n.domain == domain).count();
        let others = (0..nodes.len()).filter(|&at| !nodes[at].voter);
        if let Some(at) = others.min_by_key(|&at| (load(nodes, &nodes[at].domain), at)) {
            nodes[at].voter = true;
        }
    }
}
