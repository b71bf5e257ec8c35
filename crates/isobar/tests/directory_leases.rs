//! A mount that is alone in a directory answers for its names before the log has them: nobody can tell,
//! except by the clock.

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use common::TestCluster;

/// Changes in a row after which a mount surely has the lease.
const WARM: usize = 12;
/// How long a mount that died may keep others waiting in its directories.
const DEAF_MAX: Duration = Duration::from_secs(20);

fn make(dir: &Path, names: impl Iterator<Item = usize>) {
    for name in names {
        File::create_new(dir.join(name.to_string())).expect("made");
    }
}

fn names(dir: &Path) -> BTreeSet<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("a name in UTF-8")
    };
    fs::read_dir(dir).expect("listed").map(name).collect()
}

#[test]
fn whoever_looks_from_another_mount_sees_every_name_at_once() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    for round in 0..20 {
        let (ours, theirs) = (cluster.mount().join(round.to_string()), second.path().join(round.to_string()));
        fs::create_dir(&ours).expect("made");
        make(&ours, 0..WARM + round);
        fs::remove_file(ours.join("3")).expect("removed");
        fs::write(ours.join("text"), "bytes").expect("written");
        match round % 3 {
            0 => assert_eq!(names(&theirs).len(), WARM + round),
            1 => assert_eq!(fs::read(theirs.join("text")).expect("read"), b"bytes"),
            _ => {
                File::open(theirs.join((WARM + round - 1).to_string())).expect("the last one is there");
                assert_eq!(fs::metadata(theirs.join("3")).expect_err("gone").kind(), ErrorKind::NotFound);
            }
        }
        let same = fs::metadata(ours.join("5")).expect("ours");
        let seen = fs::metadata(theirs.join("5")).expect("theirs");
        assert_eq!((same.ino(), same.mtime_nsec()), (seen.ino(), seen.mtime_nsec()));
        // They may change it, too, and we see that.
        File::create_new(theirs.join("theirs")).expect("made there");
        fs::remove_file(theirs.join("7")).expect("removed there");
        std::thread::sleep(Duration::from_millis(if round % 5 == 0 { 2100 } else { 0 }));
        make(&ours, 1000..1000 + WARM);
        assert_eq!(names(&ours), names(&theirs), "round {round}");
        assert!(!names(&ours).contains("7") && names(&ours).contains("theirs"));
    }
    cluster.end();
}

#[test]
fn of_two_mounts_that_make_one_name_exactly_one_succeeds() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    fs::create_dir(cluster.mount().join("d")).expect("made");
    make(&cluster.mount().join("d"), 0..WARM);
    let worker = |dir: std::path::PathBuf, pause: u64| {
        std::thread::spawn(move || {
            let mut made = Vec::new();
            for name in 1000..1600 {
                match File::create_new(dir.join(name.to_string())) {
                    Ok(_) => made.push(name),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}: {error}"),
                }
                if name % 50 == pause {
                    // Long enough for the other one to have the directory to itself.
                    std::thread::sleep(Duration::from_millis(40));
                }
            }
            made
        })
    };
    let ours = worker(cluster.mount().join("d"), 0);
    let theirs = worker(second.path().join("d"), 25);
    let (ours, theirs) = (ours.join().expect("ours"), theirs.join().expect("theirs"));
    assert!(!ours.is_empty() && !theirs.is_empty(), "both had their turns");
    let mut all: Vec<u64> = ours.into_iter().chain(theirs).collect();
    all.sort_unstable();
    assert_eq!(all, (1000..1600).collect::<Vec<_>>(), "each name was made once");
    assert_eq!(names(&second.path().join("d")).len(), 600 + WARM);
    cluster.end();
}

#[test]
fn what_was_fsynced_in_a_leased_directory_survives_the_death_of_everything() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let dir = cluster.mount().join("d");
    fs::create_dir(&dir).expect("made");
    make(&dir, 0..WARM);
    for name in 100..400 {
        let file = File::create_new(dir.join(name.to_string())).expect("made");
        if name % 10 == 0 {
            file.sync_all().expect("fsynced");
        }
        if name % 25 == 0 {
            fs::remove_file(dir.join((name - 3).to_string())).ok();
        }
    }
    File::open(&dir).expect("opened").sync_all().expect("the directory is fsynced");
    make(&dir, 1000..1010);
    cluster.kill_mount();
    for name in cluster.names() {
        cluster.kill(name);
    }
    for name in cluster.names() {
        cluster.start_node(name);
    }
    cluster.remount();
    let left = names(&dir);
    let removed = |name: usize| name % 25 == 22 && (100..397).contains(&name);
    for name in (0..WARM).chain(100..400) {
        assert_eq!(
            left.contains(&name.to_string()),
            !removed(name),
            "{name} after the fsync of its directory"
        );
    }
    cluster.end();
}

