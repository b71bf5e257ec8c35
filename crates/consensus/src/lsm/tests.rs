use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

use isobar_base::{Kv, KvRead, MemoryKv, state_hash};
use proptest::prelude::*;

use super::{Applied, StateStore, export, pointer};
use crate::ids::{log_id, next_index};
use crate::snapshot::SnapshotHeader;
use crate::{GroupConfig, Member};

fn config(dir: &Path) -> GroupConfig {
    let me = Member { id: 9, ..Member::default() };
    GroupConfig { checkpoint_every_ms: 1_000_000, cache_bytes: 8 << 20, ..GroupConfig::new(dir, me, 5) }
}

fn put(store: &StateStore, index: u64, kv: &mut MemoryKv) {
    let (key, value) = (format!("k{}", index * 7 % 40), format!("v{index}"));
    store.apply(|state, applied| {
        state.put(key.as_bytes(), value.clone().into_bytes());
        if index.is_multiple_of(5) {
            state.delete(b"k3");
        }
        applied.log_id = Some(log_id(index, 1, 1));
    });
    kv.put(key.as_bytes(), value.into_bytes());
    if index.is_multiple_of(5) {
        kv.delete(b"k3");
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), &target).unwrap()),
        }
    }
}

/// The directory as it was after each checkpoint, and the log replayed from there to any later point.
#[test]
fn any_checkpoint_and_the_log_after_it_give_the_same_state() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("group");
    std::fs::create_dir(&dir).unwrap();
    let (store, handle) = StateStore::open(&config(&dir), true).unwrap();
    let mut model = MemoryKv::default();
    let mut hashes = Vec::new();
    for index in 0..60 {
        put(&store, index, &mut model);
        hashes.push(state_hash(&model));
        assert_eq!(store.read(state_hash), state_hash(&model));
        if index % 12 == 7 {
            store.checkpoint().unwrap();
            assert_eq!(store.synced().load(Ordering::Acquire), index + 1);
            copy_dir(&dir, &root.path().join(format!("copy-{index}")));
        }
    }
    store.stop(handle);
    for index in (7..60).step_by(12) {
        for until in [index, index + 1, 59] {
            let copy = root.path().join(format!("at-{index}-{until}"));
            copy_dir(&root.path().join(format!("copy-{index}")), &copy);
            let (store, handle) = StateStore::open(&config(&copy), false).unwrap();
            let from = next_index(&store.applied().log_id);
            assert_eq!(from, index + 1);
            assert_eq!(store.read(state_hash), hashes[index as usize]);
            (from..=until).for_each(|n| put(&store, n, &mut MemoryKv::default()));
            assert_eq!(
                store.read(state_hash),
                hashes[until as usize],
                "checkpoint at {index}, log to {until}"
            );
            store.stop(handle);
        }
    }
}

/// A snapshot of `store`'s checkpoint, as received by a follower.
fn snapshot_of(store: &StateStore, dir: &Path) -> File {
    let view = store.view().unwrap();
    let Applied { log_id, membership, .. } = view.applied().unwrap();
    export(view, SnapshotHeader { group: 5, log_id, membership }, dir).into_file().unwrap()
}

