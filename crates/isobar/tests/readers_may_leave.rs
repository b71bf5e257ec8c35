//! `isobar … | head`: whoever reads what a command prints may leave. It then ends as SIGPIPE ends others.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// A pipe whose reader has left.
fn nobody_reads() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Runs a command whose standard output nobody reads, with a local cluster that is not there as the default.
/// Gives the exit code and what it says on standard error.
fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(arguments)
        .env_remove("ISOBAR_CLUSTER")
        .env("XDG_STATE_HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(nobody_reads())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    (child.wait().expect("it ends").code(), said)
}

/// A cluster of five nodes in `dir`, none of which runs.
fn stopped_cluster(dir: &Path) -> String {
    let out = dir.join("cluster").to_str().expect("a path").to_owned();
    let nodes = "n1=127.0.0.1:9,n2=127.0.0.2:9,n3=127.0.0.3:9,n4=127.0.0.4:9,n5=127.0.0.5:9";
    let made = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["init", "--nodes", nodes, "--out", &out])
        .output()
        .expect("the binary runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::create_dir(Path::new(&out).join("run")).expect("the mark of a local cluster");
    out
}

#[test]
fn a_reader_that_leaves_gets_no_complaint_from_any_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let cluster = stopped_cluster(dir.path());
    let other = dir.path().join("other").to_str().expect("a path").to_owned();
    let bench = dir.path().join("bench");
    std::fs::create_dir(&bench).expect("a directory");
    let bench = bench.to_str().expect("a path");
    let commands: [&[&str]; 8] = [
        &["plan", "--read", "1TB/s", "--output", "json"],
        &["plan", "--list-sizes"],
        &["init", "--nodes", "a:1,b:1,c:1,d:1,e:1", "--out", &other],
        &["status", "--cluster", &cluster],
        &["status", "--cluster", &cluster, "--output", "json"],
        &["dev", "status", "--data", &cluster],
        &["validate", "--print-targets"],
        &["bench", "ior", "-np", "1", "-F", "-t", "4k", "-b", "4k", bench],
    ];
    for arguments in commands {
        let (code, said) = unread(arguments);
        assert_eq!(code, Some(141), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert_eq!(
        std::fs::read_dir(bench).expect("a directory").count(),
        0,
        "the files are removed all the same"
    );
}

#[test]
fn a_command_is_carried_out_though_nobody_reads_its_steps() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a path");
    let mut child = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["bench", "ior", "-np", "1", "-F", "-t", "4k", "-b", "4k", path])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(nobody_reads())
        .spawn()
        .expect("the binary runs");
    let mut said = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("it ends").success(), "{said}");
    assert!(said.contains("write"), "{said}");
}
