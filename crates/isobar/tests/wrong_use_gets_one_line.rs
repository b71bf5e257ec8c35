//! Bad input: one clear line that says what to do, and an exit code that is not 0.

use std::path::Path;
use std::process::{Command, Output};

fn isobar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(arguments)
        .env_remove("ISOBAR_CLUSTER")
        .env("XDG_STATE_HOME", "/nonexistent")
        .output()
        .expect("the binary runs")
}

fn refused(arguments: &[&str], with: &str) {
    let output = isobar(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{arguments:?}: {said}");
    assert!(said.starts_with("isobar: ") && said.contains(with), "{arguments:?}: {said}");
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    refused(&["status"], "--cluster PATH");
    refused(&["fsck", "--cluster", "/nonexistent/cluster.toml"], "/nonexistent/cluster.toml");
    refused(&["mount", "/nonexistent", "/tmp"], "name the cluster's directory");
    refused(&["status", "--log", "nonsense=["], "--log or ISOBAR_LOG 'nonsense=['");
    refused(&["bench", "suite", "--files", "0", "/tmp"], "--files 0: at least 1");
    refused(&["dev", "status", "--data", "/nonexistent"], "isobar dev up");
    refused(&["node"], "--config FILE");
    refused(
        &["control", "--marketplace", "/nonexistent/m.toml"],
        "--marketplace /nonexistent/m.toml: No such",
    );
    refused(&["bench", "ior", "/nonexistent"], "not a directory");
}

#[test]
fn a_cluster_that_cannot_keep_the_promise_is_not_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("cluster");
    let out = out.to_str().expect("a path");
    refused(&["init", "--nodes", "a:1,b:1", "--out", out], "nodes");
    refused(&["init", "--nodes", "nonsense", "--out", out], "HOST:PORT");
    let five = "b:1,c:1,d:1,e:1";
    for (first, with) in [
        ("cluster=a:1", "cannot be named cluster"),
        ("a:0", "port 0"),
        ("n1=0.0.0.0:7420", "all addresses"),
        ("n1=[::]:7420", "all addresses"),
        (" a:1", "HOST:PORT"),
        ("n1= a:1", "HOST:PORT"),
        ("b=a:1", "two nodes are named b"),
        ("n1=b:1", "one address"),
        ("", "HOST:PORT"),
    ] {
        refused(&["init", "--nodes", &format!("{first},{five}"), "--out", out], with);
    }
    let good = format!("a:1,{five}");
    refused(
        &["init", "--nodes", &good, "--out", out, "--target", "/nonexistent/*"],
        "--target /nonexistent/*",
    );
    refused(&["init", "--nodes", &good, "--out", out, "--target-mib", "1"], "at least 64 MiB");
    refused(&["init", "--nodes", &good, "--out", out, "--name", "a b"], "--name 'a b'");
    refused(&["init", "--nodes", &good, "--out", out, "--parity-rows", "9"], "between 1 and 4");
    refused(&["init", "--nodes", &good, "--out", out, "--data-rows", "9"], "at least 11 nodes");
    refused(&["dev", "up", "--nodes", "2", "--data", out], "from 3 to 64");
    refused(&["dev", "up", "--nodes", "999999", "--data", out], "from 3 to 64");
    assert!(!Path::new(out).exists());
    refused(&["demo", "--nodes", "4", "--exit"], "5 nodes or more");
    refused(&["demo", "--nodes", "999", "--exit", "--data", out], "from 3 to 64");
    assert!(!Path::new(out).exists());
}

