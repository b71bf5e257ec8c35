//! Making and removing a cluster on this machine, cut off at any moment and done again.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Stage, WAITS, cut_off, here, options, processes_with, program, serves};
use isobar_admin::{Local, LocalError, LocalOptions, Removed};

/// Makes and removes a cluster, again and again, when it is told where.
#[test]
fn a_copy_makes_and_removes() {
    let Some(dir) = here() else { return };
    loop {
        Local::create(&dir, &options(), &program()).unwrap();
        assert_eq!(Local::remove(&dir, WAITS).unwrap(), Removed::default());
    }
}

#[test]
fn whatever_moment_it_is_killed_at_the_next_one_makes_it_or_removes_it() {
    let stage = Stage::new();
    let begun = Instant::now();
    let local = stage.create();
    Local::remove(&local.dir, WAITS).unwrap();
    let once = begun.elapsed();
    for step in 0..24 {
        let after = Duration::from_millis(10) + once * step / 12;
        cut_off("a_copy_makes_and_removes", &stage.dir(), after);
        if step % 2 == 0 {
            let local = stage.create();
            assert_eq!(local.names().count(), 3, "killed after {after:?}");
            assert!(!Local::is_unfinished(&local.dir));
        }
        assert_eq!(Local::remove(&stage.dir(), WAITS).unwrap(), Removed::default());
        assert!(!stage.dir().exists(), "killed after {after:?}");
    }
}

#[test]
fn a_directory_in_which_nothing_was_made_yet_or_is_left_goes() {
    let stage = Stage::new();
    fs::create_dir(stage.dir()).unwrap();
    assert_eq!(Local::remove(&stage.dir(), WAITS).unwrap(), Removed::default());
    assert!(!stage.dir().exists());
    fs::create_dir(stage.dir()).unwrap();
    fs::write(stage.dir().join("cluster.toml.unfinished.new"), "version = ").unwrap();
    assert_eq!(Local::remove(&stage.dir(), WAITS).unwrap(), Removed::default());
    assert!(!stage.dir().exists());
}

#[test]
fn what_was_cut_off_before_the_cluster_file_is_begun_anew() {
    let stage = Stage::new();
    let before = stage.create();
    let dir = &before.dir;
    fs::rename(dir.join("cluster.toml"), dir.join("cluster.toml.unfinished")).unwrap();
    fs::remove_file(dir.join("n3.toml")).unwrap();
    assert!(!Local::is_in(dir) && Local::is_unfinished(dir));
    assert!(matches!(Local::load(dir, &program()), Err(LocalError::NotLocal { .. })));
    let after = stage.create();
    assert_ne!(after.spec.cluster, before.spec.cluster);
    assert!(dir.join("n3.toml").exists() && !Local::is_unfinished(dir));

    // Cut off between the cluster file and the end of it: it is all there.
    fs::copy(dir.join("cluster.toml"), dir.join("cluster.toml.unfinished")).unwrap();
    assert_eq!(stage.create().spec, after.spec);
    assert!(!Local::is_unfinished(dir));

    // Nothing but the torn first file.
    Local::remove(dir, WAITS).unwrap();
    fs::create_dir(dir).unwrap();
    fs::write(dir.join("cluster.toml.unfinished.new"), "version = ").unwrap();
    assert_eq!(stage.create().spec.node.len(), 3);
}

#[test]
fn the_same_twice_is_one_and_other_options_are_refused() {
    let stage = Stage::new();
    let first = stage.create();
    assert_eq!(stage.create().spec, first.spec);
    let same = LocalOptions { data_rows: Some(2), parity_rows: Some(1), ..options() };
    assert_eq!(Local::create(&first.dir, &same, &program()).unwrap().spec, first.spec);
    for (other, differs) in [
        (LocalOptions { nodes: 4, ..options() }, "nodes"),
        (LocalOptions { name: "other".to_owned(), ..options() }, "name"),
        (LocalOptions { data_rows: Some(1), ..options() }, "data rows"),
        (LocalOptions { nodes: 5, parity_rows: Some(2), ..options() }, "nodes"),
        (LocalOptions { target_bytes: 65 << 20, ..options() }, "target bytes"),
    ] {
        match Local::create(&first.dir, &other, &program()) {
            Err(LocalError::OtherOptions { what, .. }) => assert_eq!(what, differs),
            found => panic!("{found:?}"),
        }
    }
    assert_eq!(Local::load(&first.dir, &program()).unwrap().spec, first.spec);
}

#[test]
fn two_who_make_it_at_the_same_time_make_one() {
    let stage = Stage::new();
    let made: Vec<Local> = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| stage.create()));
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made[0].spec, made[1].spec);
}

#[test]
fn a_cluster_that_cannot_be_is_refused_before_anything_is_made() {
    let stage = Stage::new();
    for impossible in [
        LocalOptions { nodes: 2, ..options() },
        LocalOptions { nodes: 65, ..options() },
        LocalOptions { target_bytes: 1, ..options() },
        LocalOptions { parity_rows: Some(2), ..options() },
        LocalOptions { data_rows: Some(3), ..options() },
        LocalOptions { name: "../x".to_owned(), ..options() },
    ] {
        assert!(Local::create(&stage.dir(), &impossible, &program()).is_err(), "{impossible:?}");
        assert!(!stage.dir().exists());
    }
}

fn everything_in(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn what_is_somebody_elses_is_neither_filled_nor_removed() {
    let stage = Stage::new();
    let dir = stage.dir();
    fs::create_dir(&dir).unwrap();
    for (name, of) in
        [("thesis.txt", "a file"), ("log", "a name of ours"), ("cluster.toml", "no local cluster")]
    {
        fs::write(dir.join(name), "precious").unwrap();
        assert!(Local::create(&dir, &options(), &program()).is_err(), "{of}");
        assert!(matches!(Local::remove(&dir, WAITS), Err(LocalError::NotLocal { .. })), "{of}");
        assert_eq!(everything_in(&dir), [name], "{of}");
        fs::remove_file(dir.join(name)).unwrap();
    }
    // A cluster of other machines.
    let local = stage.create();
    let text = fs::read_to_string(dir.join("cluster.toml")).unwrap();
    fs::write(dir.join("cluster.toml"), text.replace("127.0.0.1", "10.0.0.1")).unwrap();
    assert!(matches!(Local::remove(&dir, WAITS), Err(LocalError::NotLocal { .. })));
    assert!(local.dir.join("n1.toml").exists());
}

#[test]
fn it_is_removed_with_its_processes_and_without_what_others_put_beside_it() {
    let stage = Stage::new();
    let local = stage.create();
    local.start_node("n1", false).unwrap();
    serves(&local, "n1");
    fs::write(local.dir.join("report.html"), "mine").unwrap();
    fs::write(local.mount_point().join("kept"), "mine, too").unwrap();
    let left = Local::remove(&local.dir, WAITS).unwrap().left;
    assert_eq!(left, [local.dir.join("mnt"), local.dir.join("report.html")]);
    assert_eq!(everything_in(&local.dir), ["mnt", "report.html"]);
    assert_eq!(processes_with(&local.dir), []);
    assert!(matches!(Local::remove(&local.dir, WAITS), Err(LocalError::NotLocal { .. })));

    fs::remove_dir_all(&local.dir).unwrap();
    assert_eq!(Local::remove(&local.dir, WAITS).unwrap(), Removed::default());
}
