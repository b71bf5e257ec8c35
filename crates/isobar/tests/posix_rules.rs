//! What POSIX promises about names, attributes and bytes, on a mount.

mod common;

use std::collections::{BTreeSet, HashMap};
use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use common::{TestCluster, shell};
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, Mode, OFlags, RawDir, RenameFlags, Timespec, Timestamps, XattrFlags,
};
use rustix::io::Errno;

/// A cluster and an empty directory on it.
fn begin(programs: &[&str]) -> Option<(TestCluster, PathBuf)> {
    if common::skip(programs) {
        return None;
    }
    let cluster = TestCluster::start(8, 256);
    let dir = cluster.mount().join("d");
    fs::create_dir(&dir).expect("a directory is made");
    Some((cluster, dir))
}

fn errno<T>(result: Result<T, std::io::Error>) -> Option<Errno> {
    result.err().and_then(|e| Errno::from_io_error(&e))
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

#[test]
fn rename_replaces_only_what_it_may() {
    let Some((cluster, d)) = begin(&[]) else { return };
    for dir in ["full", "empty", "moved", "deep"] {
        fs::create_dir(d.join(dir)).expect("made");
    }
    fs::create_dir_all(d.join("deep/er")).expect("made");
    put(&d.join("full/x"), "x");
    put(&d.join("a"), "a");
    put(&d.join("b"), "b");

    assert_eq!(errno(fs::rename(d.join("a"), d.join("empty"))), Some(Errno::ISDIR));
    assert_eq!(errno(fs::rename(d.join("empty"), d.join("a"))), Some(Errno::NOTDIR));
    assert_eq!(errno(fs::rename(d.join("moved"), d.join("full"))), Some(Errno::NOTEMPTY));
    assert_eq!(errno(fs::rename(d.join("deep"), d.join("deep/er/x"))), Some(Errno::INVAL));
    assert_eq!(errno(fs::rename(d.join("nothing"), d.join("a"))), Some(Errno::NOENT));

    // Onto an empty directory, onto a file, onto another name of itself.
    let moved = fs::metadata(d.join("moved")).expect("stat").ino();
    fs::rename(d.join("moved"), d.join("empty")).expect("an empty directory is replaced");
    assert_eq!(fs::metadata(d.join("empty")).expect("stat").ino(), moved);
    fs::rename(d.join("a"), d.join("b")).expect("a file is replaced");
    assert_eq!(fs::read_to_string(d.join("b")).expect("read"), "a");
    assert!(!d.join("a").exists());
    fs::hard_link(d.join("b"), d.join("b2")).expect("linked");
    fs::rename(d.join("b"), d.join("b2")).expect("nothing happens");
    assert!(d.join("b").exists() && d.join("b2").exists(), "both names of one file stay");

    // Into another directory: `..` and the numbers of links follow.
    let links = |p: &str| fs::metadata(d.join(p)).expect("stat").nlink();
    assert_eq!((links("full"), links("deep")), (2, 3));
    fs::rename(d.join("deep/er"), d.join("full/er")).expect("moved");
    assert_eq!((links("full"), links("deep")), (3, 2));
    let above = fs::metadata(d.join("full/er/..")).expect("stat").ino();
    assert_eq!(above, fs::metadata(d.join("full")).expect("stat").ino());

    // renameat2.
    put(&d.join("c"), "c");
    let exchange = |a: &str, b: &str, flags| rustix::fs::renameat_with(CWD, d.join(a), CWD, d.join(b), flags);
    assert_eq!(exchange("c", "b", RenameFlags::NOREPLACE), Err(Errno::EXIST));
    exchange("c", "full", RenameFlags::EXCHANGE).expect("exchanged");
    assert!(d.join("c").is_dir() && d.join("full").is_file());
    assert_eq!(exchange("c", "nothing", RenameFlags::EXCHANGE), Err(Errno::NOENT));

    // What was replaced while it was open stays readable.
    put(&d.join("old"), "old bytes");
    put(&d.join("new"), "new bytes");
    let mut old = File::open(d.join("old")).expect("open");
    fs::rename(d.join("new"), d.join("old")).expect("replaced");
    let mut text = String::new();
    old.read_to_string(&mut text).expect("the replaced file reads");
    assert_eq!(text, "old bytes");
    assert_eq!(old.metadata().expect("fstat").nlink(), 0);
    assert_eq!(fs::read_to_string(d.join("old")).expect("read"), "new bytes");
    drop(cluster);
}

#[test]
fn hard_links_share_one_file_and_count() {
    let Some((cluster, d)) = begin(&[]) else { return };
    put(&d.join("a"), "one");
    fs::hard_link(d.join("a"), d.join("b")).expect("linked");
    let (a, b) = (fs::metadata(d.join("a")).expect("stat"), fs::metadata(d.join("b")).expect("stat"));
    assert_eq!((a.ino(), a.nlink(), b.nlink()), (b.ino(), 2, 2));
    put(&d.join("b"), "other");
    assert_eq!(fs::read_to_string(d.join("a")).expect("read"), "other");
    assert_eq!(errno(fs::hard_link(d.join("a"), d.join("b"))), Some(Errno::EXIST));
    assert_eq!(errno(fs::hard_link(&d, d.join("c"))), Some(Errno::PERM));
    let held = File::open(d.join("a")).expect("open");
    fs::remove_file(d.join("a")).expect("removed");
    assert_eq!(held.metadata().expect("fstat").nlink(), 1);
    assert_eq!(fs::read_to_string(d.join("b")).expect("read"), "other");
    for n in 0..1000 {
        fs::hard_link(d.join("b"), d.join(format!("l{n}"))).expect("linked");
    }
    assert_eq!(held.metadata().expect("fstat").nlink(), 1001);
    assert_eq!(cluster.second_mount().path().join("d/l999").metadata().expect("stat").nlink(), 1001);
}

#[test]
fn an_unlinked_file_lives_until_its_last_close_on_any_mount() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let second = cluster.second_mount();
    let bytes = common::noise(3, 3 << 20);
    put(&d.join("f"), &bytes);
    let mut here = File::options().read(true).write(true).open(d.join("f")).expect("open");
    let there = File::open(second.path().join("d/f")).expect("open on the other mount");
    fs::remove_file(d.join("f")).expect("removed");
    assert_eq!(errno(File::open(d.join("f"))), Some(Errno::NOENT));

    let mut read = Vec::new();
    here.read_to_end(&mut read).expect("the removed file reads");
    assert!(read == bytes);
    here.write_all_at(b"written after its removal", 1 << 20).expect("written");
    here.sync_all().expect("synced");
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let mut part = [0; 25];
    there.read_exact_at(&mut part, 1 << 20).expect("the other mount still reads it");
    assert_eq!(&part, b"written after its removal");
    let mut rest = vec![0; bytes.len()];
    there.read_exact_at(&mut rest, 0).expect("the other mount still reads all of it");
    assert!(rest[..1 << 20] == bytes[..1 << 20]);
    assert_eq!(there.metadata().expect("fstat").nlink(), 0);
    drop(here);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    there.read_exact_at(&mut rest, 0).expect("one close is not the last");

    // A name that is used again is another file.
    put(&d.join("f"), "new");
    assert_eq!(there.metadata().expect("fstat").len(), bytes.len() as u64);
    // And its room comes back after the last close.
    let ino = there.metadata().expect("fstat").ino();
    drop(there);
    assert_ne!(fs::metadata(d.join("f")).expect("stat").ino(), ino);
}

