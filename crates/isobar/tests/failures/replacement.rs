//! Disks are gone for good: `isobar node replace`.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{self, TestCluster, until};
use crate::support::{
    MIB, SECOND, asks_to_be_replaced, assert_clean, blank, leader, put, replace, status_line, timed,
};

#[test]
fn blank_nodes_wait_for_replace_and_are_rebuilt_under_load_so_that_two_others_may_die() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let files: Vec<(PathBuf, Vec<u8>)> = (0..40u64)
        .map(|at| {
            (
                cluster.mount().join(format!("f{at}")),
                common::noise(at, if at < 20 { 2 * MIB } else { 2000 + at as usize * 700 }),
            )
        })
        .collect();
    files.iter().for_each(|(path, bytes)| put(path, bytes).expect("written"));
    let (stop, written) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let first_leader = leader(&cluster);
    std::thread::scope(|scope| {
        for client in 0..2u64 {
            let (stop, written, cluster, files) = (&stop, &written, &cluster, &files);
            scope.spawn(move || {
                for turn in 0u64.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let path = cluster.mount().join(format!("new{client}-{turn}"));
                    let bytes = common::noise(1000 * client + turn, [500, 50_000, MIB][turn as usize % 3]);
                    put(&path, &bytes).expect("writing goes on");
                    if turn < 60 {
                        written.lock().expect("unpoisoned").push((path, bytes));
                    } else {
                        fs::remove_file(path).expect("removing goes on");
                    }
                    let (path, bytes) = &files[turn as usize % files.len()];
                    assert!(fs::read(path).expect("reading goes on") == *bytes);
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for node in ["n7", first_leader.as_str()] {
                blank(&cluster, node);
                until(15 * SECOND, "status names the blank disk", || asks_to_be_replaced(&cluster, node));
                until(15 * SECOND, "status names its target", || !strangers(&cluster, node).is_empty());
                let used = blank_use(&cluster, node);
                assert_eq!(used, 0, "{node} is used before it was replaced");
                let ((), took) = timed(|| replace(&cluster, node));
                println!("{node} was rebuilt in {took:?}");
                cluster.wait_full();
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    let others = cluster.names().iter().rev().filter(|n| *n != "n7" && **n != first_leader).take(2);
    let others: Vec<&String> = others.collect();
    others.iter().for_each(|node| cluster.kill(node));
    cluster.remount();
    let written = written.into_inner().expect("unpoisoned");
    for (path, bytes) in files.iter().chain(&written) {
        assert!(fs::read(path).expect("read") == *bytes, "{}", path.display());
    }
    others.iter().for_each(|node| cluster.start_node(node));
    cluster.wait_full();
    assert_clean(&cluster);
}

/// Targets that a node has and the cluster does not know.
fn strangers(cluster: &TestCluster, node: &str) -> Vec<serde_json::Value> {
    own_status(cluster, node)["strangers"].as_array().cloned().unwrap_or_default()
}

/// Bytes that the cluster has put on the disks a node reports.
fn blank_use(cluster: &TestCluster, node: &str) -> u64 {
    let targets = own_status(cluster, node)["targets"].as_array().cloned().unwrap_or_default();
    targets.iter().filter_map(|t| t[1]["used_bytes"].as_u64()).sum()
}

fn own_status(cluster: &TestCluster, node: &str) -> serde_json::Value {
    let status = cluster.status();
    let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
    let own = nodes.iter().find(|n| n["name"] == node).expect("the node is listed");
    own["status"].clone()
}

#[test]
fn a_node_that_lost_only_its_vote_is_replaced_and_the_permission_ends_with_it() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let (path, bytes) = (cluster.mount().join("file"), common::noise(1, 4 * MIB));
    put(&path, &bytes).expect("written");
    let voter = ["n2", "n3"].into_iter().find(|n| leader(&cluster) != *n).expect("one does not lead");
    cluster.kill(voter);
    fs::remove_dir_all(cluster.dir().join(voter).join("meta")).expect("removed");
    cluster.start_node(voter);
    until(15 * SECOND, "it reports", || status_line(&cluster, voter).contains(" up "));
    let (_, took) = timed(|| replace(&cluster, voter));
    assert!(took < 20 * SECOND, "{took:?}");
    cluster.wait_full();
    assert!(status_line(&cluster, voter).contains("voter"), "{}", status_line(&cluster, voter));

    // The permission was for that disk: one that is lost later needs another.
    cluster.kill(voter);
    fs::remove_file(cluster.dir().join(voter).join("target")).expect("removed");
    cluster.start_node(voter);
    until(15 * SECOND, "status names the blank disk", || asks_to_be_replaced(&cluster, voter));
    replace(&cluster, voter);
    cluster.wait_full();
    cluster.remount();
    assert!(fs::read(&path).expect("read") == bytes);
    assert_clean(&cluster);
    let refused = cluster.isobar(&["node", "replace", voter]);
    assert!(!refused.status.success(), "a whole node is not replaced");
}

#[test]
fn a_permission_ends_when_the_node_comes_back_with_its_old_disks() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    cluster.kill("n8");
    until(15 * SECOND, "it is missed", || status_line(&cluster, "n8").contains("down"));
    assert!(cluster.isobar(&["node", "replace", "n8", "--no-wait"]).status.success());
    cluster.start_node("n8");
    until(15 * SECOND, "no replacement is expected", || {
        cluster.status()["view"]["map"]["replacing"] == serde_json::json!([])
    });
    cluster.wait_full();
    blank(&cluster, "n8");
    until(15 * SECOND, "status names the blank disk", || asks_to_be_replaced(&cluster, "n8"));
}
