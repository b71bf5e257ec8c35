//! Nodes die and stay away: n shrinks, K does not; what cannot be read is known to the byte.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rustix::io::Errno;

use crate::common::{self, TestCluster};
use crate::support::{MIB, SECOND, assert_clean, fsck, is_errno, put, timed, wait_up, widths};

const BLOCK: usize = 64 << 10;

#[test]
fn new_data_shrinks_to_the_nodes_left_and_lost_ranges_are_exactly_those_fsck_lists() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let path = |name: &str| cluster.mount().join(name);
    let bytes = |seed| common::noise(seed, 8 * MIB);
    let old = common::noise(1, 24 * MIB);
    put(path("old"), &old).expect("written");
    assert_eq!(widths(&cluster, &path("old")), [(6, 2); 3]);

    for (at, (dead, width)) in [("n8", (5, 2)), ("n7", (4, 2)), ("n6", (3, 2))].into_iter().enumerate() {
        cluster.kill(dead);
        let (written, took) = timed(|| put(path(dead), &bytes(at as u64)));
        written.expect("written");
        assert!(took < 3 * SECOND, "a write waited {took:?} for a failure detector");
        wait_up(&cluster, 7 - at);
        assert_eq!(widths(&cluster, &path(dead)), [width]);
        if at == 1 {
            cluster.remount();
            assert!(fs::read(path("old")).expect("read") == old);
        }
    }
    let redundancy = &cluster.status()["redundancy"];
    assert_eq!(redundancy["by_missing_rows"][3]["segments"], 3, "{redundancy}");
    assert_eq!(redundancy["unreadable"]["segments"], 3, "{redundancy}");

    cluster.remount();
    let report = fsck(&cluster);
    let ino = fs::metadata(path("old")).expect("it is there").ino();
    let ranges: Vec<(u64, u64)> = report["lost"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|lost| {
            assert_eq!(lost["inode"], ino, "only the old file lost something: {report:#}");
            let from = lost["offset"].as_u64().expect("a number");
            (from, from + lost["len"].as_u64().expect("a number"))
        })
        .collect();
    let file = File::open(path("old")).expect("opened");
    let mut lost = 0;
    for (at, expected) in old.chunks(BLOCK).enumerate() {
        let (from, mut block) = ((at * BLOCK) as u64, vec![0; BLOCK]);
        let read = file.read_exact_at(&mut block, from);
        if ranges.iter().any(|&(start, end)| start < from + BLOCK as u64 && from < end) {
            assert!(is_errno(&read, Errno::IO), "block {at}: {read:?}");
            lost += 1;
        } else {
            read.unwrap_or_else(|error| panic!("block {at} is not listed as lost: {error}"));
            assert!(block == expected, "block {at} has other bytes");
        }
    }
    assert!(lost > 0 && lost < old.len() / BLOCK, "{lost} blocks lost");
    drop(file);
    for (at, name) in ["n8", "n7", "n6"].into_iter().enumerate() {
        assert!(fs::read(path(name)).expect("read") == bytes(at as u64), "{name}");
    }

    ["n6", "n7", "n8"].into_iter().for_each(|node| cluster.start_node(node));
    cluster.wait_full();
    assert!(fs::read(path("old")).expect("read") == old);
    assert_clean(&cluster);
}
