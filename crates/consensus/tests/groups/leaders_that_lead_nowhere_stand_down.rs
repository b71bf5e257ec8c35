//! A leader that is heard but commits nothing makes room for one that does; one that is merely slow stays.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{Cluster, eventually};

/// Ten times what it takes at the tests' pace.
const RECOVERY: Duration = Duration::from_secs(15);

/// Waits for a leader other than `old` and has it acknowledge something.
async fn another_leads(cluster: &Cluster, old: usize) {
    let put = async {
        loop {
            let leader = cluster.leader().await;
            if leader == old {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            if cluster.node(leader).propose(b"a=2".to_vec()).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(RECOVERY, put).await.expect("another leader acknowledges");
    assert!(!cluster.node(old).is_leader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_log_device_hangs_makes_room() {
    let cluster = Cluster::new(5).await;
    cluster.put("a", "1").await;
    let old = cluster.leader().await;
    cluster.hangs[old].store(true, Ordering::SeqCst);
    let stuck = cluster.node(old).clone();
    let stuck = tokio::spawn(async move { stuck.propose(b"b=1".to_vec()).await });
    another_leads(&cluster, old).await;
    cluster.hangs[old].store(false, Ordering::SeqCst);
    // The others had its entry: it is committed, whether its proposer is told so in time or not.
    stuck.await.unwrap().ok();
    assert_eq!(cluster.get(cluster.leader().await, "b").as_deref(), Some("1"));
    cluster.converged().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_reaches_too_few_makes_room_for_those_who_reach_each_other() {
    let mut cluster = Cluster::new(5).await;
    cluster.put("a", "1").await;
    let old = cluster.leader().await;
    let others: Vec<usize> = (0..5).filter(|&slot| slot != old).collect();
    cluster.kill(others[3]).await;
    cluster.part(old, others[1]);
    cluster.part(old, others[2]);
    another_leads(&cluster, old).await;
    cluster.shutdown().await;
}

/// A small file system of its own, so that one node's directory can be full.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf) -> Option<SmallDisk> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "none"]).arg(&at).status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing to be done when it fails: the directory goes with the machine.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_directory_is_full_makes_room() {
    let mut cluster = Cluster::tuned(3, |c| {
        c.dirty_bytes_max = 20_000;
        c.checkpoint_every_ms = 50;
        c.log_bytes = 2 << 20;
    })
    .await;
    cluster.put("a", "1").await;
    let old = cluster.leader().await;
    let path = cluster.path(old);
    cluster.kill(old).await;
    let copy = cluster.dir.path().join("copy");
    crate::common::copy_dir(&path, &copy);
    let Some(_disk) = SmallDisk::mount(path.clone()) else {
        eprintln!("skipped: needs root, to mount a small file system");
        return cluster.shutdown().await;
    };
    // What the checkpoints reserved takes no room before it is written; the log keeps its own.
    let from = copy.join(".");
    let copied = Command::new("cp").args(["-a", "--sparse=always"]).arg(&from).arg(&path).status().unwrap();
    assert!(copied.success());
    std::fs::copy(copy.join("log"), path.join("log")).unwrap();
    cluster.start(old).await.unwrap();
    // The one with the small disk leads again, as soon as it is the only one to stand.
    while cluster.leader().await != old {
        let leader = cluster.leader().await;
        cluster.cut(leader);
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.heal(leader);
    }
    let filler = path.join("filler");
    let zeros = vec![0; 64 << 10];
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
    for n in 0..20 {
        cluster.put(&format!("k{n}"), &"x".repeat(20_000)).await;
    }
    another_leads(&cluster, old).await;
    drop(file);
    std::fs::remove_file(filler).unwrap();
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_state_machine_is_told_and_an_orderly_end_is_none() {
    let cluster = Cluster::new(1).await;
    let group = cluster.node(0).clone();
    let panicked = tokio::spawn({
        let group = group.clone();
        async move { group.panicked().await }
    });
    cluster.put("a", "1").await;
    assert!(!panicked.is_finished());
    let proposing = tokio::spawn(async move { group.propose(b"panic=1".to_vec()).await });
    tokio::time::timeout(RECOVERY, panicked).await.expect("the panic is told").unwrap();
    proposing.abort();
    cluster.shutdown().await;

    let cluster = Cluster::new(1).await;
    let group = cluster.node(0).clone();
    let panicked = tokio::spawn(async move { group.panicked().await });
    cluster.shutdown().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!panicked.is_finished());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_that_takes_long_stops_neither_the_group_nor_the_other_tasks_of_its_thread() {
    let cluster = Cluster::new(3).await;
    cluster.put("a", "1").await;
    let leader = cluster.leader().await;
    let term = cluster.node(leader).status().term;
    let (ticks, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let ticking = tokio::spawn({
        let (ticks, done) = (ticks.clone(), done.clone());
        async move {
            while !done.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(10)).await;
                ticks.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let proposing = tokio::spawn({
        let group = cluster.node(leader).clone();
        async move { group.propose(b"sleep=1".to_vec()).await }
    });
    // More readers than the runtime has threads wait for what is being applied.
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let group = cluster.node(leader).clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                group.read(|kv| kv.get(b"a"))
            })
        })
        .collect();
    proposing.await.unwrap().unwrap();
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert_eq!(reader.await.unwrap().as_deref(), Some(b"1".as_slice()));
    }
    ticking.await.unwrap();
    let ticks = ticks.load(Ordering::SeqCst);
    assert!(ticks >= 70, "{ticks} ticks of 10 ms in more than two seconds");
    eventually(|| cluster.node(leader).status().term == term, "the same leader leads").await;
    cluster.converged().await;
    assert_eq!(cluster.node(leader).status().term, term);
    cluster.shutdown().await;
}
