//! Nodes of this machine after it was down: what ran is started again, what was stopped or ended since is
//! not.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::{is_running, plan, provider};
use isobar_provider::{LocalProvider, Provider, Woken};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// All processes end, as at a power cut.
async fn power_cut(provider: &LocalProvider) {
    for node in ["n1", "n2", "n3"] {
        provider.cut_power("c-1", node).await.expect("it ends");
    }
    is_running(provider, "c-1", &[]).await;
}

/// A cluster of which `n3` was stopped.
async fn cluster(folder: &TempDir) -> LocalProvider {
    let provider = provider(folder).at_boot("first");
    provider.make(&plan("c-1")).await.expect("it is made");
    for node in ["n1", "n2", "n3"] {
        provider.start("c-1", node).await.expect("it starts");
    }
    is_running(&provider, "c-1", &["n1", "n2", "n3"]).await;
    provider.stop("c-1", "n3").await.expect("it stops");
    provider
}

fn started(names: &[&str]) -> Woken {
    Woken { started: names.iter().map(|name| (*name).to_owned()).collect(), stay_down: Vec::new() }
}

#[tokio::test]
async fn nodes_that_ran_are_started_again_once_and_those_that_were_stopped_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = cluster(&folder).await;
    power_cut(&before).await;
    assert_eq!(before.wake("c-1").await, Ok(Woken::default()), "the machine was not down");
    is_running(&before, "c-1", &[]).await;

    let after = provider(&folder).at_boot("second");
    assert_eq!(after.wake("c-1").await, Ok(started(&["n1", "n2"])));
    is_running(&after, "c-1", &["n1", "n2"]).await;
    assert_eq!(after.wake("c-1").await, Ok(Woken::default()));
    // What dies from now on is for whoever operates it.
    after.cut_power("c-1", "n1").await.expect("it ends");
    assert_eq!(after.wake("c-1").await, Ok(Woken::default()));
    is_running(&after, "c-1", &["n2"]).await;
    after.start("c-1", "n3").await.expect("it starts");
    power_cut(&after).await;
    let third = provider(&folder).at_boot("third");
    assert_eq!(third.wake("c-1").await, Ok(started(&["n1", "n2", "n3"])));
    third.remove("c-1").await.expect("it goes");
    assert_eq!(third.wake("c-1").await, Ok(Woken::default()), "a cluster that is not there has none");
}

#[tokio::test]
async fn nodes_that_a_control_plane_without_memory_of_boots_has_started_are_known_once_it_has_seen_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = cluster(&folder).await;
    let run = folder.path().join("clusters/c-1/run");
    for node in ["n1", "n2"] {
        std::fs::remove_file(run.join(format!("{node}.boot"))).expect("a file");
    }
    assert_eq!(before.wake("c-1").await, Ok(Woken::default()));
    power_cut(&before).await;
    let after = provider(&folder).at_boot("second");
    assert_eq!(after.wake("c-1").await, Ok(started(&["n1", "n2"])));
    after.remove("c-1").await.expect("it goes");
}

#[tokio::test]
async fn a_node_whose_port_another_program_has_stays_down_with_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = cluster(&folder).await;
    power_cut(&before).await;
    let spec = before.access("c-1").await.expect("a cluster");
    let address = spec.node[0].addr.to_string();
    let other = TcpListener::bind(&address).expect("its port is free");
    let after = provider(&folder).at_boot("second");
    let woken = after.wake("c-1").await.expect("an answer");
    assert_eq!(woken.started, ["n2"]);
    let [(node, why)] = &woken.stay_down[..] else { panic!("{woken:?}") };
    assert!(node == "n1" && why.contains(&address) && why.lines().count() == 1, "{woken:?}");
    is_running(&after, "c-1", &["n2"]).await;
    // The next control plane of this boot tries it again. A process that another test is starting may have
    // the port for a moment more.
    drop(other);
    let begun = Instant::now();
    loop {
        let woken = after.wake("c-1").await.expect("an answer");
        if woken == started(&["n1"]) {
            break;
        }
        assert!(woken.started.is_empty() && begun.elapsed() < PATIENCE, "{woken:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    after.remove("c-1").await.expect("it goes");
}
