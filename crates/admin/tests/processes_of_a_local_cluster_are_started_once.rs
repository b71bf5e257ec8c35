//! Processes of a cluster on this machine: which is whose, starting, stopping, taking disks away.

mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Stage, cut_off, here, kill, processes_with, program, serves, starts, until};
use isobar_admin::{Local, LocalError, MOUNT};

#[test]
fn a_node_that_runs_is_not_started_again() {
    let stage = Stage::new();
    let local = stage.create();
    assert_eq!(local.pid("n1"), None);
    let first = local.start_node("n1", false).unwrap();
    assert!(first.is_new);
    assert_eq!(local.pid("n1"), Some(first.pid));
    let again = local.start_node("n1", false).unwrap();
    assert_eq!((again.pid, again.is_new), (first.pid, false));
    assert!(local.is_running("n1") && !local.is_running("n2"));
}

#[test]
fn two_starters_start_one_process() {
    let stage = Stage::new();
    stage.create();
    let load = || Local::load(&stage.dir(), &program()).unwrap();
    let started = std::thread::scope(|scope| {
        let both = [0; 4].map(|_| scope.spawn(|| load().start_node("n2", false).unwrap()));
        both.map(|one| one.join().unwrap())
    });
    assert!(started.iter().all(|one| one.pid == started[0].pid), "{started:?}");
    assert_eq!(started.iter().filter(|one| one.is_new).count(), 1);
    serves(&load(), "n2");
    assert_eq!(starts(&load(), "n2"), 1);
}

