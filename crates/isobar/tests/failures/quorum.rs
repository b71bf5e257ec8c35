//! Voters die. Calls wait as long as was asked for and fail; nothing acknowledged is lost.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;

use crate::common::{self, TestCluster, until};
use crate::support::{
    MIB, SECOND, asks_to_be_replaced, assert_clean, blank, is_errno, leader, put, replace, timed,
};

const WAIT: &[&str] = &["--wait", "3"];

#[test]
fn without_a_quorum_calls_fail_after_the_wait_and_all_is_there_when_it_returns() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let mount = cluster.mount_with(WAIT);
    let path = |name: &str| mount.path().join(name);
    let bytes = common::noise(1, 3 * MIB);
    put(path("synced"), &bytes).expect("written");
    fs::create_dir(path("dir")).expect("made");

    ["n1", "n2", "n3"].into_iter().for_each(|voter| cluster.kill(voter));
    let calls: [(&str, &dyn Fn() -> std::io::Result<()>); 6] = [
        ("create", &|| File::create(path("new")).map(drop)),
        ("read", &|| fs::read(path("synced")).map(drop)),
        ("list", &|| fs::read_dir(path("dir"))?.try_for_each(|entry| entry.map(drop))),
        ("remove", &|| fs::remove_file(path("synced"))),
        ("rename", &|| fs::rename(path("dir"), path("directory"))),
        ("statfs", &|| Ok(rustix::fs::statfs(mount.path()).map(drop)?)),
    ];
    for (name, call) in calls {
        let (result, took) = timed(call);
        assert!(is_errno(&result, Errno::IO), "{name}: {result:?}");
        assert!(took > 2 * SECOND && took < 8 * SECOND, "{name} took {took:?}");
    }
    // Many at once wait no longer.
    let (_, took) = timed(|| {
        std::thread::scope(|scope| {
            for at in 0..24 {
                let new = path(&format!("new{at}"));
                scope.spawn(move || assert!(put(new, b"x").is_err()));
            }
        });
    });
    assert!(took < 15 * SECOND, "24 callers at once waited {took:?}");

    cluster.start_node("n1");
    let (written, took) = timed(|| put(path("after"), &bytes));
    written.expect("a quorum is back");
    assert!(took < 3 * SECOND, "{took:?}");
    ["n2", "n3"].into_iter().for_each(|voter| cluster.start_node(voter));
    cluster.wait_full();
    assert!(fs::read(path("synced")).expect("read") == bytes);
    assert!(fs::read(path("after")).expect("read") == bytes);
    assert_clean(&cluster);
}

/// Any process that inherits a descriptor closes it, if only by execve: it is not the one that asked.
#[test]
fn a_close_elsewhere_does_not_swallow_the_error_that_fsync_must_report() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let mount = cluster.mount_with(WAIT);
    let mut file = File::create(mount.path().join("file")).expect("made");
    file.sync_all().expect("synced");
    ["n1", "n2", "n3"].into_iter().for_each(|voter| cluster.kill(voter));
    file.write_all(&common::noise(1, 100_000)).expect("buffered");
    // The child's copy of the descriptor is closed when the program starts.
    assert!(Command::new("true").status().expect("it runs").success());
    let synced = file.sync_all();
    assert!(is_errno(&synced, Errno::IO), "the bytes are lost, and fsync says {synced:?}");
}

#[test]
fn a_voter_with_a_blank_disk_elects_nobody_who_lacks_an_acknowledged_entry() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let mount = cluster.mount_with(WAIT);
    let acknowledged = mount.path().join("acknowledged");
    let bytes = common::noise(1, 2 * MIB);
    // Only n1, n2 and n3 have the entry; the first of them loses its disk, the others are away.
    ["n4", "n5"].into_iter().for_each(|voter| cluster.kill(voter));
    put(&acknowledged, &bytes).expect("written");
    ["n2", "n3"].into_iter().for_each(|voter| cluster.kill(voter));
    blank(&cluster, "n1");
    ["n4", "n5"].into_iter().for_each(|voter| cluster.start_node(voter));
    std::thread::sleep(5 * SECOND);
    let voters = cluster.status()["nodes"].as_array().cloned().unwrap_or_default();
    assert!(voters.iter().all(|n| n["status"]["meta"]["leader"].is_null()), "somebody leads: {voters:#?}");
    assert!(is_errno(&fs::read(&acknowledged), Errno::IO));

    cluster.start_node("n2");
    until(10 * SECOND, "n2 makes a quorum", || fs::read(&acknowledged).is_ok_and(|read| read == bytes));
    cluster.start_node("n3");
    until(10 * SECOND, "status says what to do", || asks_to_be_replaced(&cluster, "n1"));
    replace(&cluster, "n1");
    cluster.wait_full();
    // Its vote counts again.
    ["n2", "n4"].into_iter().for_each(|voter| cluster.kill(voter));
    until(10 * SECOND, "the three left elect one of them", || {
        ["n1", "n3", "n5"].contains(&leader(&cluster).as_str())
    });
    assert!(read_soon(&acknowledged) == bytes);
    ["n2", "n4"].into_iter().for_each(|voter| cluster.start_node(voter));
    cluster.wait_full();
    assert_clean(&cluster);
}

fn read_soon(path: &Path) -> Vec<u8> {
    let mut read = None;
    until(10 * SECOND, "it can be read", || {
        read = fs::read(path).ok();
        read.is_some()
    });
    read.unwrap_or_default()
}