#[test]
fn a_crash_while_a_snapshot_is_installed_leaves_the_old_state_or_the_new() {
    let root = tempfile::tempdir().unwrap();
    let (source, target) = (root.path().join("source"), root.path().join("target"));
    [&source, &target].into_iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
    let (leader, leader_handle) = StateStore::open(&config(&source), true).unwrap();
    let (follower, follower_handle) = StateStore::open(&config(&target), true).unwrap();
    let mut model = MemoryKv::default();
    (0..50).for_each(|n| put(&leader, n, &mut model));
    leader.checkpoint().unwrap();
    (0..5).for_each(|n| put(&follower, n, &mut MemoryKv::default()));
    follower.checkpoint().unwrap();
    let (old, new) = (follower.read(state_hash), leader.read(state_hash));
    let mut images = Vec::new();
    let mut image = |name: &str, expected| {
        let path = root.path().join(name);
        copy_dir(&target, &path);
        images.push((path, expected));
    };
    image("before", old);
    // The steps of `StateStore::install`, with a crash after each.
    std::fs::create_dir(target.join("lsm-2")).unwrap();
    image("begun", old);
    std::fs::remove_dir(target.join("lsm-2")).unwrap();
    StateStore::build(&target.join("lsm-2"), snapshot_of(&leader, &source), 1 << 20).unwrap();
    image("built", old);
    std::fs::write(target.join("current.new"), "lsm-2\n").unwrap();
    image("about to switch", old);
    pointer::write(&target, "lsm-2").unwrap();
    image("switched", new);
    std::fs::remove_file(target.join("lsm-1").join("version")).ok();
    image("half removed", new);
    for (path, expected) in images {
        let (store, handle) = StateStore::open(&config(&path), false).unwrap();
        assert_eq!(store.read(state_hash), expected, "{}", path.display());
        let lsms = std::fs::read_dir(&path)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("lsm-"));
        assert_eq!(lsms.count(), 1, "remains are removed");
        store.stop(handle);
    }
    // Whole, over unsaved changes.
    (5..9).for_each(|n| put(&follower, n, &mut MemoryKv::default()));
    follower.install(snapshot_of(&leader, &source)).unwrap();
    assert_eq!((follower.read(state_hash), follower.applied().log_id), (new, Some(log_id(49, 1, 1))));
    assert_eq!(follower.applied().installed, Some(log_id(49, 1, 1)));
    follower.stop(follower_handle);
    leader.stop(leader_handle);
}

#[test]
fn a_damaged_snapshot_is_refused_and_changes_nothing() {
    use std::os::unix::fs::FileExt;
    let root = tempfile::tempdir().unwrap();
    let (store, handle) = StateStore::open(&config(root.path()), true).unwrap();
    (0..50).for_each(|n| put(&store, n, &mut MemoryKv::default()));
    store.checkpoint().unwrap();
    let before = store.read(state_hash);
    let length = snapshot_of(&store, root.path()).metadata().unwrap().len();
    for at in (0..length).step_by(61).chain([length - 1]) {
        let file = snapshot_of(&store, root.path());
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
        assert!(store.install(file).is_err(), "byte {at}");
        assert_eq!(store.read(state_hash), before);
    }
    let short = snapshot_of(&store, root.path());
    short.set_len(length - 20).unwrap();
    assert!(store.install(short).is_err());
    store.stop(handle);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Get(u8),
    Range(u8, u8),
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Step::Put(k % 32, v)),
        2 => any::<u8>().prop_map(|k| Step::Delete(k % 32)),
        3 => any::<u8>().prop_map(|k| Step::Get(k % 32)),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Step::Range(a % 34, b % 34)),
        1 => Just(Step::Checkpoint),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn overlay_cache_and_tree_read_as_one(steps in proptest::collection::vec(step(), 1..120)) {
        let root = tempfile::tempdir().unwrap();
        let (store, handle) = StateStore::open(&config(root.path()), true).unwrap();
        let mut model = MemoryKv::default();
        for (index, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(k, v) => {
                    store.apply(|kv, applied| { kv.put(&[k], vec![v]); applied.log_id = Some(log_id(index as u64, 1, 1)); });
                    model.put(&[k], vec![v]);
                }
                Step::Delete(k) => {
                    store.apply(|kv, applied| { kv.delete(&[k]); applied.log_id = Some(log_id(index as u64, 1, 1)); });
                    model.delete(&[k]);
                }
                Step::Get(k) => prop_assert_eq!(store.read(|kv| (kv.get(&[k]), kv.contains(&[k]))), (model.get(&[k]), model.contains(&[k]))),
                Step::Range(a, b) => {
                    let collect = |kv: &dyn KvRead| {
                        let mut out = Vec::new();
                        kv.range(&[a], &[b], &mut |k, v| { out.push((k.to_vec(), v.to_vec())); if out.len() < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) } });
                        out
                    };
                    prop_assert_eq!(store.read(collect), collect(&model));
                }
                Step::Checkpoint => store.checkpoint().unwrap(),
            }
        }
        prop_assert_eq!(store.read(state_hash), state_hash(&model));
        store.stop(handle);
    }
}