/// Starts a node, when it is told where.
#[test]
fn a_copy_starts_a_node() {
    let Some(dir) = here() else { return };
    Local::load(&dir, &program()).unwrap().start_node("n1", false).unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn whatever_moment_a_starter_is_killed_at_its_process_is_found() {
    let stage = Stage::new();
    let local = stage.create();
    for step in 0..24 {
        cut_off("a_copy_starts_a_node", &local.dir, Duration::from_micros(1000 + 400 * step));
        local.start_node("n1", false).unwrap();
        let config = local.dir.join("n1.toml");
        until("it says that it was started", || starts(&local, "n1") == 1);
        // For a moment what the script starts is a copy of it.
        let pid = local.pid("n1").unwrap();
        until("there is one process", || processes_with(&config) == [pid]);
        assert_eq!(starts(&local, "n1"), 1, "killed at step {step}");
        local.stop("n1").unwrap();
        fs::remove_file(local.log("n1").with_extension("starts")).unwrap();
    }
}

#[test]
fn a_process_with_a_similar_path_is_not_ours() {
    let stage = Stage::new();
    let local = stage.create();
    let config = local.dir.join("n1.toml");
    for other in [format!("{}2", config.display()), format!("/other{}", config.display())] {
        let mut child = Command::new("sh")
            .arg0("isobar")
            .args(["-c", "read line; :", "node", "--config", &other])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        fs::write(local.dir.join("run/n1.pid"), child.id().to_string()).unwrap();
        let pid = local.pid("n1");
        local.stop("n1").unwrap();
        assert!(!local.kill_node("n1").unwrap());
        assert!(child.try_wait().unwrap().is_none(), "it was left alone");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(pid, None, "{other}");
    }
}

#[test]
fn a_process_that_has_ended_does_not_run_even_when_nobody_waits_for_it() {
    let stage = Stage::new();
    let local = stage.create();
    let config = local.dir.join("n1.toml");
    let mut child = Command::new(program()).args(["node", "--config"]).arg(&config).spawn().unwrap();
    fs::write(local.dir.join("run/n1.pid"), child.id().to_string()).unwrap();
    serves(&local, "n1");
    assert_eq!(local.pid("n1"), Some(child.id()));
    kill(child.id());
    until("it is dead", || local.pid("n1").is_none());
    assert!(local.start_node("n1", false).unwrap().is_new, "a zombie is in nobody's way");
    child.wait().unwrap();

    // Of what we start ourselves nothing is left.
    let pid = local.pid("n1").unwrap();
    kill(pid);
    until("it is waited for", || !std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn stopping_insists() {
    let stage = Stage::new();
    let mut local = stage.create();
    local.waits.stop = Duration::from_millis(300);
    fs::write(local.dir.join("n1.stubborn"), "").unwrap();
    for name in ["n1", "n2"] {
        local.start_node(name, false).unwrap();
        serves(&local, name);
    }
    let begun = Instant::now();
    local.stop("n1").unwrap();
    assert!(begun.elapsed() >= local.waits.stop, "it was asked first");
    assert!(!local.is_running("n1") && local.is_running("n2"));
    local.stop("n1").unwrap();

    local.stop_all().unwrap();
    assert!(local.names().all(|name| !local.is_running(name)));
    assert_eq!(local.last_words("n2"), "asked to stop");
    assert!(local.last_words("n1").contains("log/n1.log"), "it said nothing");
}

#[test]
fn a_power_cut_is_one() {
    let stage = Stage::new();
    let local = stage.create();
    local.start_node("n1", false).unwrap();
    serves(&local, "n1");
    assert!(local.kill_node("n1").unwrap());
    until("it is dead", || !local.is_running("n1"));
    assert!(!local.kill_node("n1").unwrap(), "again is harmless");
    assert!(local.last_words("n1").contains("log/n1.log"), "it had no time for words");
    assert!(matches!(local.kill_node("n9"), Err(LocalError::NoSuchNode { .. })));
}

#[test]
fn disks_are_taken_away_from_a_node_that_does_not_run() {
    let stage = Stage::new();
    let local = stage.create();
    let (n1, n2) = (local.dir.join("n1"), local.dir.join("n2"));
    for name in ["n1", "n2"] {
        local.start_node(name, false).unwrap();
        serves(&local, name);
    }
    assert!(matches!(local.blank_disks("n1"), Err(LocalError::NodeRuns { .. })));
    assert!(n1.join("target").exists());
    local.stop("n1").unwrap();
    local.blank_disks("n1").unwrap();
    local.blank_disks("n1").unwrap();
    assert!(!n1.exists() && n2.join("target").exists() && local.dir.join("n1.toml").exists());

    // Cut off: what was on its way out is gone before it starts again.
    fs::create_dir_all(local.dir.join("n1.gone/meta")).unwrap();
    local.start_node("n1", false).unwrap();
    assert!(!local.dir.join("n1.gone").exists());
    local.stop("n1").unwrap();

    // Somebody moved its target.
    let config = local.dir.join("n1.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("n1/target", "n2/target")).unwrap();
    assert!(matches!(local.blank_disks("n1"), Err(LocalError::OtherFiles { .. })));
    assert!(n2.join("target").exists());
}

#[test]
fn what_cannot_start_says_why() {
    let stage = Stage::new();
    let local = stage.create();
    let nothing = Local::load(&local.dir, "/nonexistent/isobar".as_ref()).unwrap();
    assert!(matches!(nothing.start_node("n1", false), Err(LocalError::NoProgram { .. })));
    assert!(matches!(local.start_node("n9", false), Err(LocalError::NoSuchNode { .. })));
    assert!(matches!(local.start_node("../n1", false), Err(LocalError::NoSuchNode { .. })));

    fs::write(local.dir.join("mount.fails"), "").unwrap();
    let point = stage.root.path().join("elsewhere");
    local.start_mount(&point, false).unwrap();
    match local.await_mount(&point) {
        Err(LocalError::Ended { last_words, .. }) => assert_eq!(last_words, "the device of mount is gone"),
        found => panic!("{found:?}"),
    }
    assert!(point.is_dir());

    fs::remove_file(local.dir.join("mount.fails")).unwrap();
    let started = local.start_mount(&point, false).unwrap();
    let again = local.start_mount(&point, false).unwrap();
    assert_eq!((again.pid, again.is_new), (started.pid, false));
    let other = local.start_mount(&local.mount_point(), false);
    assert!(matches!(other, Err(LocalError::MountedElsewhere { point: p }) if p == point));
    let mut hasty = local.clone();
    hasty.waits.mount = Duration::from_millis(50);
    assert!(matches!(hasty.await_mount(&point), Err(LocalError::NotMounted { .. })));
    local.stop(MOUNT).unwrap();
    assert!(!local.is_running(MOUNT));
}
