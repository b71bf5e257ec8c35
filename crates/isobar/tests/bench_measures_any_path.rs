//! `isobar bench` with real processes: on a plain directory, and on a small cluster through the client
//! library and through its mount.

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::TestCluster;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("bench")
        .args(arguments)
        .env_remove("ISOBAR_CLUSTER")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_str(&text(output)).expect("JSON")
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).expect("a directory").next().is_none()
}

/// One line that says what to change, exit code 1, and nothing left in the directory.
fn refused(arguments: &[&str], with: &str, dir: &Path) {
    let output = bench(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let lines: Vec<&str> = said.lines().filter(|l| l.starts_with("isobar: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(with), "{arguments:?}: {said}");
    assert!(is_empty(dir), "{arguments:?} left something behind");
}

#[test]
fn each_workload_runs_with_real_processes_and_leaves_nothing() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path().to_str().expect("a path");

    let ior = text(&bench(&["ior", "-np", "3", "-wrR", "-F", "-t64k", "-b", "1m", "-e", "-C", dir]));
    assert!(ior.contains("access              : file-per-process\n"), "{ior}");
    assert!(ior.contains("\nMax Write: ") && ior.contains("\nMax Read:  "), "{ior}");
    assert!(ior.contains("3.0 MiB byte by byte; all right"), "{ior}");
    let hard = [
        "ior", "-np", "2", "-t", "47008", "-b", "47008", "-s", "20", "-W", "-w", "-r", "-z", dir, "--output",
        "json",
    ];
    let hard = json(&bench(&hard));
    assert_eq!(hard["iterations"][0]["write"]["written"]["bytes"], 2 * 20 * 47_008);
    assert_eq!(hard["iterations"][0]["check_write"]["verified"]["bytes"], 2 * 20 * 47_008);
    assert_eq!(hard["wrong"], 0);

    let mdtest =
        text(&bench(&["mdtest", "-np", "2", "-n", "20", "-u", "-N", "1", "-w", "3901", "-e", "3901", dir]));
    for row in [
        "Directory creation",
        "Directory stat",
        "Directory removal",
        "File creation",
        "File stat",
        "File read",
        "File removal",
        "Tree creation",
        "Tree removal",
    ] {
        assert!(mdtest.lines().any(|l| l.starts_with(&format!("   {row} "))), "{row}: {mdtest}");
    }
    assert!(mdtest.contains("2 tasks, 40 files/directories"), "{mdtest}");

    let mixed = json(&bench(&[
        "mixed",
        "-b",
        "4m",
        "-t",
        "64k",
        "-D",
        "1.2",
        "--files-kept",
        "2",
        dir,
        "--output",
        "json",
    ]));
    assert!(mixed["overlap"]["read"]["bytes"].as_u64() > Some(0), "{mixed:#}");
    assert!(mixed["overlap"]["written"]["bytes"].as_u64() > Some(0), "{mixed:#}");
    assert_eq!(mixed["mixed"]["verified"]["bytes"], mixed["mixed"]["read"]["bytes"]);
    assert_eq!(mixed["wrong"], 0);

    let smallfile = text(&bench(&["smallfile", "-n", "30", "--mix", "4k:3,64k:1", dir]));
    assert!(smallfile.contains("all right"), "{smallfile}");

    let suite = json(&bench(&["suite", dir, "--stream-mib", "2", "--files", "10", "--output", "json"]));
    assert_eq!(suite["rows"].as_array().map(Vec::len), Some(9));
    assert!(is_empty(temporary.path()));
}

#[test]
fn what_was_kept_is_read_by_another_run_and_damage_is_an_error() {
    let temporary = tempfile::tempdir().expect("a directory");
    let file = temporary.path().join("kept");
    let name = file.to_str().expect("a path");
    text(&bench(&["ior", "-w", "-k", "-o", name, "-np", "2"]));
    text(&bench(&["ior", "-r", "-R", "-k", "-o", name, "-np", "2"]));
    let mut bytes = std::fs::read(&file).expect("it was kept");
    bytes[1_234_567] ^= 0x80;
    std::fs::write(&file, &bytes).expect("damaged");
    let output = bench(&["ior", "-r", "-R", "-k", "-o", name, "-np", "2"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 reads gave wrong bytes"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("at 1234567: "));
}

#[test]
fn bad_input_gets_one_line_and_leaves_nothing() {
    let temporary = tempfile::tempdir().expect("a directory");
    let at = temporary.path();
    let dir = at.to_str().expect("a path");
    refused(&["ior", "/nonexistent"], "is not a directory", at);
    refused(&["ior", "/etc/passwd"], "is not a directory", at);
    refused(&["ior"], "-o FILE", at);
    refused(&["ior", "-b", "10m", "-t", "3m", dir], "-b 12582912", at);
    refused(&["ior", "-C", "-Z", dir], "give one of them", at);
    refused(&["ior", "-b", "100t", dir], "free", at);
    refused(&["ior", "--api", "native", dir], "--cluster", at);
    refused(&["ior", "--api", "native", "--cluster", "/nonexistent", "/x"], "/nonexistent", at);
    refused(&["ior", "--pids", "4000000000", dir], "no such process", at);
    refused(&["ior", "--cold", "false", dir], "'false' failed", at);
    refused(&["mdtest", dir], "-n", at);
    refused(&["mdtest", "-n", "5", "-e", "10", dir], "-w", at);
    refused(&["mixed", "--readers", "0", dir], "at least one reader", at);
    refused(&["smallfile", "-n", "0", dir], "-n must not be 0", at);
}

#[test]
fn a_full_file_system_gets_one_line_and_is_empty_again() {
    if common::skip(&["mount"]) {
        return;
    }
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path().to_str().expect("a path");
    common::shell(&format!("mount -t tmpfs -o size=8m none {dir}"));
    // Each stays below what is free, both together do not: the room runs out half way.
    let output = bench(&[
        "ior",
        "-np",
        "2",
        "-F",
        "-w",
        "-E",
        "-t",
        "64k",
        "-b",
        "3m",
        "-i",
        "1",
        "-o",
        &format!("{dir}/a"),
    ]);
    let fits = output.status.success();
    common::shell(&format!("rm -f {dir}/*; head -c 6000000 /dev/zero > {dir}/other"));
    refused_on(
        &["mdtest", "-np", "2", "-F", "-n", "1000", "-w", "4000", "-d", &format!("{dir}/new")],
        "free",
    );
    refused_on(&["smallfile", "-np", "2", "-n", "20", "--mix", "100k:1000,1m:1", dir], "space");
    let left: Vec<_> =
        std::fs::read_dir(dir).expect("a directory").flatten().map(|e| e.file_name()).collect();
    common::shell(&format!("umount {dir}"));
    assert!(fits, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(left, ["other"]);
}

fn refused_on(arguments: &[&str], with: &str) {
    let output = bench(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let lines: Vec<&str> = said.lines().filter(|l| l.starts_with("isobar: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(with), "{arguments:?}: {said}");
}

#[test]
fn interrupting_a_measurement_removes_what_it_wrote() {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = temporary.path();
    let mut child = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["bench", "mixed", "-b", "1m", "-D", "60", "--files-kept", "2"])
        .arg(dir)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary runs");
    common::until(std::time::Duration::from_secs(60), "it writes", || !is_empty(dir));
    let pid = rustix::process::Pid::from_raw(child.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert!(is_empty(dir));
}

#[test]
fn a_cluster_is_measured_through_the_client_library_and_through_its_mount() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(5, 512);
    let dir = cluster.dir().to_str().expect("a path").to_owned();
    let native = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--api", "native", "--cluster", &dir, "--output", "json"]);
        json(&bench(&all))
    };
    let ior = native(&["ior", "-np", "2", "-wrR", "-C", "-t", "47008", "-b", "94016", "-s", "10", "-e", "/"]);
    assert_eq!(ior["place"]["api"], "NATIVE");
    assert_eq!(ior["iterations"][0]["read"]["verified"]["bytes"], 2 * 10 * 94_016);
    assert_eq!(ior["wrong"], 0);
    assert_eq!(ior["iterations"][0]["write"]["cpu"]["watched"], 5, "its nodes are found");
    let mdtest = native(&["mdtest", "-np", "2", "-n", "10", "-w", "3901", "-e", "3901", "-N", "1", "/"]);
    assert_eq!(mdtest["iterations"][0].as_array().map(Vec::len), Some(9));
    assert_eq!(mdtest["wrong"], 0);
    let mixed = native(&["mixed", "-b", "8m", "-t", "256k"]);
    assert_eq!(mixed["verify"]["verified"]["bytes"], 8 << 20);
    let smallfile = native(&["smallfile", "-n", "20"]);
    assert_eq!(smallfile["wrong"], 0);

    let mount = cluster.mount().to_str().expect("a path").to_owned();
    let mounted =
        json(&bench(&["ior", "-F", "-wr", "-b", "4m", "-t", "1m", "-e", &mount, "--output", "json"]));
    assert_eq!(mounted["place"]["mount"]["kind"], "fuse.isobar");
    assert_eq!(mounted["iterations"][0]["write"]["cpu"]["watched"], 6, "its mount and its nodes are found");
    assert!(is_empty(cluster.mount()));
    cluster.end();
}
