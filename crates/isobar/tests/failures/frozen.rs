//! Processes stop without dying.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::common::{self, TestCluster, until};
use crate::support::{Frozen, MIB, SECOND, assert_clean, is_errno, leader, put, timed};

#[test]
fn writes_go_on_with_a_bounded_pause_while_a_node_is_frozen() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let before = common::noise(1, 20 * MIB);
    put(cluster.mount().join("before"), &before).expect("written");
    let led = leader(&cluster);
    let follower = cluster.names().iter().take(5).find(|n| **n != led).expect("five voters").clone();
    for node in ["n8".to_owned(), follower, led] {
        let frozen = Frozen::new(cluster.pid(&node).expect("it runs"));
        let (mut longest, mut count, begun) = (Duration::ZERO, 0, Instant::now());
        while begun.elapsed() < 10 * SECOND {
            let path = cluster.mount().join(format!("f{}", count % 10));
            let (written, took) = timed(|| put(&path, &common::noise(count, 300_000)));
            written.expect("writing goes on");
            assert!(fs::read(&path).expect("read") == common::noise(count, 300_000));
            longest = longest.max(took);
            count += 1;
        }
        println!("{node} frozen: {count} files, the longest took {longest:?}");
        assert!(longest < 12 * SECOND, "a write waited {longest:?} for {node}");
        drop(frozen);
        cluster.wait_full();
    }
    // A cold read that needs its rows.
    cluster.remount();
    let frozen = Frozen::new(cluster.pid("n8").expect("it runs"));
    let (read, took) = timed(|| fs::read(cluster.mount().join("before")).expect("read"));
    assert!(read == before && took < 15 * SECOND, "{took:?}");
    drop(frozen);
    cluster.wait_full();
    assert_clean(&cluster);
}

/// I5: what was written before the expiry and not committed is not committed after it.
#[test]
fn a_mount_that_sleeps_past_its_lease_loses_what_was_not_synced_and_says_so() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let mount = cluster.second_mount();
    let path = mount.path().join("shared");
    let file = File::options().create_new(true).read(true).write(true).open(&path).expect("made");
    file.write_all_at(&[1; 200_000], 0).expect("written");
    file.sync_all().expect("synced");
    put(mount.path().join("clean"), &common::noise(1, 50_000)).expect("written");
    let clean = File::open(mount.path().join("clean")).expect("opened");

    file.write_all_at(&[2; 200_000], 0).expect("buffered");
    let frozen = Frozen::new(mount.pid());
    let there = cluster.mount().join("shared");
    fs::write(&there, [3; 150_000]).expect("others go on");
    // A leader that stood still meanwhile gives everybody a full lease again.
    until(100 * SECOND, "its session is expired", || {
        cluster.names().iter().any(|node| cluster.log(node).contains("session not renewed: expired"))
    });
    drop(frozen);
    let (synced, took) = timed(|| file.sync_all());
    assert!(is_errno(&synced, Errno::IO), "{synced:?}");
    assert!(took < 15 * SECOND, "{took:?}");
    file.sync_all().expect("told once");
    drop(file);
    assert!(fs::read(&there).expect("read") == [3; 150_000], "stale bytes came through");
    assert!(fs::read(&path).expect("read") == [3; 150_000]);
    let mut bytes = vec![0; 50_000];
    clean.read_exact_at(&mut bytes, 0).expect("a file without unwritten bytes goes on");
    assert!(bytes == common::noise(1, 50_000));
    put(&path, &[4; 100_000]).expect("the mount works under a new session");
    assert!(fs::read(&there).expect("read") == [4; 100_000]);
    drop(clean);
    assert_clean(&cluster);
}
