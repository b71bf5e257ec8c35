//! What a new cluster is, and its files.

use std::path::{Path, PathBuf};

use isobar_admin::{NewClusterError, new_cluster, node_config, write_cluster};
use isobar_config::{ClusterSpec, NodeConfig, NodeSpec, TargetConfig};

fn nodes(count: usize) -> Vec<NodeSpec> {
    let node = |i| NodeSpec {
        name: format!("n{i}"),
        addr: format!("10.0.0.{i}:7420").parse().unwrap(),
        voter: true,
        domain: String::new(),
    };
    (0..count).map(node).collect()
}

fn refused(nodes: Vec<NodeSpec>, data_rows: Option<u8>, parity_rows: u8) -> NewClusterError {
    new_cluster("fs", nodes, data_rows, parity_rows).unwrap_err()
}

#[test]
fn eight_nodes_give_six_plus_two_and_five_voters() {
    let spec = new_cluster("fs", nodes(8), None, 2).unwrap();
    assert_eq!((spec.data_rows, spec.parity_rows), (6, 2));
    assert_eq!(spec.node.iter().filter(|n| n.voter).count(), 5);
    assert!(spec.encrypt, "they are on other machines");
}

#[test]
fn what_cannot_hold_the_promise_is_refused_with_what_to_do() {
    use NewClusterError as E;
    let few = refused(nodes(4), None, 2);
    assert!(matches!(few, E::FewVoters { voters: 5, nodes: 4, fewer: Some(1), .. }), "{few}");
    assert!(few.to_string().ends_with("use at least 5 nodes, or parity rows 1"), "{few}");
    assert!(matches!(refused(nodes(2), None, 1), E::FewVoters { fewer: None, .. }), "two are too few");
    assert!(matches!(refused(nodes(0), None, 1), E::FewVoters { fewer: None, .. }));
    assert!(refused(nodes(5), Some(4), 2).to_string().contains("at least 6 nodes"));
    assert!(matches!(refused(nodes(9), None, 5), E::ParityRows { parity_rows: 5 }));
    assert!(matches!(refused(nodes(9), Some(0), 1), E::DataRows { data_rows: 0 }));
    assert!(matches!(refused(nodes(40), Some(17), 1), E::DataRows { data_rows: 17 }));
    assert!(refused([nodes(5), nodes(1)].concat(), None, 2).to_string().contains("two nodes"));
}

#[test]
fn a_name_that_is_not_one_of_a_file_is_refused() {
    for name in ["", "a b", "a/b", ".", "..", "-x"] {
        let error = new_cluster(name, nodes(3), None, 1).unwrap_err();
        assert!(matches!(error, NewClusterError::Name { .. }), "{error}");
        let mut nodes = nodes(3);
        nodes[1].name = name.to_owned();
        let error = refused(nodes, None, 1);
        assert!(matches!(error, NewClusterError::NodeName { .. }), "{error}");
    }
    let mut nodes = nodes(3);
    nodes[1].name = "cluster".to_owned();
    assert!(matches!(refused(nodes, None, 1), NewClusterError::NodeNamedCluster));
}

#[test]
fn voters_are_spread_over_fault_domains() {
    let mut all = nodes(9);
    for (at, node) in all.iter_mut().enumerate() {
        node.domain = format!("rack{}", at / 3);
    }
    let spec = new_cluster("fs", all, None, 2).unwrap();
    for rack in ["rack0", "rack1", "rack2"] {
        assert!(spec.node.iter().filter(|n| n.voter && n.domain == rack).count() <= 2);
    }
}

fn write(out: &Path, spec: &ClusterSpec) -> Result<(), NewClusterError> {
    write_cluster(out, spec, |node| {
        let target = TargetConfig { path: PathBuf::from("target"), size_bytes: 64 << 20 };
        node_config(spec, node, PathBuf::from("data"), vec![target])
    })
}

#[test]
fn the_cluster_file_comes_last_and_an_identity_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let spec = new_cluster("fs", nodes(3), None, 1).unwrap();
    // The file of the last node cannot be written.
    std::fs::create_dir_all(out.join("n2.toml")).unwrap();
    assert!(matches!(write(&out, &spec), Err(NewClusterError::Write { .. })));
    assert!(out.join("n1.toml").exists() && !out.join("cluster.toml").exists());
    assert!(matches!(write(&out, &spec), Err(NewClusterError::OthersCredential { .. })));

    let out = dir.path().join("again");
    write(&out, &spec).unwrap();
    assert_eq!(ClusterSpec::load(&out).unwrap().cluster, spec.cluster);
    assert_eq!(NodeConfig::load(&out.join("n2.toml")).unwrap().listen, spec.node[2].addr);
    assert!(matches!(write(&out, &spec), Err(NewClusterError::Exists { .. })));
}
