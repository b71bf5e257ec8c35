//! Everything dies at once, and comes back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::common::{self, TestCluster};
use crate::support::{MIB, SECOND, assert_clean, fsck, pids, put, signal, timed};

const WRITERS: u64 = 4;
/// Names each writer writes to in turn.
const NAMES: u64 = 10;

#[test]
fn every_synced_file_survives_the_death_of_everything_in_a_write_storm() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 384);
    // The seed and length of what fsync confirmed last, unless the file was touched again since.
    let synced: Mutex<HashMap<String, (u64, usize)>> = Mutex::default();
    for round in 0..3u64 {
        let (stop, all) = (AtomicBool::new(false), pids(&cluster));
        assert_eq!(all.len(), 9);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (stop, synced, cluster) = (&stop, &synced, &cluster);
                scope.spawn(move || storm(cluster, stop, synced, round, writer));
            }
            std::thread::sleep(Duration::from_millis(1500 + 700 * round));
            all.iter().for_each(|&pid| signal(pid, Signal::KILL));
            stop.store(true, Ordering::Relaxed);
        });
        let ((), took) = timed(|| drop(cluster.dev(&["up"])));
        println!("round {round}: back after {took:?}");
        let synced = synced.lock().expect("unpoisoned");
        assert!(synced.len() >= WRITERS as usize, "only {} files were synced", synced.len());
        for (name, &(seed, len)) in &*synced {
            let bytes = fs::read(cluster.mount().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(bytes == common::noise(seed, len), "{name}: {} bytes, {len} were synced", bytes.len());
        }
        cluster.wait_full();
        let report = fsck(&cluster);
        assert!(report["clean"] == true, "{report:#}");
    }
}

fn storm(
    cluster: &TestCluster,
    stop: &AtomicBool,
    synced: &Mutex<HashMap<String, (u64, usize)>>,
    round: u64,
    writer: u64,
) {
    const LENGTHS: [usize; 8] = [1, 100, 4096, 4097, 70_000, MIB, 3 * MIB + 1, 20 * MIB];
    for turn in 0u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let seed = (round << 32) + (writer << 16) + turn;
        let len = LENGTHS[(turn.wrapping_mul(5) + writer) as usize % LENGTHS.len()];
        let name = format!("w{writer}-{}", turn % NAMES);
        let bytes = common::noise(seed, len);
        let path = cluster.mount().join(&name);
        let done = if turn % 3 == 0 {
            let other = path.with_extension("new");
            put(&other, &bytes).and_then(|()| {
                synced.lock().expect("unpoisoned").remove(&name);
                fs::rename(&other, &path)
            })
        } else {
            synced.lock().expect("unpoisoned").remove(&name);
            put(&path, &bytes)
        };
        match done {
            Ok(()) => drop(synced.lock().expect("unpoisoned").insert(name, (seed, len))),
            // The mount is dead.
            Err(_) => return,
        }
    }
}

#[test]
fn a_mount_and_its_open_files_survive_a_restart_of_all_servers() {
    if common::skip(&["dd"]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let path = cluster.mount().join("open");
    let file = File::options().create_new(true).read(true).write(true).open(&path).expect("made");
    let (first, second) = (common::noise(1, 100_000), common::noise(2, 100_000));
    file.write_all_at(&first, 0).expect("written");
    file.sync_all().expect("synced");
    let source = cluster.dir().join("source");
    fs::write(&source, common::noise(3, 5 * MIB)).expect("written");

    let nodes: Vec<u32> = cluster.names().iter().filter_map(|name| cluster.pid(name)).collect();
    nodes.iter().for_each(|&pid| signal(pid, Signal::KILL));
    // A writer that begins while nobody is there.
    let mut writer = Command::new("dd")
        .arg(format!("if={}", source.display()))
        .arg(format!("of={}", cluster.mount().join("written over the restart").display()))
        .args(["bs=1M", "conv=fsync", "status=none"])
        .spawn()
        .expect("dd runs");
    std::thread::sleep(2 * SECOND);
    cluster.names().iter().for_each(|name| cluster.start_node(name));
    let ((), took) = timed(|| {
        file.write_all_at(&second, 100_000).expect("written");
        file.sync_all().expect("synced");
    });
    println!("the open file was synced {took:?} after the restart");
    assert!(took < 10 * SECOND, "{took:?}");
    let (ended, took) = timed(|| writer.wait().expect("dd ends"));
    assert!(ended.success() && took < 10 * SECOND, "{ended} after {took:?}");
    let mut all = vec![0; 200_000];
    file.read_exact_at(&mut all, 0).expect("read");
    assert!(all == [first, second].concat());
    drop(file);
    cluster.wait_full();
    assert!(
        fs::read(cluster.mount().join("written over the restart")).expect("read")
            == fs::read(&source).expect("read")
    );
    assert_clean(&cluster);
}