#[test]
fn an_open_that_succeeds_can_read_although_the_name_goes_at_that_moment() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let second = cluster.second_mount();
    let bytes = common::noise(8, 20_000);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let opened = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for mount in [cluster.mount(), cluster.mount(), second.path()] {
            let (stop, opened, bytes, path) = (&stop, &opened, &bytes, mount.join("d/f"));
            scope.spawn(move || {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let Ok(file) = File::open(&path) else { continue };
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    let mut read = vec![0; bytes.len()];
                    let result = file.read_exact_at(&mut read, 0);
                    let whole = result.is_ok() && read == *bytes;
                    if !whole {
                        stop.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                    assert!(whole, "{}: {result:?}", path.display());
                    opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
        // Written under another name, so that whoever finds it finds all of it.
        let begun = std::time::Instant::now();
        while begun.elapsed().as_secs() < 6 && !stop.load(std::sync::atomic::Ordering::Relaxed) {
            put(&d.join("new"), &bytes);
            fs::rename(d.join("new"), d.join("f")).expect("renamed");
            fs::remove_file(d.join("f")).expect("removed");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(opened.into_inner() > 20, "the race took place");
}

#[test]
fn names_made_after_a_change_of_their_directory_are_found() {
    let Some((_cluster, d)) = begin(&[]) else { return };
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("mode", |p| fs::set_permissions(p, fs::Permissions::from_mode(0o700)).expect("chmod")),
        ("owner", |p| std::os::unix::fs::chown(p, Some(0), Some(1)).expect("chown")),
        ("xattr", |p| rustix::fs::setxattr(p, "user.a", b"1", XattrFlags::empty()).expect("setxattr")),
        ("place", |p| {
            fs::rename(p, p.with_extension("moved")).expect("renamed");
            fs::rename(p.with_extension("moved"), p).expect("renamed");
        }),
    ];
    for (what, change) in changes {
        let dir = d.join(what);
        fs::create_dir(&dir).expect("made");
        change(&dir);
        fs::create_dir(dir.join("sub")).expect("made");
        put(&dir.join("sub/f"), what);
        // The kernel forgets names, so that it asks.
        fs::write("/proc/sys/vm/drop_caches", "2").expect("caches are dropped");
        assert!(dir.join("sub").is_dir(), "after a change of {what}");
        assert_eq!(fs::read_to_string(dir.join("sub/f")).expect("read"), what);
    }
}

#[test]
fn symlinks_are_followed_and_read_as_written() {
    let Some((cluster, d)) = begin(&[]) else { return };
    put(&d.join("target"), "t");
    symlink("target", d.join("good")).expect("made");
    symlink("nowhere", d.join("dangling")).expect("made");
    symlink("loop", d.join("loop")).expect("made");
    let long = "x/".repeat(2000) + "end";
    symlink(&long, d.join("long")).expect("made");
    assert_eq!(fs::read_to_string(d.join("good")).expect("read"), "t");
    assert_eq!(errno(fs::read(d.join("dangling"))), Some(Errno::NOENT));
    assert_eq!(errno(fs::read(d.join("loop"))), Some(Errno::LOOP));
    assert_eq!(fs::read_link(d.join("long")).expect("readlink"), Path::new(&long));
    assert_eq!(fs::symlink_metadata(d.join("long")).expect("lstat").len(), long.len() as u64);
    assert_eq!(errno(symlink("again", d.join("good"))), Some(Errno::EXIST));
    // Writing through a link that leads nowhere makes the file.
    put(&d.join("dangling"), "made");
    assert_eq!(fs::read_to_string(d.join("nowhere")).expect("read"), "made");
    let second = cluster.second_mount();
    assert_eq!(fs::read_link(second.path().join("d/good")).expect("readlink"), Path::new("target"));
}

#[test]
fn truncation_cuts_and_what_comes_back_is_zeros() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let path = d.join("f");
    let bytes = common::noise(4, 9_000_000);
    put(&path, &bytes);
    let file = File::options().read(true).write(true).open(&path).expect("open");
    for (cut, grown) in [(8_500_001, 9_500_000), (4_097, 20_000), (4_095, 12_288), (1, 100), (0, 50)] {
        // With bytes that are still dirty, too.
        file.write_all_at(&[7; 10], cut).expect("written");
        file.set_len(cut).expect("cut");
        assert_eq!(file.metadata().expect("fstat").len(), cut);
        file.set_len(grown).expect("grown");
        assert_eq!(file.metadata().expect("fstat").len(), grown);
        let read = fs::read(&path).expect("read");
        assert_eq!(read.len() as u64, grown);
        assert!(read[..cut as usize] == bytes[..cut as usize], "the part before {cut} stays");
        assert!(read[cut as usize..].iter().all(|b| *b == 0), "zeros after {cut}");
    }
    file.write_all_at(b"end", 1 << 40).expect("written far out");
    assert_eq!(file.metadata().expect("fstat").len(), (1 << 40) + 3);
    file.set_len(7).expect("cut");
    assert_eq!(errno(file.set_len(i64::MAX as u64)), Some(Errno::FBIG));
    let second = cluster.second_mount();
    assert_eq!(fs::read(second.path().join("d/f")).expect("read"), [0; 7]);
}

#[test]
fn a_truncation_does_not_bring_back_what_another_mount_replaced() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let second = cluster.second_mount();
    for len in [3000, 300_000] {
        put(&d.join("f"), vec![1; len]);
        let file = File::options().read(true).write(true).open(d.join("f")).expect("open");
        let mut read = vec![0; len];
        file.read_exact_at(&mut read, 0).expect("read");
        let other = File::options().write(true).open(second.path().join("d/f")).expect("open");
        other.write_all_at(&vec![2; len], 0).expect("written");
        other.sync_all().expect("synced");
        // This mount knew where the old bytes are.
        file.set_len(len as u64 + 10).expect("grown");
        file.read_exact_at(&mut read, 0).expect("read");
        assert!(read.iter().all(|b| *b == 2), "{len}: bytes of before the other mount's write");
    }
}

#[test]
fn sparse_files_have_holes_and_no_blocks_in_them() {
    let Some((_cluster, d)) = begin(&[]) else { return };
    let path = d.join("sparse");
    let mut file = File::options().create_new(true).read(true).write(true).open(&path).expect("made");
    file.set_len(1 << 30).expect("grown");
    assert_eq!(file.metadata().expect("fstat").blocks(), 0);
    file.write_all_at(&[1; 100_000], 10 << 20).expect("written");
    file.write_all_at(&[2; 100_000], 500 << 20).expect("written");
    let seek = |from| rustix::fs::seek(&file, from);
    use rustix::fs::SeekFrom as At;
    assert_eq!(seek(At::Data(0)), Ok(10 << 20));
    assert_eq!(seek(At::Hole(10 << 20)), Ok((10 << 20) + 100_000));
    assert_eq!(seek(At::Data((10 << 20) + 100_000)), Ok(500 << 20));
    assert_eq!(seek(At::Hole(0)), Ok(0));
    assert_eq!(seek(At::Data((500 << 20) + 100_000)), Err(Errno::NXIO));
    assert_eq!(seek(At::Hole(1 << 30)), Err(Errno::NXIO));
    let blocks = fs::metadata(&path).expect("stat").blocks();
    assert!((390..1000).contains(&blocks), "{blocks} blocks of 512 for 200,000 bytes");

    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, punch, (10 << 20) + 10, 99_980).expect("punched");
    let mut part = vec![9; 100_000];
    file.read_exact_at(&mut part, 10 << 20).expect("read");
    assert!(part[..10] == [1; 10] && part[99_990..] == [1; 10] && part[10..99_990].iter().all(|b| *b == 0));
    assert_eq!(file.metadata().expect("fstat").len(), 1 << 30);
    assert_eq!(seek(At::Data((10 << 20) + 10)), Ok((10 << 20) + 99_990));
    // Making room loses no bytes.
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 4096).expect("room is promised, not reserved");
    file.seek(SeekFrom::Start((500 << 20) - 5)).expect("seek");
    let mut edge = [0; 10];
    file.read_exact(&mut edge).expect("read");
    assert_eq!(edge, [0, 0, 0, 0, 0, 2, 2, 2, 2, 2]);
}

