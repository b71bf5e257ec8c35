//! The kernel's side with a small file system in place of the cluster: one directory, one file.
//! Without FUSE on the machine these tests say so and pass.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use fuser::{
    FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, KernelConfig, LockOwner,
    OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, WriteFlags,
};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use isobar_client::WriteMode;

use crate::capabilities::Capabilities;
use crate::flags::write_mode;
use crate::locks::{self, Meant};
use crate::mount::{KernelMount, Unmounted};
use crate::options::MountOptions;

const CONTENT: &[u8] = b"some bytes";
const TTL: Duration = Duration::from_secs(1);
/// Tells a copy of this test program what to do, and on which path.
const CHILD_PATH: &str = "ISOBAR_MOUNT_TEST_PATH";

#[derive(Default)]
struct Seen {
    write_flags: Vec<WriteFlags>,
    write_modes: Vec<WriteMode>,
    families: Vec<Meant>,
}

struct Tiny {
    capabilities: Capabilities,
    ended: watch::Sender<bool>,
    runtime: Arc<Runtime>,
    seen: Arc<Mutex<Seen>>,
}

fn tiny_attr(node: u64) -> FileAttr {
    let mut attr = crate::attr::dot_attr(node);
    if node == 2 {
        attr.kind = FileType::RegularFile;
        attr.perm = 0o666;
        attr.size = CONTENT.len() as u64;
        attr.nlink = 1;
    }
    attr.mtime = UNIX_EPOCH + Duration::from_secs(1);
    attr
}

impl Filesystem for Tiny {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        self.capabilities.apply(config);
        Ok(())
    }

    fn destroy(&mut self) {
        self.ended.send_replace(true);
    }

    fn lookup(&self, _req: &Request, _parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == "file" {
            reply.entry(&TTL, &tiny_attr(2), Generation(0));
        } else {
            reply.error(fuser::Errno::ENOENT);
        }
    }

    fn getattr(&self, _req: &Request, node: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &tiny_attr(node.0));
    }

    fn open(&self, _req: &Request, _node: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let flags = FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_PARALLEL_DIRECT_WRITES;
        reply.opened(FileHandle(0), flags);
    }

    fn read(
        &self,
        _req: &Request,
        _node: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let start = CONTENT.len().min(offset as usize);
        let end = CONTENT.len().min(start + size as usize);
        reply.data(&CONTENT[start..end]);
    }

    fn write(
        &self,
        _req: &Request,
        _node: INodeNo,
        _fh: FileHandle,
        _offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut seen = self.seen.lock();
        seen.write_flags.push(write_flags);
        seen.write_modes.push(write_mode(flags.0));
        reply.written(data.len() as u32);
    }

    fn flush(&self, _req: &Request, _node: INodeNo, _fh: FileHandle, _owner: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn setlk(
        &self,
        req: &Request,
        _node: INodeNo,
        _fh: FileHandle,
        _owner: LockOwner,
        _start: u64,
        _end: u64,
        _typ: i32,
        _pid: u32,
        sleep: bool,
        reply: ReplyEmpty,
    ) {
        let (seen, caller) = (self.seen.clone(), req.pid());
        self.runtime.spawn(async move {
            let family = locks::family_of_caller(caller).await;
            seen.lock().families.push(family);
            // A lock that is waited for is never free here.
            while sleep && locks::reason_to_stop(caller, false).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if sleep {
                reply.error(fuser::Errno::EINTR);
            } else {
                reply.ok();
            }
        });
    }
}

struct TinyMount {
    kernel: KernelMount,
    ended: watch::Receiver<bool>,
    seen: Arc<Mutex<Seen>>,
}

fn mount_tiny(path: &Path) -> TinyMount {
    let options = MountOptions { threads: 2, ..MountOptions::new(path) };
    let (ended_tx, ended) = watch::channel(false);
    let seen = Arc::<Mutex<Seen>>::default();
    let tiny = Tiny {
        capabilities: Capabilities::new(&options),
        ended: ended_tx,
        runtime: Arc::new(Runtime::new().unwrap()),
        seen: seen.clone(),
    };
    // A runtime must not be dropped by one of its own threads; this one lives as long as the process.
    std::mem::forget(tiny.runtime.clone());
    let (kernel, _) = KernelMount::new(tiny, &options, ended.clone()).unwrap();
    TinyMount { kernel, ended, seen }
}

fn fuse_is_here() -> bool {
    match crate::fuse_available() {
        Ok(()) => true,
        Err(why) => {
            eprintln!("skipped: {why}");
            false
        }
    }
}

/// A copy of this program that runs one of the ignored tests below.
fn start_child(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("tests::{test}"), "--ignored", "--nocapture"])
        .env(CHILD_PATH, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn child_path() -> Option<PathBuf> {
    std::env::var_os(CHILD_PATH).map(PathBuf::from)
}

fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    condition()
}

#[test]
#[ignore = "run by other tests in a process of its own"]
fn child_serves_until_killed() {
    let Some(path) = child_path() else { return };
    let _mount = mount_tiny(&path);
    let _ = io::stdin().read(&mut [0]);
}

