//! Devices run full, and what was removed frees its space.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::common::{self, TestCluster, until};
use crate::support::{
    MIB, SECOND, asks_to_be_replaced, assert_clean, fsck, is_errno, put, replace, timed, used,
};

/// Files of this size are written until the devices are full.
const PIECE: usize = 4 * MIB;

#[test]
fn full_devices_give_enospc_and_all_works_again_after_removing() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 96);
    // One node gets a smaller disk.
    cluster.kill("n4");
    fs::remove_dir_all(cluster.dir().join("n4")).expect("removed");
    let config = cluster.dir().join("n4.toml");
    let text = fs::read_to_string(&config).expect("read");
    let smaller = text.replace(&format!("size_bytes = {}", 96 * MIB), &format!("size_bytes = {}", 64 * MIB));
    assert_ne!(text, smaller);
    fs::write(&config, smaller).expect("written");
    cluster.start_node("n4");
    until(15 * SECOND, "n4 asks", || asks_to_be_replaced(&cluster, "n4"));
    replace(&cluster, "n4");
    cluster.wait_full();

    let path = |at: usize| cluster.mount().join(format!("f{at}"));
    let fill = |from: usize| {
        for at in from..from + 1000 {
            let (result, took) = timed(|| put(path(at), &common::noise(at as u64, PIECE)));
            assert!(took < 15 * SECOND, "file {at} took {took:?}");
            if result.is_err() {
                assert!(is_errno(&result, Errno::NOSPC), "file {at}: {result:?}");
                fs::remove_file(path(at)).expect("removed");
                return at;
            }
        }
        panic!("it is never full");
    };
    let full = fill(0);
    let share = free(cluster.mount()).0 as f64;
    // The seven others go on when the small one is full.
    assert!((full * PIECE) as f64 > 0.7 * share, "full after {full} files of {share} bytes");
    let stopped = Command::new("dd")
        .args(["if=/dev/zero", "bs=1M", "count=100"])
        .arg(format!("of={}", cluster.mount().join("dd").display()))
        .stderr(Stdio::null())
        .status()
        .expect("dd runs");
    assert!(!stopped.success(), "there is no room for it");
    fs::remove_file(cluster.mount().join("dd")).expect("removed");
    until(10 * SECOND, "df shows it", || free(cluster.mount()).1 < 40 * MIB as u64);
    for at in 0..full {
        assert!(fs::read(path(at)).expect("reading goes on") == common::noise(at as u64, PIECE), "file {at}");
    }
    for at in (0..full).step_by(2) {
        fs::remove_file(path(at)).expect("removing goes on");
    }
    let (_, took) = timed(|| {
        until(20 * SECOND, "there is room again", || {
            put(path(full), &common::noise(full as u64, PIECE)).is_ok()
        })
    });
    println!("writing works again {took:?} after removing");
    until(10 * SECOND, "df shows it", || free(cluster.mount()).1 > 100 * MIB as u64);
    let second = fill(full + 1);
    assert!(second - full > full / 4, "only {} more files fit", second - full);
    for at in (0..second).filter(|at| *at >= full || at % 2 == 1) {
        assert!(fs::read(path(at)).expect("read") == common::noise(at as u64, PIECE), "file {at}");
    }
    assert_clean(&cluster);
    for name in cluster.names() {
        assert!(!cluster.log(name).contains("panicked"), "{name} panicked");
    }
}

/// Bytes in all and bytes free, as df has them.
fn free(mount: &Path) -> (u64, u64) {
    let stat = rustix::fs::statvfs(mount).expect("statvfs");
    (stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize)
}