#[test]
fn modes_owners_and_times_are_kept_to_the_nanosecond() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let path = d.join("f");
    put(&path, "x");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4751)).expect("chmod");
    assert_eq!(fs::metadata(&path).expect("stat").mode() & 0o7777, 0o4751);
    std::os::unix::fs::chown(&path, Some(1234), Some(4321)).expect("chown");
    std::os::unix::fs::chown(&path, None, Some(77)).expect("chown");
    let meta = fs::metadata(&path).expect("stat");
    assert_eq!((meta.uid(), meta.gid()), (1234, 77));
    for (atime, mtime) in [((1, 999_999_999), (1_700_000_000, 123_456_789)), ((-2, 5), (4_294_967_300, 1))] {
        let spec = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: spec(atime), last_modification: spec(mtime) };
        rustix::fs::utimensat(CWD, &path, &times, AtFlags::empty()).expect("utimensat");
        for mount in [cluster.mount().to_owned(), cluster.second_mount().path().to_owned()] {
            let Ok(meta) = fs::metadata(mount.join("d/f")) else { continue };
            assert_eq!((meta.atime(), meta.atime_nsec()), atime);
            assert_eq!((meta.mtime(), meta.mtime_nsec()), mtime);
        }
    }
    // A time that was set stays although bytes written before are sent afterwards.
    let file = File::options().write(true).open(&path).expect("open");
    file.write_all_at(&[1; 100_000], 0).expect("written");
    let set = Timespec { tv_sec: 1_000_000_000, tv_nsec: 42 };
    let times = Timestamps { last_access: set, last_modification: set };
    rustix::fs::futimens(&file, &times).expect("futimens");
    drop(file);
    let meta = fs::metadata(&path).expect("stat");
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_000_000_000, 42));

    // Writing, truncating, linking and adding names change the right times.
    let old = |p: &Path| {
        rustix::fs::utimensat(CWD, p, &times, AtFlags::empty()).expect("utimensat");
    };
    old(&d);
    put(&d.join("g"), "");
    assert!(fs::metadata(&d).expect("stat").mtime() > 1_700_000_000, "a new name changes its directory");
    old(&path);
    File::options().write(true).open(&path).expect("open").write_all_at(b"y", 0).expect("written");
    assert!(fs::metadata(&path).expect("stat").mtime() > 1_700_000_000, "writing changes mtime");
    old(&path);
    let ctime = |p: &Path| fs::metadata(p).map(|m| (m.ctime(), m.ctime_nsec())).expect("stat");
    let before = ctime(&path);
    fs::hard_link(&path, d.join("h")).expect("linked");
    assert!(ctime(&path) > before, "a link changes ctime");
    assert_eq!(fs::metadata(&path).expect("stat").mtime(), 1_000_000_000, "and not mtime");
}

