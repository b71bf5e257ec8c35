//! `isobar plan` as it is run.

use std::process::Command;

fn plan(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .arg("plan")
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_terabyte_each_way_names_machines_limit_quota_and_what_it_survives() {
    let said = plan(&["--read", "1TB/s", "--write", "1TB/s", "--sizes", "L96s_v4,L160iaos_v5", "--explain"]);
    for part in [
        "339 x L96s_v4, 8+2",
        "limited by   network in 339 nodes",
        "32,544 vCPUs of Lsv4",
        "any two VMs; not a fault domain of 113",
        "eight nodes  6+2: 24.6 GB/s read + 24.6 GB/s written at once",
        "else 70 x L160iaos_v5, 8+2",
        "efficiency           80 %, assumed: ",
        "create-core-ms       0.31 core ms, measured: ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn programs_get_the_same_in_json_with_units_in_the_names() {
    let said =
        plan(&["--small-files", "1PB", "--bandwidth", "25GB/s", "--sizes", "LS96,LS192", "--output", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(plan["request"]["small_files"]["each_way_bytes_per_second"], 25_000_000_000u64);
    let first = &plan["alternatives"][0];
    assert_eq!(first["machine"]["asked_as"], "LS96");
    assert_eq!(first["limit"], "metadata");
    assert_eq!(first["needs"][0]["limit"], "capacity");
    assert_eq!(first["meets_targets"], false);
    assert_eq!(first["code"], "8+2");
    assert!(first["eight_nodes"]["both_each_way"]["bytes_per_second"].is_u64());
    assert_eq!(plan["alternatives"][1]["machine"]["status"], "unconfirmed");
    assert!(plan["assumptions"].as_array().is_some_and(|all| all.iter().all(|a| a["source"].is_string())));
}

#[test]
fn the_printed_catalogue_can_be_read_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("sizes.json");
    std::fs::write(&file, plan(&["--list-sizes", "--output", "json"])).expect("a file");
    let file = file.to_str().expect("a path");
    let listed = plan(&["--list-sizes", "--catalogue", file]);
    assert_eq!(listed, plan(&["--list-sizes"]));
    assert!(
        listed.lines().any(|line| line.starts_with("LS192 ") && line.ends_with("unconfirmed")),
        "{listed}"
    );
}

#[test]
fn what_a_suite_measured_calibrates_a_plan_and_the_plan_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let isobar = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_isobar")).args(arguments).output().expect("the binary runs")
    };
    let place = dir.path().to_str().expect("a path");
    let suite = isobar(&[
        "bench",
        "suite",
        place,
        "-np",
        "1",
        "--files",
        "20",
        "--stream-mib",
        "4",
        "--output",
        "json",
    ]);
    assert!(suite.status.success(), "{}", String::from_utf8_lossy(&suite.stderr));
    let file = dir.path().join("bench.json");
    let path = file.to_str().expect("a path");
    let arguments = ["--read", "1TB/s", "--sizes", "L96s_v4", "--calibrate", path];
    // Of a plain directory no servers are known.
    std::fs::write(&file, &suite.stdout).expect("written");
    let refused = isobar(&[&["plan"][..], &arguments].concat());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("--pids"), "{said}");

    let mut report: serde_json::Value = serde_json::from_slice(&suite.stdout).expect("JSON");
    for row in report["rows"].as_array_mut().expect("rows") {
        (row["watched_servers"], row["cost"]) = (8.into(), 1.25.into());
    }
    std::fs::write(&file, report.to_string()).expect("written");
    let said = plan(&arguments);
    for part in ["calibrated    write-core-seconds 1.25 core s/GiB", "not modelled  latencies"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
