//! Restarts, lagging followers, short logs.

use crate::common::{Cluster, copy_dir, eventually};
use isobar_consensus::ConsensusError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_all_replays_to_the_same_state() {
    let mut cluster = Cluster::tuned(3, |c| c.checkpoint_every_ms = 100_000).await;
    for n in 0..50 {
        cluster.put(&format!("k{n}"), &format!("{n}")).await;
        if n == 25 {
            cluster.node(0).checkpoint().await.unwrap();
        }
    }
    let before = cluster.converged().await;
    for slot in 0..3 {
        cluster.kill(slot).await;
    }
    for slot in 0..3 {
        cluster.start(slot).await.unwrap();
        assert!(cluster.node(slot).is_initialized());
    }
    cluster.leader().await;
    assert_eq!(cluster.converged().await, before);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_behind_the_purged_log_gets_a_snapshot() {
    let mut cluster = Cluster::tuned(3, |c| {
        c.log_keep_entries = 50;
        c.dirty_bytes_max = 100_000;
        c.snapshot_chunk_bytes = 10_000;
    })
    .await;
    let leader = cluster.leader().await;
    let behind = (leader + 1) % 3;
    cluster.kill(behind).await;
    for n in 0..400 {
        cluster.put(&format!("k{n}"), &"x".repeat(1000)).await;
    }
    eventually(|| cluster.node(leader).status().purged > 200, "the leader purges").await;
    let status = cluster.node(leader).status();
    assert!(status.purged <= status.synced_applied, "{status:?}");
    cluster.start(behind).await.unwrap();
    cluster.put("after", "1").await;
    cluster.converged().await;
    assert!(cluster.node(behind).status().purged > 200, "it came by snapshot");
    // What was installed survives.
    cluster.kill(behind).await;
    cluster.start(behind).await.unwrap();
    cluster.put("after", "2").await;
    cluster.converged().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_log_is_recycled_many_times_and_never_purged_past_the_checkpoint() {
    let mut cluster = Cluster::tuned(3, |c| c.log_bytes = 1 << 20).await;
    let leader = cluster.leader().await;
    for _ in 0..40 {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..8 {
            let group = cluster.node(leader).clone();
            tasks.spawn(async move {
                group.propose(format!("k{n}={}", "y".repeat(20_000)).into_bytes()).await.unwrap()
            });
        }
        tasks.join_all().await;
        for slot in 0..3 {
            let status = cluster.node(slot).status();
            assert!(status.purged <= status.synced_applied && status.stopped.is_none(), "{status:?}");
        }
    }
    let before = cluster.converged().await;
    for slot in 0..3 {
        cluster.kill(slot).await;
        cluster.start(slot).await.unwrap();
    }
    cluster.leader().await;
    assert_eq!(cluster.converged().await, before);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_between_checkpoint_and_log_refuses_to_start() {
    let mut cluster = Cluster::tuned(3, |c| c.log_keep_entries = 20).await;
    cluster.put("a", "1").await;
    let leader = cluster.leader().await;
    cluster.node(leader).checkpoint().await.unwrap();
    let old = cluster.dir.path().join("old");
    copy_dir(&cluster.path(leader), &old);
    for n in 0..100 {
        cluster.put(&format!("k{n}"), "v").await;
    }
    cluster.node(leader).checkpoint().await.unwrap();
    eventually(|| cluster.node(leader).status().purged > 50, "the leader purges").await;
    cluster.kill(leader).await;
    let path = cluster.path(leader);
    // The checkpoint goes back in time, the log does not.
    let new = cluster.dir.path().join("new");
    copy_dir(&path, &new);
    for name in ["lsm-1", "current"] {
        let (from, to) = (old.join(name), path.join(name));
        if from.is_dir() {
            std::fs::remove_dir_all(&to).unwrap();
            copy_dir(&from, &to);
        }
    }
    let error = cluster.start(leader).await.unwrap_err();
    assert!(matches!(error, ConsensusError::Gap { .. }), "{error}");
    // The log goes back in time, the checkpoint does not: acknowledged entries are gone from it.
    std::fs::remove_dir_all(&path).unwrap();
    copy_dir(&new, &path);
    std::fs::copy(old.join("log"), path.join("log")).unwrap();
    let error = cluster.start(leader).await.unwrap_err();
    assert!(matches!(error, ConsensusError::Gap { .. }), "{error}");
    // No log at all.
    std::fs::remove_file(path.join("log")).unwrap();
    let error = cluster.start(leader).await.unwrap_err();
    assert!(matches!(error, ConsensusError::Gap { .. }), "{error}");
    // No pointer.
    std::fs::remove_dir_all(&path).unwrap();
    copy_dir(&new, &path);
    std::fs::remove_file(path.join("current")).unwrap();
    assert!(matches!(cluster.start(leader).await.unwrap_err(), ConsensusError::Gap { .. }));
    // Another disk's files.
    std::fs::remove_dir_all(&path).unwrap();
    let other = (leader + 1) % 3;
    cluster.kill(other).await;
    copy_dir(&cluster.path(other), &path);
    assert!(matches!(cluster.start(leader).await.unwrap_err(), ConsensusError::Foreign { .. }));
    // As it was, it starts.
    std::fs::remove_dir_all(&path).unwrap();
    copy_dir(&new, &path);
    cluster.start(leader).await.unwrap();
    cluster.start(other).await.unwrap();
    cluster.converged().await;
    cluster.shutdown().await;
}
