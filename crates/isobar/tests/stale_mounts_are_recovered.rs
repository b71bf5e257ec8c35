//! A mount whose process died is replaced; a mount that is asked to stop loses nothing.

mod common;

use std::fs;

use common::TestCluster;

#[test]
fn a_mount_whose_process_was_killed_is_mounted_again() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let kept = common::noise(1, 300_000);
    fs::write(cluster.mount().join("kept"), &kept).expect("written");

    cluster.kill_mount();
    assert!(!common::is_mounted(cluster.mount()), "nobody serves the mount");
    cluster.remount();
    assert_eq!(fs::read(cluster.mount().join("kept")).expect("read"), kept);

    // The same for `isobar mount`, started again by hand on the same directory.
    let mut second = cluster.second_mount();
    second.kill();
    assert!(!common::is_mounted(second.path()), "nobody serves the mount");
    let again = cluster.mount_at(second.path());
    assert_eq!(fs::read(again.path().join("kept")).expect("read"), kept);
}

#[test]
fn a_cluster_whose_mount_was_killed_is_removed_with_its_mount() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(3, 256);
    fs::write(cluster.mount().join("kept"), common::noise(3, 300_000)).expect("written");
    let mut second = cluster.second_mount();
    cluster.kill_mount();
    second.kill();
    assert!(common::is_mount_point(cluster.mount()), "the kernel still has it");
    cluster.dev(&["down", "--remove"]);
    assert!(!common::is_mount_point(cluster.mount()) && !common::is_mount_point(second.path()));
    let left = fs::read_dir(cluster.dir()).expect("the second mount point is not the cluster's");
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(left, [second.path()]);
}

#[test]
fn a_mount_that_is_asked_to_stop_sends_what_was_written_and_unmounts() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let bytes = common::noise(2, 3_000_001);
    let mut second = cluster.second_mount();
    {
        use std::io::Write as _;
        let mut file = fs::File::create(second.path().join("dirty")).expect("made");
        file.write_all(&bytes).expect("written");
        // No fsync; and the file stays open over the stop in another process, which must not keep the mount.
        let holder = std::process::Command::new("sleep").arg("20").stdin(file).spawn().expect("sleep runs");
        let mut holder = Holder(holder);
        assert!(second.stop(), "the mount ends with success");
        holder.0.kill().expect("killed");
    }
    assert!(!common::is_mount_point(second.path()), "it is unmounted");
    assert_eq!(fs::read(cluster.mount().join("dirty")).expect("read"), bytes);
}

/// Ends a child however the test ends.
struct Holder(std::process::Child);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
