//! Credentials and configurations that do not belong to the cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::{self, TestCluster, until};
use crate::support::SECOND;

fn isobar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// The line a failed command wrote to stderr, the log left out.
fn line(output: &Output) -> String {
    assert!(!output.status.success(), "it should fail");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: Vec<&str> = text.lines().filter(|l| l.starts_with("isobar:")).collect();
    assert_eq!(said.len(), 1, "not one line: {text}");
    said[0].to_owned()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

#[test]
fn a_stranger_is_refused_and_every_node_it_tried_says_so() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let stranger = cluster.dir().join("stranger");
    fs::create_dir(&stranger).expect("made");
    fs::copy(cluster.dir().join("cluster.toml"), stranger.join("cluster.toml")).expect("copied");
    let at = stranger.to_string_lossy().into_owned();
    let error = line(&isobar(&["status", "--cluster", &at]));
    assert!(error.contains("client.pem, which is not there"), "{error}");
    // Credentials of the same cluster, and another authority's.
    assert!(isobar(&["credentials", "renew", "--cluster", &at]).status.success());
    let error = line(&isobar(&["status", "--cluster", &at]));
    assert!(error.contains("does not belong to this cluster"), "{error}");
    let point = stranger.join("mnt");
    fs::create_dir(&point).expect("made");
    let error = line(&isobar(&["mount", &at, &point.to_string_lossy(), "--wait", "3"]));
    assert!(error.contains("does not belong to this cluster"), "{error}");
    until(5 * SECOND, "the leader's log names the stranger", || {
        cluster.log("n1").contains("stranger refused")
    });

    fs::copy(cluster.dir().join("admin.pem"), stranger.join("admin.pem")).expect("copied");
    set_mode(&stranger.join("admin.pem"), 0o644);
    let error = line(&isobar(&["status", "--cluster", &at]));
    assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
}

#[test]
fn a_client_mounts_and_is_refused_what_operators_and_nodes_do() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    let client = cluster.dir().join("client");
    fs::create_dir(&client).expect("made");
    for file in ["cluster.toml", "client.pem"] {
        fs::copy(cluster.dir().join(file), client.join(file)).expect("copied");
    }
    let at = client.to_string_lossy().into_owned();
    let shown = isobar(&["status", "--cluster", &at]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("n8"), "{shown:?}");
    for refused in [&["node", "replace", "n1", "--cluster", &at][..], &["fsck", "--cluster", &at]] {
        let error = line(&isobar(refused));
        assert!(error.contains("this takes") && error.contains("admin.pem"), "{error}");
    }
    let written = isobar(&[
        "bench",
        "ior",
        "--api",
        "native",
        "--cluster",
        &at,
        "-np",
        "1",
        "-b",
        "1m",
        "-t",
        "64k",
        "-e",
        "/",
    ]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    cluster.end();
}

#[test]
fn wrong_configurations_are_refused_in_one_line_that_says_what_to_do() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 128);
    cluster.kill("n7");
    let config = cluster.dir().join("wrong.toml");
    let text = fs::read_to_string(cluster.dir().join("n7.toml")).expect("read");
    let refusal = |text: &str| {
        fs::write(&config, text).expect("written");
        line(&isobar(&["node", "--config", &config.to_string_lossy()]))
    };
    let error = refusal(&text.replace("voter = false", "voter = false\ncolour = \"red\""));
    assert!(error.contains("unknown field `colour`") && error.contains("line "), "{error}");
    assert_eq!(error.matches("configuration:").count(), 1, "{error}");
    let error = refusal(&text.replace("version = 1", "version = 9"));
    assert!(error.contains("version 9"), "{error}");

    // The disk of another node under this one's name.
    let n8 = fs::read_to_string(cluster.dir().join("n8.toml")).expect("read");
    cluster.kill("n8");
    let error = refusal(&n8.replace("n8/target", "n7/target"));
    assert!(error.contains("belongs to node n7"), "{error}");

    set_mode(&cluster.dir().join("node.pem"), 0o644);
    let error = refusal(&text);
    assert!(error.contains("mode 644"), "{error}");
}