#[test]
fn extended_attributes_follow_their_rules() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let path = d.join("f");
    put(&path, "x");
    let set = |name: &str, value: &[u8], flags| rustix::fs::setxattr(&path, name, value, flags);
    let get = |name: &str| {
        let mut value = vec![0; 70_000];
        rustix::fs::getxattr(&path, name, &mut value).map(|len| value[..len].to_vec())
    };
    assert_eq!(get("user.a"), Err(Errno::NODATA));
    assert_eq!(set("user.a", b"1", XattrFlags::REPLACE), Err(Errno::NODATA));
    set("user.a", b"1", XattrFlags::CREATE).expect("set");
    assert_eq!(set("user.a", b"2", XattrFlags::CREATE), Err(Errno::EXIST));
    set("user.a", b"22", XattrFlags::REPLACE).expect("set");
    set("user.empty", b"", XattrFlags::empty()).expect("set");
    set("trusted.t", &[0, 255], XattrFlags::empty()).expect("set");
    assert_eq!(get("user.a").as_deref(), Ok(&b"22"[..]));
    assert_eq!(get("user.empty").as_deref(), Ok(&b""[..]));
    let mut small = [0; 1];
    assert_eq!(rustix::fs::getxattr(&path, "user.a", &mut small), Err(Errno::RANGE));
    assert_eq!(set("system.other", b"x", XattrFlags::empty()), Err(Errno::OPNOTSUPP));
    let mut names = vec![0; 1000];
    let len = rustix::fs::listxattr(&path, &mut names).expect("listed");
    let names: BTreeSet<&CStr> = names[..len]
        .split_inclusive(|b| *b == 0)
        .map(|n| CStr::from_bytes_with_nul(n).expect("a name"))
        .collect();
    assert_eq!(names, BTreeSet::from([c"user.a", c"user.empty", c"trusted.t"]));
    rustix::fs::removexattr(&path, "user.a").expect("removed");
    assert_eq!(rustix::fs::removexattr(&path, "user.a"), Err(Errno::NODATA));
    let big = common::noise(5, 60_000);
    match set("user.big", &big, XattrFlags::empty()) {
        Ok(()) => assert!(get("user.big").as_deref() == Ok(&big)),
        Err(error) => assert!(matches!(error, Errno::NOSPC | Errno::TOOBIG | Errno::RANGE), "{error}"),
    }
    let second = cluster.second_mount();
    let mut value = [0; 10];
    let len = rustix::fs::getxattr(second.path().join("d/f"), "trusted.t", &mut value).expect("got");
    assert_eq!(value[..len], [0, 255]);
}

