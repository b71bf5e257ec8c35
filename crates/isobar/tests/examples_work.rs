//! The examples at the end of every `--help`: those that need no cluster are run as they stand.

use std::process::{Command, Output};

fn isobar(directory: &std::path::Path, command: &str) -> Output {
    Command::new("bash")
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", format!("{}:/usr/bin:/bin", bin_dir()))
        .env_remove("ISOBAR_CLUSTER")
        .output()
        .expect("bash runs")
}

fn bin_dir() -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_isobar"));
    binary.parent().expect("a directory").to_str().expect("a path").to_owned()
}

/// The examples of a command, continued lines joined.
fn examples(command: &str) -> Vec<String> {
    let help = isobar(std::path::Path::new("/"), &format!("{command} --help"));
    let help = String::from_utf8(help.stdout).expect("text").replace("\\\n", " ");
    let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
    lines.filter(|line| line.trim_start().starts_with("isobar ")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn examples_that_need_no_cluster_do_what_they_say() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut run = 0;
    for command in ["isobar init", "isobar plan", "isobar validate"] {
        for example in examples(command) {
            if example.starts_with("isobar validate") && !example.contains("--print-targets") {
                continue;
            }
            let said = isobar(dir.path(), &example);
            assert!(said.status.success(), "{example}: {}", String::from_utf8_lossy(&said.stderr));
            run += 1;
        }
    }
    assert!(run >= 6, "{run} examples");
    let made = std::fs::read_to_string(dir.path().join("cluster/n1.toml")).expect("init's example makes it");
    assert_eq!(made.matches("[[target]]").count(), 2, "{made}");
    assert!(!made.contains("size_bytes"), "a device has the size it has: {made}");
}
