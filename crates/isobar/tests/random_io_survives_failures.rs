//! Every byte is checked against a model while nodes die and come back: fsx and fio.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{TestCluster, shell};

/// Nodes die and return one after the other, now and then two at a time, while `work` runs.
fn with_failures(cluster: &TestCluster, work: impl FnOnce() + Send) -> u32 {
    let done = AtomicBool::new(false);
    let mut kills = 0;
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            done.store(true, Ordering::Release);
            result
        });
        let pause = |ms: u64| {
            for _ in 0..ms / 50 {
                if !done.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        };
        let names = cluster.names();
        for round in 0.. {
            if done.load(Ordering::Acquire) {
                break;
            }
            let one = &names[(round * 3) % names.len()];
            let other = &names[(round * 3 + 1) % names.len()];
            cluster.kill(one);
            kills += 1;
            pause(700);
            if round % 3 == 2 {
                cluster.kill(other);
                kills += 1;
                pause(1500);
                cluster.start_node(other);
            }
            pause(700);
            cluster.start_node(one);
            // Whoever is killed next must not be the third: all rows have to be whole first.
            pause(500);
            cluster.wait_full();
        }
        if let Err(panic) = worker.join().expect("the worker catches") {
            std::panic::resume_unwind(panic);
        }
    });
    kills
}

/// The `fsx` of crates.io, which `./test` installs.
fn fsx() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let installed = root.join("target/tools/bin/fsx");
    installed.is_file().then_some(installed).or_else(|| common::program("fsx"))
}

#[test]
fn fsx_finds_no_wrong_byte_while_nodes_die_and_return() {
    let Some(fsx) = fsx() else {
        println!(
            "skipped: fsx is not installed (./test does it, or: cargo install fsx --version 0.3.2 --root target/tools)"
        );
        return;
    };
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 512);
    let config = cluster.dir().join("fsx.toml");
    fs::write(&config, FSX_CONFIG).expect("written");
    let artifacts = cluster.dir().join("fsx");
    fs::create_dir(&artifacts).expect("made");
    let kills = with_failures(&cluster, || {
        let output = Command::new(&fsx)
            .args(["-N", "100000", "-S", "42", "-f"])
            .arg(&config)
            .arg("-P")
            .arg(&artifacts)
            .arg(cluster.mount().join("fsx-file"))
            .env("RUST_LOG", "error")
            .output()
            .expect("fsx runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = said.lines().rev().take(60).collect();
        assert!(
            output.status.success(),
            "{}: {}",
            output.status,
            tail.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    });
    println!("{kills} nodes killed meanwhile");
    assert!(kills > 3);
}

/// Operations that the file system has; the others are off.
const FSX_CONFIG: &str = "\
flen = 1048576
nomsyncafterwrite = false
[opsize]
max = 65536
[weights]
close_open = 0.1
read = 10
write = 10
mapread = 2
mapwrite = 0.2
truncate = 0.2
invalidate = 0.1
fsync = 0.1
fdatasync = 0.1
punch_hole = 0.2
posix_fallocate = 0
sendfile = 0.3
copy_file_range = 0.3
";

#[test]
fn fio_verifies_random_writes_while_nodes_die_and_return() {
    if common::skip(&["fio"]) {
        return;
    }
    let cluster = TestCluster::start(8, 512);
    let job = |engine: &str| {
        format!(
            "cd '{}'; fio --name={engine} --ioengine={engine} --rw=randwrite --bsrange=4k-1m --bs_unaligned=0 \
               --size=96m --numjobs=3 --nrfiles=2 --verify=crc32c --verify_fatal=1 --verify_backlog=64 --do_verify=1 \
               --fsync=32 --time_based=1 --runtime=8 --group_reporting \
               --output=fio-{engine}.log || {{ cat fio-{engine}.log; exit 1; }}",
            cluster.mount().display()
        )
    };
    let kills = with_failures(&cluster, || {
        shell(&job("psync"));
        shell(&job("libaio"));
    });
    println!("{kills} nodes killed meanwhile");
    assert!(kills > 3);
}