#[test]
fn a_listing_is_whole_while_names_come_and_go() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let stay: BTreeSet<String> = (0..5000).map(|n| format!("stays-{n:05}")).collect();
    for name in &stay {
        File::create(d.join(name)).expect("made");
    }
    let second = cluster.second_mount();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mount in [cluster.mount(), second.path()] {
            let (stop, d) = (&stop, mount.join("d"));
            let tag = mount.file_name().expect("a name").to_string_lossy().into_owned();
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    let name = d.join(format!("passing-{tag}-{n}"));
                    File::create(&name).expect("made");
                    if n % 3 == 0 {
                        fs::rename(&name, d.join(format!("renamed-{tag}-{n}"))).expect("renamed");
                    } else {
                        fs::remove_file(&name).expect("removed");
                    }
                }
            });
        }
        for mount in [cluster.mount(), second.path(), cluster.mount()] {
            let mut seen: HashMap<String, u32> = HashMap::new();
            for entry in fs::read_dir(mount.join("d")).expect("opendir") {
                *seen
                    .entry(entry.expect("an entry").file_name().into_string().expect("text"))
                    .or_default() += 1;
            }
            let missed: Vec<_> = stay.iter().filter(|n| seen.get(*n) != Some(&1)).take(5).collect();
            if !missed.is_empty() {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            assert!(missed.is_empty(), "not listed exactly once: {missed:?}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });

    // Removing while listing with a small buffer, as rm -r does, leaves nothing.
    let dir = File::open(&d).expect("open");
    loop {
        let mut removed = 0;
        dir.try_clone().expect("dup").seek(SeekFrom::Start(0)).expect("rewound");
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(&dir, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty()).expect("removed");
                removed += 1;
            }
        }
        if removed == 0 {
            break;
        }
    }
    fs::remove_dir(&d).expect("it is empty");
}