#[test]
fn what_was_removed_frees_its_space_whoever_had_it_open() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let empty = |what: &str, patience: Duration| {
        let begun = Instant::now();
        while used(&cluster).iter().any(|&used| used > 0) {
            assert!(
                begun.elapsed() < patience,
                "{what}: {:?} still used, {:#}",
                used(&cluster),
                fsck(&cluster)
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        println!("{what}: all space is free after {:?}", begun.elapsed());
    };
    let mount = cluster.mount();

    mixed_tree(&mount.join("tree")).expect("made");
    // Half-dead segments are rewritten meanwhile.
    std::thread::sleep(5 * SECOND);
    fs::remove_dir_all(mount.join("tree")).expect("removed");
    empty("a removed tree", 20 * SECOND);

    let open: Vec<File> = (0..5u64)
        .map(|at| {
            let path = mount.join(format!("open{at}"));
            put(&path, &common::noise(at, 2 * MIB)).expect("written");
            let file = File::open(&path).expect("opened");
            fs::remove_file(&path).expect("removed");
            file
        })
        .collect();
    std::thread::sleep(5 * SECOND);
    let mut bytes = vec![0; 2 * MIB];
    open[2].read_exact_at(&mut bytes, 0).expect("read");
    assert!(bytes == common::noise(2, 2 * MIB));
    drop(open);
    empty("removed files, closed", 20 * SECOND);

    let mut second = cluster.second_mount();
    let path = second.path().join("half");
    let writer = std::thread::spawn(move || -> io::Result<()> {
        let mut file = File::create(path)?;
        (0..50).try_for_each(|at| file.write_all(&common::noise(at, PIECE)))
    });
    std::thread::sleep(Duration::from_millis(500));
    second.kill();
    writer.join().expect("the writer ends").ok();
    drop(second);
    fs::remove_file(mount.join("half")).ok();
    empty("what a dead client was writing", 60 * SECOND);

    put(mount.join("away"), &common::noise(1, 40 * MIB)).expect("written");
    cluster.kill("n8");
    fs::remove_file(mount.join("away")).expect("removed");
    std::thread::sleep(2 * SECOND);
    cluster.start_node("n8");
    cluster.wait_full();
    empty("what was removed while a node was away", 40 * SECOND);
    assert_clean(&cluster);
}

/// Files of all sizes, cut, overwritten in part, and grown.
fn mixed_tree(root: &Path) -> io::Result<()> {
    const LENGTHS: [usize; 7] = [0, 10, 3000, 5000, 60_000, 400_000, 2 * MIB];
    for at in 0..100u64 {
        let dir = root.join(format!("d{}/e", at % 5));
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("f{at}"));
        fs::write(&path, common::noise(at, LENGTHS[at as usize % LENGTHS.len()]))?;
        let file = File::options().write(true).open(&path)?;
        match at % 4 {
            0 => file.set_len([0, 100, 1000][at as usize % 3])?,
            1 => {
                file.sync_all()?;
                for turn in 0..6 {
                    file.write_all_at(
                        &common::noise(turn, [10, 4096, 150_000][turn as usize % 3]),
                        turn * 55_555,
                    )?;
                }
            }
            _ => {}
        }
    }
    rustix::fs::sync();
    Ok(())
}

#[test]
fn random_overwrites_of_several_times_the_size_never_run_out_of_room() {
    if common::skip(&["fio"]) {
        return;
    }
    let cluster = TestCluster::start(8, 64);
    let fio = |arguments: &[&str]| {
        let output = Command::new("fio")
            // The directory counts for the file names after it.
            .arg(format!("--directory={}", cluster.mount().display()))
            .args(["--name=job", "--filename=file", "--bs=4k", "--ioengine=psync", "--fallocate=none"])
            .args(arguments)
            .current_dir(cluster.dir())
            .output()
            .expect("fio runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\nused {:?}, df {:?}", used(&cluster), free(cluster.mount()));
    };
    put(cluster.mount().join("other"), &common::noise(1, 20 * MIB)).expect("written");
    fio(&["--rw=write", "--size=100m", "--end_fsync=1"]);
    assert_eq!(fs::metadata(cluster.mount().join("file")).expect("it is there").len(), 100 * MIB as u64);
    assert_eq!(fs::metadata(cluster.mount().join("file")).expect("it is there").len(), 100 * MIB as u64);
    let ((), took) = timed(|| {
        fio(&[
            "--rw=randwrite",
            "--size=100m",
            "--io_size=500m",
            "--norandommap",
            "--refill_buffers",
            "--end_fsync=1",
        ]);
        fio(&[
            "--rw=randwrite",
            "--size=100m",
            "--io_size=60m",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--do_verify=1",
            "--end_fsync=1",
        ]);
    });
    println!("overwritten in {took:?}; used {:?}", used(&cluster));
    assert!(fs::read(cluster.mount().join("other")).expect("read") == common::noise(1, 20 * MIB));
    assert_clean(&cluster);
}