#[test]
fn init_makes_all_that_nodes_need_and_never_overwrites_an_identity() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("cluster");
    let path = out.to_str().expect("a path");
    let nodes = "n1=h1:7420,n2=h2:7420,n3=h3:7420,n4=h4:7420,n5=h5:7420,n6=h6:7420,n7=h7:7420,n8=h8:7420";
    let arguments = ["init", "--nodes", nodes, "--out", path, "--output", "json"];
    let output = isobar(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spec: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(spec["data_rows"], 6);
    for name in ["cluster.toml", "n1.toml", "n8.toml"] {
        assert!(out.join(name).exists(), "{name}");
    }
    use std::os::unix::fs::PermissionsExt;
    for name in ["node.pem", "client.pem", "admin.pem"] {
        let mode = std::fs::metadata(out.join(name)).expect("a credential").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    refused(&arguments, "exists");
    std::fs::remove_file(out.join("cluster.toml")).expect("removed");
    refused(&arguments, "another cluster's");
}

#[test]
fn what_leaves_the_machine_is_encrypted_unless_told_otherwise() {
    let dir = tempfile::tempdir().expect("a directory");
    let here = "a=127.0.0.1:7420,b=[::1]:7421,c=localhost:7422";
    let there = "a=127.0.0.1:7420,b=[::1]:7421,c=h3:7422";
    let told = ["--encrypt", "false"];
    for (at, (nodes, more, encrypted)) in
        [(here, &[][..], false), (there, &[], true), (there, &told, false)].into_iter().enumerate()
    {
        let out = dir.path().join(at.to_string());
        let mut arguments = vec!["init", "--parity-rows", "1", "--output", "json", "--nodes", nodes, "--out"];
        arguments.push(out.to_str().expect("a path"));
        arguments.extend(more);
        let output = isobar(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let spec: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(spec["encrypt"], encrypted, "{nodes}");
    }
}

#[test]
fn a_plan_that_cannot_be_made_says_what_to_change() {
    refused(&["plan"], "--read 1TB/s");
    refused(&["plan", "--read", "1TB"], "--read: \"1TB\" is not a bandwidth");
    refused(&["plan", "--read", "-1TB/s"], "--read");
    refused(&["plan", "--read", "1tb/s"], "bits or bytes");
    refused(&["plan", "--capacity", "1P"], "PB");
    refused(&["plan", "--read", "1TB/s", "--code", "20+9"], "1 to 16 data rows");
    refused(&["plan", "--read", "1TB/s", "--sizes", "L96_v4"], "perhaps L96s_v4");
    refused(&["plan", "--read", "1TB/s", "--bandwidth", "1TB/s"], "--bandwidth is both");
    refused(&["plan", "--read", "1TB/s", "--nodes", "8"], "either targets or --nodes");
    refused(&["plan", "--read", "1TB/s", "--file-size", "1MiB"], "--small-files");
    refused(&["plan", "--read", "1TB/s", "--vcpu-quota", "768"], "--vcpu-quota");
    refused(&["plan", "--read", "1TB/s", "--assume", "eficiency=1"], "use efficiency");
    refused(&["plan", "--read", "1TB/s", "--catalogue", "/nonexistent.json"], "/nonexistent.json");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("sizes.json");
    let size = r#"{"name": "x", "series": "s", "status": "documented", "source": "offer", "vcpu": 4}"#;
    std::fs::write(&file, format!(r#"{{"schema": 1, "sizes": [{size}]}}"#)).expect("a file");
    let file = file.to_str().expect("a path");
    refused(&["plan", "--read", "1TB/s", "--catalogue", file], "unknown field \"vcpu\", perhaps \"vcpus\"");
}

#[test]
fn a_validation_that_cannot_be_made_says_what_to_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_str().expect("a path").to_owned();
    let write = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("a file");
        path(name)
    };
    let typo = write("typo.toml", "[streams]\neach_way_mn = \"1GB/s\"\n");
    refused(
        &["validate", "--targets", &typo],
        "line 2: there is no target each_way_mn here: did you mean each_way_min",
    );
    let contradiction = write("both.toml", "[streams]\neach_way_min = \"2GB/s\"\nread_min = \"1GB/s\"\n");
    refused(&["validate", "--targets", &contradiction], "read_min is less than each_way_min");
    refused(&["validate", "--targets", "/nonexistent.toml"], "/nonexistent.toml");
    refused(&["validate"], "--cluster PATH");

    let nodes = "n1=h1:7420,n2=h2:7420,n3=h3:7420,n4=h4:7420,n5=h5:7420";
    assert!(isobar(&["init", "--nodes", nodes, "--out", &path("c")]).status.success());
    let cluster = path("c");
    let refused =
        |more: &[&str], with: &str| refused(&[&["validate", "--cluster", &cluster], more].concat(), with);
    refused(&[dir.path().to_str().expect("a path")], "is not on a mount of Isobar");
    refused(&["/nonexistent"], "/nonexistent");
    refused(&["--report", "/nonexistent/report.html"], "--report /nonexistent/report.html");
    refused(&["--drill-node", "n9"], "choose one of n1, n2");
    refused(&["--drill-seconds", "3"], "--skip drill");
    refused(&["--file-size", "1parsec"], "--file-size");
    refused(&["--skip", "network,devices,benchmarks,drill"], "everything is skipped");
    let output = isobar(&["validate", "--print-targets"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("# each_way_min"));
    assert_eq!(isobar(&["validate", "--stop-node", "true"]).status.code(), Some(2));
}

#[test]
fn wrong_usage_exits_with_two() {
    assert_eq!(isobar(&["nonsense"]).status.code(), Some(2));
    assert_eq!(isobar(&["mount"]).status.code(), Some(2));
}