#[test]
fn other_users_get_what_the_mode_grants() {
    let Some((_cluster, d)) = begin(&["setpriv"]) else { return };
    shell(&format!(
        r#"cd '{}'
        nobody() {{ setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }}
        refused() {{ if nobody "$@" 2>/dev/null; then echo "allowed: $*" >&2; exit 1; fi; }}
        echo secret > private; chmod 600 private
        echo open > public; chmod 644 public
        refused cat private
        refused bash -c 'echo x >> public'
        test "$(nobody cat public)" = open
        refused touch new
        mkdir closed; chmod 700 closed; echo x > closed/f
        refused cat closed/f
        refused ls closed
        refused chmod 777 public
        refused chown 65534 public
        # A directory for all with the sticky bit: own files only.
        mkdir tmp; chmod 1777 tmp; echo r > tmp/root; chmod 666 tmp/root
        nobody touch tmp/own
        refused rm -f tmp/root
        refused mv tmp/root tmp/other
        nobody rm tmp/own
        test "$(stat -c %u:%g:%a tmp)" = 0:0:1777
        # The group of a set-group-id directory is inherited, and the bit by directories.
        mkdir team; chgrp 65534 team; chmod 2775 team
        touch team/f; mkdir team/sub
        test "$(stat -c %g team/f)" = 65534
        test "$(stat -c %g:%a team/sub)" = 65534:2755
        nobody touch team/by-group
        test "$(stat -c %u:%g team/by-group)" = 65534:65534
        # Set-user-id is lost when somebody else writes, and root keeps it on chmod.
        cp /bin/true suid; chmod 4777 suid; test "$(stat -c %a suid)" = 4777
        nobody bash -c 'echo x >> suid'
        test "$(stat -c %a suid)" = 777
        # chown by a user loses it as well.
        nobody bash -c 'touch tmp/mine; chmod 6755 tmp/mine; chown :65534 tmp/mine'
        test "$(stat -c %a tmp/mine)" = 755
        # The mask applies.
        (umask 027; touch masked; mkdir masked-dir)
        test "$(stat -c %a masked):$(stat -c %a masked-dir)" = 640:750
        "#,
        d.display()
    ));
}

#[test]
fn names_are_refused_as_posix_says() {
    let Some((_cluster, d)) = begin(&[]) else { return };
    put(&d.join("f"), "x");
    fs::create_dir(d.join("sub")).expect("made");
    put(&d.join("sub/f"), "x");
    let create_new = |name: &str| File::options().write(true).create_new(true).open(d.join(name));
    assert_eq!(errno(create_new("f")), Some(Errno::EXIST));
    assert_eq!(errno(fs::create_dir(d.join("f"))), Some(Errno::EXIST));
    assert_eq!(errno(fs::create_dir(d.join("sub"))), Some(Errno::EXIST));
    assert_eq!(errno(File::create(d.join("sub"))), Some(Errno::ISDIR));
    assert_eq!(errno(fs::read(d.join("f/x"))), Some(Errno::NOTDIR));
    assert_eq!(errno(fs::remove_dir(d.join("sub"))), Some(Errno::NOTEMPTY));
    assert_eq!(errno(fs::remove_dir(d.join("f"))), Some(Errno::NOTDIR));
    assert_eq!(errno(fs::remove_file(d.join("sub"))), Some(Errno::ISDIR));
    assert_eq!(errno(fs::remove_file(d.join("nothing"))), Some(Errno::NOENT));
    assert_eq!(errno(fs::remove_dir(d.join("sub/."))), Some(Errno::INVAL));
    let longest = "ä".repeat(127) + "x";
    assert_eq!(longest.len(), 255);
    put(&d.join(&longest), "long");
    assert_eq!(fs::read_to_string(d.join(&longest)).expect("read"), "long");
    assert_eq!(errno(File::create(d.join(longest.clone() + "y"))), Some(Errno::NAMETOOLONG));
    assert_eq!(errno(fs::metadata(d.join(longest.clone() + "y"))), Some(Errno::NAMETOOLONG));
    assert_eq!(errno(fs::rename(d.join("f"), d.join(longest.clone() + "y"))), Some(Errno::NAMETOOLONG));
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe \n\\'\"*");
    put(&d.join(odd), "odd");
    assert!(fs::read_dir(&d).expect("opendir").any(|e| e.expect("an entry").file_name() == odd));
    // Deeper than PATH_MAX, step by step.
    let mut at = rustix::fs::open(&d, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).expect("open");
    for _ in 0..60 {
        rustix::fs::mkdirat(&at, "n".repeat(100), Mode::from_raw_mode(0o755)).expect("made");
        at = rustix::fs::openat(&at, "n".repeat(100), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .expect("open");
    }
    fs::remove_dir_all(d.join("n".repeat(100))).expect("removed");
    // A removed directory that somebody is still in.
    fs::remove_file(d.join("sub/f")).expect("removed");
    let sub = File::open(d.join("sub")).expect("open");
    fs::remove_dir(d.join("sub")).expect("removed");
    let made = rustix::fs::openat(&sub, "x", OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o644));
    assert_eq!(made.err(), Some(Errno::NOENT));
    // Special nodes.
    shell(&format!("cd '{}'; mkfifo p; (echo through > p &); test \"$(cat p)\" = through", d.display()));
}

