//! Bytes on a device change while nobody looks.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use crate::common::{self, TestCluster, until};
use crate::support::{MIB, SECOND, assert_clean, put, timed};

/// Where payloads begin on a target of this size: superblock and log are before.
const DATA_AT: usize = 9 * MIB;
const PAGE: usize = 4096;

#[test]
fn damaged_rows_are_decoded_and_repaired_whether_anybody_reads_them_or_not() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let lengths = [5000, 30_000, 200_000, 3 * MIB, 9 * MIB];
    let files: Vec<_> = (0..20u64)
        .map(|at| {
            (cluster.mount().join(format!("f{at}")), common::noise(at, lengths[at as usize % lengths.len()]))
        })
        .collect();
    files.iter().for_each(|(path, bytes)| put(path, bytes).expect("written"));

    cluster.kill("n3");
    let target = cluster.dir().join("n3/target");
    let device = fs::read(&target).expect("read");
    let pages = device
        .chunks(PAGE)
        .enumerate()
        .filter(|(at, page)| at * PAGE >= DATA_AT && page.iter().any(|b| *b != 0));
    let pages: Vec<usize> = pages.map(|(at, _)| at).collect();
    assert!(pages.len() > 100, "only {} pages of data", pages.len());
    let disk = File::options().write(true).open(&target).expect("opened");
    for hit in pages.iter().step_by(pages.len() / 40) {
        let at = hit * PAGE + (hit * 37) % PAGE;
        disk.write_all_at(&[device[at] ^ 0x55], at as u64).expect("written");
    }
    disk.sync_all().expect("synced");
    drop(disk);
    cluster.start_node("n3");
    cluster.remount();
    for (path, bytes) in &files {
        assert!(fs::read(path).expect("read") == *bytes, "{}", path.display());
    }
    cluster.wait_full();
    // Parity rows are read by nobody: scrubbing finds them.
    let ((), took) = timed(|| {
        until(30 * SECOND, "the node has been scrubbed", || {
            cluster.log("n3").contains("scrub finished target_id=")
                && cluster.log("n3").contains("what=Damaged")
        });
    });
    println!("scrubbed {took:?} after the reads");
    assert_clean(&cluster);
    // With K other nodes dead every row of n3 is needed.
    for dead in [["n1", "n2"], ["n7", "n8"]] {
        dead.iter().for_each(|node| cluster.kill(node));
        cluster.remount();
        for (path, bytes) in &files {
            assert!(fs::read(path).expect("read") == *bytes, "{}", path.display());
        }
        dead.iter().for_each(|node| cluster.start_node(node));
        cluster.wait_full();
    }
}