#[test]
#[ignore = "run by other tests in a process of its own"]
fn child_waits_for_a_lock() {
    let Some(path) = child_path() else { return };
    let file = fs::File::open(path).unwrap();
    let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive);
}

#[test]
fn a_mount_appears_and_goes() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut mount = mount_tiny(dir.path());
    assert_eq!(fs::read(dir.path().join("file")).unwrap(), CONTENT);
    let found = crate::mount_point::mounted_on(&dir.path().canonicalize().unwrap()).unwrap();
    assert_eq!(found.source, "isobar");
    let again = crate::mount_point::prepare(dir.path(), false).unwrap_err();
    assert!(again.to_string().contains("already has isobar"), "{again}");
    assert_eq!(mount.kernel.detach().unwrap(), Unmounted::Clean);
    assert!(within(Duration::from_secs(5), || *mount.ended.borrow()));
    assert!(!dir.path().join("file").exists());
}

#[test]
fn dropping_a_mount_unmounts_it() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = mount_tiny(dir.path());
    drop(mount.kernel);
    assert!(!dir.path().join("file").exists());
}

#[test]
fn a_mount_in_use_is_detached_and_serves_on() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut mount = mount_tiny(dir.path());
    let mut file = fs::File::open(dir.path().join("file")).unwrap();
    assert_eq!(mount.kernel.detach().unwrap(), Unmounted::Detached);
    assert!(!dir.path().join("file").exists());
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    assert_eq!(text, CONTENT);
    assert!(!*mount.ended.borrow());
    drop(file);
    assert!(within(Duration::from_secs(5), || *mount.ended.borrow()));
}

#[test]
fn unmounting_what_somebody_else_unmounted_is_no_error() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut mount = mount_tiny(dir.path());
    if rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::empty()).is_err() {
        return eprintln!("skipped: not allowed to unmount");
    }
    assert!(within(Duration::from_secs(5), || *mount.ended.borrow()));
    assert_eq!(mount.kernel.detach().unwrap(), Unmounted::AlreadyGone);
}

#[test]
fn a_dead_mount_is_replaced() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = start_child("child_serves_until_killed", dir.path());
    let file = dir.path().join("file");
    assert!(within(Duration::from_secs(10), || file.exists()));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut mount = mount_tiny(dir.path());
    assert_eq!(fs::read(&file).unwrap(), CONTENT);
    assert_eq!(mount.kernel.detach().unwrap(), Unmounted::Clean);
    // Nothing of the dead mount is left beneath.
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn the_kernel_calls_for_locks_are_told_apart() {
    use rustix::fs::{FlockOperation, fcntl_lock, flock};
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = mount_tiny(dir.path());
    let file = fs::OpenOptions::new().read(true).write(true).open(dir.path().join("file")).unwrap();
    for _ in 0..20 {
        flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    }
    use isobar_client::LockFamily::{Flock, Posix};
    let expected: Vec<Meant> = (0..20).flat_map(|_| [Meant::One(Flock), Meant::One(Posix)]).collect();
    assert_eq!(mount.seen.lock().families, expected);
}

#[test]
fn a_killed_process_stops_waiting_for_a_lock() {
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = mount_tiny(dir.path());
    let mut child = start_child("child_waits_for_a_lock", &dir.path().join("file"));
    assert!(within(Duration::from_secs(10), || { !mount.seen.lock().families.is_empty() }));
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    assert!(within(Duration::from_secs(5), || { child.try_wait().unwrap().is_some() }));
}

#[test]
fn each_write_says_how_it_is_meant() {
    use rustix::fs::{OFlags, fcntl_setfl};
    use rustix::io::{IoSlice, ReadWriteFlags, pwritev2};
    if !fuse_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = mount_tiny(dir.path());
    let file = fs::OpenOptions::new().append(true).open(dir.path().join("file")).unwrap();
    let write = |flags| pwritev2(&file, &[IoSlice::new(b"x")], 0, flags).unwrap();
    write(ReadWriteFlags::empty());
    fcntl_setfl(&file, OFlags::empty()).unwrap();
    write(ReadWriteFlags::empty());
    write(ReadWriteFlags::DSYNC);
    write(ReadWriteFlags::SYNC);
    let mode = |append, sync| WriteMode { append, sync };
    let expected = [mode(true, false), mode(false, false), mode(false, true), mode(false, true)];
    assert_eq!(mount.seen.lock().write_modes, expected);
}

#[test]
fn writes_of_ordinary_users_ask_to_clear_set_id_bits() {
    if !fuse_is_here() || !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: needs root");
    }
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mount = mount_tiny(dir.path());
    let path = dir.path().join("file");
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(b"x").unwrap();
    drop(file);
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg("echo x >> \"$0\"")
        .arg(&path)
        .uid(65534)
        .gid(65534)
        .status()
        .unwrap();
    assert!(status.success());
    let asked: Vec<bool> = mount
        .seen
        .lock()
        .write_flags
        .iter()
        .map(|f| f.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID))
        .collect();
    assert_eq!(asked, [false, true]);
}