#[test]
fn statfs_counts_room_and_files() {
    let Some((cluster, d)) = begin(&[]) else { return };
    let fs_before = rustix::fs::statvfs(&d).expect("statvfs");
    let total = fs_before.f_blocks * fs_before.f_frsize;
    let raw = 8 * (256 << 20);
    assert!(total > raw / 2 && total < raw, "{total} bytes of {raw} raw ones");
    assert!(fs_before.f_bavail <= fs_before.f_bfree && fs_before.f_bfree <= fs_before.f_blocks);
    assert_eq!(fs_before.f_namemax, 255);
    put(&d.join("big"), common::noise(6, 100 << 20));
    common::until(std::time::Duration::from_secs(20), "statfs shows what was written", || {
        let now = rustix::fs::statvfs(cluster.mount()).expect("statvfs");
        let used = (fs_before.f_bfree.saturating_sub(now.f_bfree)) * now.f_frsize;
        (90 << 20..130 << 20).contains(&used)
    });
    assert_eq!(fs::metadata(d.join("big")).expect("stat").blocks(), (100 << 20) / 512);
    assert!(fs_before.f_files > fs_before.f_ffree && fs_before.f_files - fs_before.f_ffree < 100);
}

#[test]
fn fallocate_grows_and_zeroes_without_extents() {
    use rustix::fs::{FallocateFlags, fallocate};
    let Some((_cluster, d)) = begin(&[]) else { return };
    let file = File::options().read(true).write(true).create_new(true).open(d.join("f")).expect("open");
    let size_and_blocks = || {
        let stat = file.metadata().expect("fstat");
        (stat.len(), stat.blocks())
    };
    fallocate(&file, FallocateFlags::empty(), 0, 1 << 30).expect("posix_fallocate's");
    assert_eq!(size_and_blocks(), (1 << 30, 0));
    fallocate(&file, FallocateFlags::KEEP_SIZE, 1 << 30, 1 << 20).expect("nothing to reserve");
    fallocate(&file, FallocateFlags::empty(), 0, 10).expect("it is long enough");
    assert_eq!(size_and_blocks(), (1 << 30, 0));
    file.write_all_at(&[7; 8192], 0).expect("written");
    fallocate(&file, FallocateFlags::ZERO_RANGE, 4096, 1 << 30).expect("zeros, and longer");
    let mut bytes = [1; 8192];
    file.read_exact_at(&mut bytes, 0).expect("read");
    assert_eq!((&bytes[..4096], &bytes[4096..]), (&[7; 4096][..], &[0; 4096][..]));
    assert_eq!(size_and_blocks(), ((1 << 30) + 4096, 8));
    assert_eq!(fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, 4096), Err(Errno::OPNOTSUPP));
}

#[test]
fn a_write_from_outside_the_group_takes_the_set_group_id_bit_away() {
    let Some((_cluster, d)) = begin(&["setpriv", "fallocate"]) else { return };
    let path = d.join("f");
    fs::set_permissions(&d, fs::Permissions::from_mode(0o777)).expect("chmod");
    put(&path, [1; 10_000]);
    let after_nobody_runs = |program: &str| {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o2666)).expect("chmod");
        let who = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        shell(&format!("{who} {program} '{}'", path.display()));
        fs::metadata(&path).expect("stat").mode() & 0o7777
    };
    assert_eq!(after_nobody_runs("sh -c 'printf x 1<>\"$0\"'"), 0o666);
    assert_eq!(after_nobody_runs("cp --no-preserve=all /etc/passwd"), 0o666);
    assert_eq!(after_nobody_runs("fallocate --length 20000"), 0o666);
    assert_eq!(after_nobody_runs("truncate --size 5000"), 0o666);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o2666)).expect("chmod");
    File::options().write(true).open(&path).expect("open").write_all(b"y").expect("by root");
    assert_eq!(fs::metadata(&path).expect("stat").mode() & 0o7777, 0o2666);
}

