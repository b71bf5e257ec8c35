//! Several mounts of one file system: what one writes the others see when they may expect it.

mod common;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{TestCluster, shell, until};

/// How late a name may be on another mount.
const NAMES_LATE_MAX: Duration = Duration::from_secs(2);

#[test]
fn what_was_closed_on_one_mount_is_seen_by_an_open_on_another() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let (a, b) = (cluster.mount().join("f"), second.path().join("f"));
    for round in 0..200u64 {
        let (from, to) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        // Growing, shrinking and same-size rewrites, inline ones and ones in segments.
        let len = [10, 10, 5000, 70_000, 70_000, 300][round as usize % 6] + (round as usize % 7 / 6);
        let bytes = common::noise(round, len);
        if round % 3 == 0 {
            fs::write(from, &bytes).expect("written");
        } else {
            let file = File::options().write(true).create(true).truncate(false).open(from).expect("open");
            file.write_all_at(&bytes, 0).expect("written");
            file.set_len(len as u64).expect("cut");
        }
        let file = File::open(to).expect("open");
        assert_eq!(file.metadata().expect("fstat").len(), len as u64, "round {round}: size after open");
        assert_eq!(fs::metadata(to).expect("stat").len(), len as u64, "round {round}: stat after open");
        let mut read = vec![0; len + 1];
        assert_eq!(file.read_at(&mut read, 0).expect("read"), len, "round {round}");
        assert!(read[..len] == bytes, "round {round}: bytes after open");
    }
}

#[test]
fn a_file_replaced_by_rename_is_always_there_for_other_mounts() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let other = second.path().join("f");
    fs::write(cluster.mount().join("f"), "0").expect("written");
    until(NAMES_LATE_MAX, "it is seen", || other.exists());
    let mut last = 0u64;
    for round in 1..300u64 {
        let fresh = cluster.mount().join("new");
        fs::write(&fresh, round.to_string()).expect("written");
        fs::rename(&fresh, cluster.mount().join("f")).expect("replaced");
        let text = match round % 3 {
            0 => fs::read_to_string(&other).unwrap_or_else(|e| panic!("round {round}: open and read: {e}")),
            1 => {
                fs::metadata(&other).unwrap_or_else(|e| panic!("round {round}: stat: {e}"));
                continue;
            }
            _ => {
                std::thread::sleep(Duration::from_millis(round % 20));
                fs::read_to_string(&other).unwrap_or_else(|e| panic!("round {round}: open and read: {e}"))
            }
        };
        let seen: u64 = text.parse().unwrap_or_else(|_| panic!("round {round}: {text:?}"));
        assert!(seen >= last && seen <= round, "round {round}: {seen} after {last}");
        last = seen;
    }
    until(NAMES_LATE_MAX, "the last one is seen", || fs::read_to_string(&other).is_ok_and(|t| t == "299"));
}

