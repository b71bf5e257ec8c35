//! `isobar demo --exit`, on a mount and through the client library.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use isobar_admin::{Local, LocalOptions};

/// Runs it in a directory of its own, or in the usual place where `state` says what that is.
fn demo(arguments: &[&str], state: Option<&Path>) -> Output {
    // One cluster at a time: whoever measures or tests beside this one would be in the way.
    let lock = std::fs::File::create(std::env::temp_dir().join("isobar-tests-demo.lock"))
        .expect("the lock file opens");
    lock.lock().expect("the lock is granted");
    let dir = std::env::temp_dir().join(format!("isobar-demo-{}-{}", std::process::id(), arguments.len()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_isobar"));
    command.args(["demo", "--exit", "--output", "json"]).args(arguments);
    match state {
        Some(state) => command.env("XDG_STATE_HOME", state),
        None => command.arg("--data").arg(&dir),
    };
    let output = command.output().expect("the binary runs");
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
    let report = assert_kept(&demo(&["--no-mount"], None));
    assert_eq!(report["mounted"], false);
}

/// All that is below a directory, with its bytes.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in dir.read_dir().expect("a directory").map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => found.extend(contents(&entry)),
            false => found.push((entry.clone(), std::fs::read(&entry).expect("a file"))),
        }
    }
    found.sort();
    found
}

#[test]
fn a_stopped_dev_cluster_stays_as_it_is_wherever_a_demonstration_is_played() {
    let state = tempfile::tempdir().expect("a directory");
    let isobar = state.path().join("isobar");
    // Where `dev` keeps its cluster, and where it once did, under the name that it had then.
    let clusters = [(isobar.clone(), "demo"), (isobar.join("dev"), "dev")];
    for (dir, name) in &clusters {
        let (nodes, target_bytes) = (5, 64 << 20);
        let (data_rows, parity_rows) = (None, None);
        let options = LocalOptions { nodes, target_bytes, name: (*name).to_owned(), data_rows, parity_rows };
        Local::create(dir, &options, Path::new(env!("CARGO_BIN_EXE_isobar"))).expect("a cluster");
        std::fs::create_dir(dir.join("n1")).expect("a directory");
        std::fs::write(dir.join("n1/target"), "rows").expect("a file");
    }
    let before = contents(state.path());
    assert_kept(&demo(&["--no-mount", "--nodes", "5"], Some(state.path())));
    assert!(contents(state.path()) == before, "something of a dev cluster is another one, or gone");
    for (dir, _) in clusters {
        let dir = dir.to_str().expect("a path");
        let refused =
            Command::new(env!("CARGO_BIN_EXE_isobar")).args(["demo", "--exit", "--data", dir]).output();
        let refused = refused.expect("the binary runs");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        let why = said.lines().rfind(|line| line.starts_with("isobar: ")).expect("a reason");
        assert!(!refused.status.success() && why.contains("use another --data"), "{said}");
    }
    assert!(contents(state.path()) == before, "something of a dev cluster is another one, or gone");
}

#[test]
fn two_nodes_die_and_nothing_is_lost_on_the_mount() {
    let mountable = rustix::process::geteuid().is_root() && std::path::Path::new("/dev/fuse").exists();
    let report = assert_kept(&demo(&[], None));
    assert_eq!(report["mounted"], mountable);
}