#[test]
fn a_process_that_is_killed_while_it_waits_for_the_quorum_dies() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let Some((cluster, d)) = begin(&["python3"]) else { return };
    put(&d.join("f"), "bytes");
    // What it wrote is dirty when it dies: its last close waits, too.
    let program = "import os; f = os.open('f', os.O_WRONLY); print('open', flush=True); input(); \
                   os.write(f, b'x' * 100000); os.fsync(f)";
    let mut child = Command::new("python3")
        .args(["-c", program])
        .current_dir(&d)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let voters = ["n1", "n2", "n3"];
    voters.iter().for_each(|name| cluster.kill(name));
    child.stdin.take().expect("its input").write_all(b"\n").expect("it is told");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(child.try_wait().expect("a child").is_none(), "it does not wait");
    child.kill().expect("killed");
    let killed = std::time::Instant::now();
    child.wait().expect("it dies");
    // A call gives up by itself after a minute, and so does the close after it.
    assert!(killed.elapsed() < std::time::Duration::from_secs(20), "{:?}", killed.elapsed());
    voters.iter().for_each(|name| cluster.start_node(name));
    cluster.wait_full();
    let contents = || fs::read(d.join("f")).unwrap_or_default();
    common::until(std::time::Duration::from_secs(60), "it is committed", || contents() == [b'x'; 100_000]);
}

#[test]
fn direct_io_reads_and_writes_what_buffered_io_does() {
    let Some((_cluster, d)) = begin(&["dd"]) else { return };
    let path = d.join("direct");
    put(&d.join("source"), common::noise(7, (5 << 20) + 4096));
    shell(&format!(
        "cd '{}'; dd if=source of=direct bs=64k oflag=direct status=none; cmp source direct
         dd if=direct of=again bs=1M iflag=direct status=none; cmp source again",
        d.display()
    ));
    let file = File::options().read(true).write(true).custom_flags(libc_o_sync()).open(&path).expect("open");
    file.write_all_at(b"synchronous", 777).expect("written");
    let mut part = [0; 11];
    file.read_exact_at(&mut part, 777).expect("read");
    assert_eq!(&part, b"synchronous");
}

fn libc_o_sync() -> i32 {
    OFlags::SYNC.bits() as i32
}

#[test]
fn mapped_files_are_written_back() {
    let Some((cluster, d)) = begin(&["fio"]) else { return };
    // Random writes through a shared mapping with msync, verified through the mapping and by reading.
    shell(&format!(
        "cd '{}'; fio --name=mapped --ioengine=mmap --rw=randwrite --bs=4k --size=16m --fsync=64 \
           --verify=crc32c --verify_fatal=1 --do_verify=1 --output=fio.log || {{ cat fio.log; exit 1; }}",
        d.display()
    ));
    cluster.remount();
    let second = cluster.second_mount();
    for mount in [cluster.mount(), second.path()] {
        shell(&format!(
            "cd '{}/d'; fio --name=mapped --filename=mapped.0.0 --ioengine=sync --rw=randwrite --bs=4k \
               --size=16m --verify=crc32c --verify_fatal=1 --verify_only --output=/dev/null",
            mount.display()
        ));
    }
}

#[test]
fn reading_the_end_and_beyond_gives_what_is_there() {
    let Some((_cluster, d)) = begin(&[]) else { return };
    put(&d.join("f"), "0123456789");
    let mut file = File::options().read(true).append(true).open(d.join("f")).expect("open");
    let mut buffer = [0; 20];
    assert_eq!(file.read_at(&mut buffer, 5).expect("read"), 5);
    assert_eq!(file.read_at(&mut buffer, 10).expect("read"), 0);
    assert_eq!(file.read_at(&mut buffer, 1 << 50).expect("read"), 0);
    file.write_all(b"abc").expect("appended");
    assert_eq!(file.read_at(&mut buffer, 8).expect("read"), 5);
    assert_eq!(&buffer[..5], b"89abc");
    assert_eq!(file.metadata().expect("fstat").len(), 13);
    let mut reader = File::open(d.join("f")).expect("open");
    assert_eq!(errno(reader.write(b"x")), Some(Errno::BADF));
    let mut all = String::new();
    reader.read_to_string(&mut all).expect("read");
    assert_eq!(all, "0123456789abc");
    assert_eq!(
        File::open(&d).expect("open").read(&mut buffer).expect_err("EISDIR").kind(),
        ErrorKind::IsADirectory
    );
}