#[test]
fn appends_from_several_mounts_lose_nothing_and_never_interleave() {
    if common::skip(&["perl"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let record = r#"
        use strict; use Fcntl;
        my ($path, $tag, $count) = @ARGV;
        sysopen(my $f, $path, O_WRONLY|O_APPEND|O_CREAT) or die "open: $!";
        for my $n (1..$count) {
            my $len = 20 + ($n * 7919) % 9000;
            my $r = sprintf("%s %06d %06d ", $tag, $n, $len);
            $r .= chr(97 + $n % 26) x ($len - length($r)) . "\n";
            my $w = syswrite($f, $r); die "write: $!" unless defined $w && $w == length($r);
            if ($n % 100 == 0) { close($f) or die; sysopen($f, $path, O_WRONLY|O_APPEND) or die "open: $!"; }
        }
        close($f) or die "close: $!";"#;
    let mut writers = Vec::new();
    for (at, mount) in
        [cluster.mount(), second.path(), cluster.mount(), second.path()].into_iter().enumerate()
    {
        let path = mount.join("log");
        let tag = format!("w{at}");
        writers.push(
            Command::new("perl")
                .args(["-e", record])
                .arg(path)
                .args([&tag, "500"])
                .spawn()
                .expect("perl runs"),
        );
    }
    for mut writer in writers {
        assert!(writer.wait().expect("ended").success());
    }
    for mount in [cluster.mount(), second.path()] {
        let text = fs::read_to_string(mount.join("log")).expect("read");
        let mut next = [1u32; 4];
        for line in text.lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap_or_else(|| panic!("an interleaved record: {line:.60}"));
            let writer: usize =
                word()[1..].parse().unwrap_or_else(|_| panic!("an interleaved record: {line:.60}"));
            let (n, len): (u32, usize) =
                (word().parse().expect("a number"), word().parse().expect("a length"));
            assert_eq!(line.len(), len, "record {n} of writer {writer} is whole");
            assert_eq!(n, next[writer], "records of writer {writer} in order");
            next[writer] += 1;
        }
        assert_eq!(next, [501; 4], "nothing is lost");
    }
}

#[test]
fn locks_exclude_across_mounts() {
    if common::skip(&["perl"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    // fcntl locks of one byte and flock locks guard one counter each; what is read under the lock,
    // size included, is what the last owner wrote.
    let count = r#"
        use strict; use Fcntl qw(:DEFAULT :flock :seek);
        my ($path, $how, $rounds) = @ARGV;
        sysopen(my $f, $path, O_RDWR|O_CREAT) or die "open: $!";
        for (1..$rounds) {
            if ($how eq "flock") { flock($f, LOCK_EX) or die "flock: $!"; }
            else { my $l = pack("s s l! l! i", F_WRLCK, SEEK_SET, 0, 1, 0); fcntl($f, F_SETLKW, $l) or die "lock: $!"; }
            my $size = (stat($f))[7];
            sysseek($f, 0, SEEK_SET);
            my $text = ""; defined sysread($f, $text, 1 << 20) or die "read: $!";
            die "size $size under the lock, but " . length($text) . " bytes" if $size != length($text);
            my $n = length($text);
            sysseek($f, $n, SEEK_SET);
            syswrite($f, "x") == 1 or die "write: $!";
            if ($how eq "flock") { flock($f, LOCK_UN) or die "unlock: $!"; }
            else { my $l = pack("s s l! l! i", F_UNLCK, SEEK_SET, 0, 1, 0); fcntl($f, F_SETLK, $l) or die "unlock: $!"; }
        }
        close($f) or die "close: $!";"#;
    const ROUNDS: u64 = 75;
    for how in ["flock", "fcntl"] {
        let mut counting: Vec<Child> = [cluster.mount(), second.path(), cluster.mount(), second.path()]
            .iter()
            .map(|m| {
                let path = m.join(how);
                Command::new("perl").args(["-e", count]).arg(path).args([how, &ROUNDS.to_string()]).spawn()
            })
            .map(|child| child.expect("perl runs"))
            .collect();
        let begun = Instant::now();
        let ended: Vec<bool> = counting.iter_mut().map(|c| c.wait().expect("ended").success()).collect();
        println!("{how}: {:?}", begun.elapsed());
        assert_eq!(ended, [true; 4], "{how}");
        assert_eq!(fs::read(cluster.mount().join(how)).expect("read").len() as u64, 4 * ROUNDS, "{how}");
    }
}

#[test]
fn a_lock_ends_with_its_process_and_with_its_mount() {
    if common::skip(&["flock"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let mut second = cluster.second_mount();
    let path = cluster.mount().join("lock");
    fs::write(&path, "").expect("written");
    let hold = |at: &Path| -> Child {
        Command::new("flock").arg(at).args(["sleep", "100"]).stdin(Stdio::null()).spawn().expect("flock runs")
    };
    let is_free = || Command::new("flock").arg("-n").arg(&path).arg("true").status().expect("runs").success();
    let other = second.path().join("lock");

    // A killed process: at once.
    let mut holder = hold(&other);
    until(Duration::from_secs(10), "it is locked", || !is_free());
    shell(&format!("pkill -P {} || true; kill -9 {} || true", holder.id(), holder.id()));
    holder.wait().expect("ended");
    until(Duration::from_secs(5), "a dead process has no lock", is_free);

    // A killed mount: when its session has expired.
    let mut holder = hold(&other);
    until(Duration::from_secs(10), "it is locked", || !is_free());
    second.kill();
    let begun = Instant::now();
    assert!(!is_free(), "the lock lasts as long as the session");
    until(Duration::from_secs(55), "a dead mount has no lock", is_free);
    println!("free after {:?}", begun.elapsed());
    assert!(begun.elapsed() > Duration::from_secs(5));
    shell(&format!("pkill -P {} || true; kill -9 {} || true", holder.id(), holder.id()));
    holder.wait().expect("ended");
}

#[test]
fn names_changed_on_one_mount_are_seen_on_another_soon() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let (a, b) = (cluster.mount(), second.path());
    for round in 0..3 {
        let name = |n: &str| format!("{n}{round}");
        fs::write(a.join(name("x")), "x").expect("written");
        until(NAMES_LATE_MAX, "a new name is seen", || b.join(name("x")).exists());
        fs::rename(a.join(name("x")), a.join(name("y"))).expect("renamed");
        until(NAMES_LATE_MAX, "the old name is gone", || !b.join(name("x")).exists());
        until(NAMES_LATE_MAX, "the new name is there", || b.join(name("y")).exists());
        fs::set_permissions(a.join(name("y")), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("chmod");
        until(NAMES_LATE_MAX, "the mode is seen", || {
            fs::metadata(b.join(name("y"))).expect("stat").mode() & 0o777 == 0o600
        });
        fs::remove_file(a.join(name("y"))).expect("removed");
        until(NAMES_LATE_MAX, "a removed name is gone", || !b.join(name("y")).exists());
        let listed = fs::read_dir(b).expect("opendir").count();
        assert_eq!(listed, 0, "a listing asks the cluster");
        // A name that is gone can be made anew at once, by whoever comes first.
        let made = |m: &Path| File::options().write(true).create_new(true).open(m.join(name("once"))).is_ok();
        assert!(made(a) && !made(b), "exactly one mount makes it");
        fs::remove_file(a.join(name("once"))).expect("removed");
        until(NAMES_LATE_MAX, "it can be made on the other mount", || made(b));
        fs::remove_file(b.join(name("once"))).expect("removed");
    }
}

#[test]
fn a_reader_follows_a_file_that_another_mount_extends() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let mut writer = File::create(cluster.mount().join("growing")).expect("made");
    let reader = File::open(second.path().join("growing")).expect("open");
    let mut at = 0u64;
    for round in 0..5u8 {
        let part = vec![b'a' + round; 50_000];
        writer.write_all(&part).expect("written");
        writer.sync_all().expect("synced");
        let mut seen = vec![0; part.len()];
        // As tail -f does: fstat until it grows.
        until(NAMES_LATE_MAX, "the size is seen", || {
            reader.metadata().expect("fstat").len() == at + part.len() as u64
        });
        reader.read_exact_at(&mut seen, at).expect("read");
        assert!(seen == part);
        at += part.len() as u64;
    }
}

#[test]
fn no_name_is_missing_that_another_mount_has_made() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let (ours, theirs) = (cluster.mount().join("q"), second.path().join("q"));
    fs::create_dir(&ours).expect("made");
    assert_eq!(fs::read_dir(&theirs).expect("listed").count(), 0);
    // A queue of work between two machines.
    for at in 0..50 {
        fs::write(ours.join(format!("in{at}")), at.to_string()).expect("written");
        let work = fs::read_to_string(theirs.join(format!("in{at}"))).expect("it is there");
        fs::write(theirs.join(format!("out{at}")), &work).expect("written");
        assert_eq!(fs::read_to_string(ours.join(format!("out{at}"))).expect("it is there"), at.to_string());
    }
    for at in 0..50 {
        File::create_new(ours.join(format!("t{at}"))).expect("made");
        fs::remove_file(theirs.join(format!("t{at}"))).expect("it is there");
    }
    cluster.end();
}

/// What MPI's programs rely on: write, sync, barrier, sync, read.
#[test]
fn a_descriptor_that_was_synced_shows_what_others_had_synced() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let ours = File::create_new(cluster.mount().join("f")).expect("made");
    ours.sync_all().expect("synced");
    let theirs = File::options().read(true).write(true).open(second.path().join("f")).expect("open");
    for round in 1..=20u64 {
        let bytes = common::noise(round, 5000 * round as usize);
        ours.write_all_at(&bytes, 0).expect("written");
        ours.sync_all().expect("synced");
        theirs.sync_all().expect("synced");
        assert_eq!(theirs.metadata().expect("fstat").len(), bytes.len() as u64, "round {round}");
        let mut read = vec![0; bytes.len()];
        theirs.read_exact_at(&mut read, 0).expect("read");
        assert!(read == bytes, "round {round}: old bytes");
    }
    cluster.end();
}

#[test]
fn a_path_whose_directory_another_mount_removed_does_not_exist() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    let (ours, theirs) = (cluster.mount().join("d"), second.path().join("d"));
    fs::create_dir(&ours).expect("made");
    // Relative to a directory that is gone.
    let dir = File::open(&ours).expect("open");
    fs::remove_dir(&theirs).expect("removed");
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    let made = rustix::fs::openat(&dir, "x", flags, rustix::fs::Mode::RUSR).map(drop);
    assert_eq!(made, Err(rustix::io::Errno::NOENT));
    // By its path, while it comes and goes.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::create_dir(&theirs).expect("made");
                std::thread::sleep(Duration::from_millis(20));
                // Names come in until it is gone.
                while let Err(error) = fs::remove_dir_all(&theirs) {
                    assert_eq!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty, "{error}");
                }
            }
        });
        let (begun, mut made, mut missed) = (Instant::now(), 0, 0);
        while begun.elapsed() < Duration::from_secs(5) {
            match File::create(ours.join(format!("{}", made + missed))) {
                Ok(_) => made += 1,
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "after {made}: {error}");
                    missed += 1;
                }
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        println!("{made} made, {missed} times there was no directory");
        assert!(made > 0 && missed > 0);
    });
    cluster.end();
}