#[test]
fn a_mount_that_died_with_leases_keeps_nobody_waiting_for_long() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let (ours, theirs) = (cluster.mount().join("d"), second.path().join("d"));
    fs::create_dir(&ours).expect("made");
    make(&ours, 0..WARM);
    let file = File::create_new(ours.join("synced")).expect("made");
    file.sync_all().expect("fsynced");
    cluster.kill_mount();
    let begun = Instant::now();
    File::create_new(theirs.join("theirs")).expect("made by the other mount");
    assert!(begun.elapsed() < DEAF_MAX, "{:?}", begun.elapsed());
    assert!(names(&theirs).contains("synced"));
    cluster.remount();
    cluster.end();
}

#[test]
fn a_storm_of_names_goes_on_while_the_leader_dies_and_leaves_what_was_answered() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let storm = |dir: std::path::PathBuf, seed: usize| {
        std::thread::spawn(move || {
            let mut there = BTreeSet::new();
            for step in 0..6000usize {
                let name = step.wrapping_mul(7919).wrapping_add(seed) % 700;
                let path = dir.join(format!("{seed}-{name}"));
                if there.contains(&name) {
                    match step % 5 {
                        0 => {
                            let other = name + 1000;
                            fs::rename(&path, dir.join(format!("{seed}-{other}"))).expect("renamed");
                            there.insert(other);
                        }
                        _ => fs::remove_file(&path).expect("removed"),
                    }
                    there.remove(&name);
                } else {
                    if step % 50 == 0 {
                        fs::write(&path, name.to_string()).expect("written");
                    } else {
                        File::create_new(&path).expect("made");
                    }
                    there.insert(name);
                }
            }
            there.into_iter().map(|name| format!("{seed}-{name}")).collect::<BTreeSet<_>>()
        })
    };
    let shared = cluster.mount().join("shared");
    let own = cluster.mount().join("own");
    fs::create_dir(&shared).expect("made");
    fs::create_dir(&own).expect("made");
    let storms = [storm(shared.clone(), 1), storm(shared.clone(), 2), storm(own.clone(), 3)];
    std::thread::sleep(Duration::from_millis(300));
    let status = cluster.status();
    let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
    let leader = nodes.iter().find_map(|n| n["status"]["meta"]["leader"].as_str().map(str::to_owned));
    let leader = leader.expect("somebody leads");
    cluster.kill(&leader);
    let [a, b, c] = storms.map(|storm| storm.join().expect("the storm"));
    cluster.start_node(&leader);
    let both: BTreeSet<String> = a.union(&b).cloned().collect();
    assert_eq!(names(&second.path().join("shared")), both);
    assert_eq!(names(&second.path().join("own")), c);
    assert_eq!(names(&shared), both);
    cluster.wait_full();
    cluster.end();
}

/// I10: a mount that slept does not answer from what it knew before.
#[test]
fn of_a_mount_that_was_frozen_and_one_that_went_on_exactly_one_makes_a_name() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    for round in 0..2 {
        let (ours, theirs) = (cluster.mount().join(round.to_string()), second.path().join(round.to_string()));
        fs::create_dir(&theirs).expect("made");
        make(&theirs, 0..WARM);
        freeze(second.pid());
        let frozen = std::thread::spawn({
            let lock = theirs.join("lock");
            // The kernel hands it to the mount as soon as that wakes up.
            move || File::create_new(lock).map(drop)
        });
        std::thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        let made = File::create_new(ours.join("lock")).map(drop);
        println!("the other one had its answer after {:?}", begun.elapsed());
        signal(second.pid(), rustix::process::Signal::CONT);
        let woke = frozen.join().expect("ended");
        assert!(made.is_ok() != woke.is_ok(), "exactly one of the two: {made:?} and {woke:?}");
        let error = made.and(woke).expect_err("one is refused");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    }
    cluster.end();
}

/// Stops a process. The signal reaches one of its threads first: the others may go on for a moment.
fn freeze(pid: u32) {
    signal(pid, rustix::process::Signal::STOP);
    let stopped = |task: std::io::Result<fs::DirEntry>| {
        let stat = fs::read_to_string(task.expect("listed").path().join("stat")).expect("readable");
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))
    };
    while !fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").all(stopped) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process");
    rustix::process::kill_process(pid, signal).expect("it runs");
}
