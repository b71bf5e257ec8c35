//! `isobar demo --exit`, on a mount and through the client library.

use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Output {
    // One cluster at a time: whoever measures or tests beside this one would be in the way.
    let lock = std::fs::File::create(std::env::temp_dir().join("isobar-tests-demo.lock"))
        .expect("the lock file opens");
    lock.lock().expect("the lock is granted");
    let dir = std::env::temp_dir().join(format!("isobar-demo-{}-{}", std::process::id(), arguments.len()));
    let output = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["demo", "--exit", "--output", "json", "--data"])
        .arg(&dir)
        .args(arguments)
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stdout));
    assert!(!dir.exists(), "the demonstration leaves nothing behind");
    output
}

fn assert_kept(output: &Output) -> serde_json::Value {
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    assert_eq!(report["kept"], true, "{report:#}");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(4));
    report
}

#[test]
fn two_nodes_die_and_nothing_is_lost_through_the_client_library() {
    let report = assert_kept(&demo(&["--no-mount"]));
    assert_eq!(report["mounted"], false);
}

#[test]
fn two_nodes_die_and_nothing_is_lost_on_the_mount() {
    let mountable = rustix::process::geteuid().is_root() && std::path::Path::new("/dev/fuse").exists();
    let report = assert_kept(&demo(&[]));
    assert_eq!(report["mounted"], mountable);
}
