//! One method per kernel request: the fast path in the FUSE thread, the rest moved to a task.
//!
//! What a request costs on the fast path beyond the client's own work: lookup and getattr one shard
//! lock of [`crate::told`]; read and write one shared shard lock and one reference count. No
//! allocation, no task.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, RenameFlags,
    ReplyAttr, ReplyBmap, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry,
    ReplyIoctl, ReplyLock, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr, Request,
    TimeOrNow, WriteFlags,
};
use isobar_base::limits::NAME_BYTES_MAX;
use isobar_base::{Errno, Ino};
use isobar_client::{NewInode, OpenOptions, Owner};
use isobar_wire::message::files::{Attr, FileKind, LockFamily};
use isobar_wire::message::ops::SetAttr;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::attr::{TTL, errno, file_attr, kind_of_mode, set_time, without_setid};
use crate::dir::{Dir, Page, Served, Sink, cookie_of_offset};
use crate::flags::{is_punch_hole, open_options, rename_mode, xattr_mode};
use crate::handles::File;
use crate::kernel::Wishes;
use crate::locks::{self, Asked};
use crate::shared::{Shared, empty};
use crate::xattr;

/// Block size of statfs.
const STATFS_BLOCK_BYTES: u32 = 4096;

/// The file system as fuser calls it.
pub struct IsobarFs {
    shared: Arc<Shared>,
    wishes: Wishes,
    ended: watch::Sender<bool>,
}

impl IsobarFs {
    /// `ended` becomes true when the kernel has let go of the mount.
    pub fn new(shared: Arc<Shared>, wishes: Wishes, ended: watch::Sender<bool>) -> Self {
        IsobarFs { shared, wishes, ended }
    }

    fn file(&self, fh: FileHandle) -> Option<Arc<File>> {
        self.shared.files.get(fh.0)
    }

    fn make(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        node: (FileKind, u32, u32),
        reply: ReplyEntry,
    ) {
        let (shared, name) = (self.shared.clone(), name.as_bytes().to_vec());
        let (kind, mode, rdev) = node;
        let owner = Owner { uid: req.uid(), gid: req.gid() };
        let new = NewInode { kind, mode: mode & 0o7777, owner, rdev };
        self.shared.spawn(async move {
            let result = shared.client.create(ino(parent), &name, new, true).await;
            shared.entry(reply, result.map(|(attr, _)| attr));
        });
    }

    fn read_dir<S: Sink>(&self, fh: FileHandle, offset: u64, mut sink: S) {
        let Some(dir) = self.shared.dirs.get(fh.0) else {
            return sink.finish(Err(Errno::EBADF));
        };
        // Offset 0 is the first read or a rewinddir: it fetches anew.
        if offset > 0 {
            let served = dir.page.lock().serve(dir.ino, offset, &self.shared.told, &mut sink);
            if served == Served::Done {
                return sink.finish(Ok(()));
            }
        }
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let result = fetch_and_serve(&shared, &dir, offset, &mut sink).await;
            sink.finish(result);
        });
    }
}

async fn fetch_and_serve(shared: &Shared, dir: &Dir, offset: u64, sink: &mut impl Sink) -> Result<(), Errno> {
    let after = cookie_of_offset(offset);
    let known_parent = if offset == 0 { None } else { dir.page.lock().parent };
    let (parent, entries) = match known_parent {
        Some(parent) => (Some(parent), shared.client.readdir(dir.ino, after).await?),
        None => {
            let (parent, entries) =
                tokio::join!(shared.client.parent(dir.ino), shared.client.readdir(dir.ino, after));
            // A removed directory has nothing above it; it still lists as empty.
            (parent.ok().map(|attr| attr.ino), entries?)
        }
    };
    let (entries, end) = entries;
    let page = Page { parent, after, end: end || entries.is_empty(), entries, fetched: true };
    // Freshly fetched after the very cookie asked for: always served.
    page.serve(dir.ino, offset, &shared.told, sink);
    *dir.page.lock() = page;
    Ok(())
}

/// Opens and gives the handle and the flags of the reply.
async fn open(
    shared: &Shared,
    ino: Ino,
    options: OpenOptions,
    is_root: bool,
) -> Result<(Attr, FileHandle, FopenFlags), Errno> {
    let (open, mut attr) = shared.client.open(ino, options).await?;
    if options.truncate && !is_root {
        // With O_TRUNC in the open the kernel leaves this to us.
        if let Some(mode) = without_setid(attr.mode) {
            match shared.drop_setid(&attr, mode).await {
                Ok(changed) => attr = changed,
                Err(e) => {
                    shared.client.release(open).await;
                    return Err(e);
                }
            }
        }
    }
    let flags = shared.begin_open(&attr);
    let file = File::new(ino, open, options.append, shared.setid_clear_at(&attr));
    Ok((attr, FileHandle(shared.files.insert(file)), flags))
}

/// Creates and opens, or opens what exists.
async fn create(
    shared: &Shared,
    parent: Ino,
    name: &[u8],
    mode: u32,
    owner: Owner,
    flags: i32,
) -> Result<(Attr, FileHandle, FopenFlags), Errno> {
    let exclusive = flags & libc::O_EXCL != 0;
    let options = open_options(flags);
    let (attr, created) = shared.client.create(parent, name, NewInode::file(mode, owner), exclusive).await?;
    if !created {
        // Somebody else made it since the kernel looked. The kernel would not check permissions of a
        // file it believes to be new: ESTALE makes it look again and open what is there.
        return if owner.uid == 0 { open(shared, attr.ino, options, true).await } else { Err(Errno::ESTALE) };
    }
    if options.sync {
        shared.client.sync_directory(parent).await?;
    }
    let (fh, flags) = opened_new(shared, &attr, options);
    Ok((attr, fh, flags))
}

/// The handle of a file this mount has just made.
fn opened_new(shared: &Shared, attr: &Attr, options: OpenOptions) -> (FileHandle, FopenFlags) {
    let open = shared.client.open_created(attr, options);
    let flags = shared.begin_open(attr);
    let file = File::new(attr.ino, open, options.append, shared.setid_clear_at(attr));
    (FileHandle(shared.files.insert(file)), flags)
}

/// What a write needs beyond the client's write.
#[derive(Clone, Copy)]
struct WriteNeeds {
    /// Set-id bits must go.
    clear_setid: bool,
    /// Mapped pages being written back through a handle the kernel picked, which appends.
    not_append: bool,
}

async fn write(
    shared: &Shared,
    file: &File,
    offset: u64,
    data: &[u8],
    needs: WriteNeeds,
) -> Result<(), Errno> {
    if needs.clear_setid {
        shared.clear_setid(file).await?;
    }
    if !needs.not_append {
        return shared.client.write(&file.open, offset, data).await;
    }
    let options = OpenOptions { write: true, ..OpenOptions::default() };
    let (open, _) = shared.client.open(file.ino, options).await?;
    let mut result = shared.client.write(&open, offset, data).await;
    if result.is_ok() {
        result = shared.client.flush(&open).await;
    }
    shared.client.release(open).await;
    result
}

fn ino(node: INodeNo) -> Ino {
    Ino(node.0)
}

impl Filesystem for IsobarFs {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        self.wishes.apply(config);
        Ok(())
    }

    fn destroy(&mut self) {
        self.ended.send_replace(true);
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let (client, name) = (&self.shared.client, name.as_bytes());
        if name.len() > NAME_BYTES_MAX {
            return reply.error(fuser::Errno::ENAMETOOLONG);
        }
        // "." and ".." come from NFS export only: the kernel walks them by itself.
        let is_dots = name == b"." || name == b"..";
        if !is_dots && let Some(result) = client.try_lookup(ino(parent), name) {
            return self.shared.entry(reply, result);
        }
        let (shared, name) = (self.shared.clone(), name.to_vec());
        self.shared.spawn(async move {
            let result = match name.as_slice() {
                b"." => shared.client.getattr(ino(parent)).await,
                b".." => shared.client.parent(ino(parent)).await,
                name => shared.client.lookup(ino(parent), name).await,
            };
            shared.entry(reply, result);
        });
    }

    fn forget(&self, _req: &Request, node: INodeNo, _nlookup: u64) {
        self.shared.told.forget(node.0);
    }

    fn getattr(&self, _req: &Request, node: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        if let Some(attr) = self.shared.client.try_getattr(ino(node)) {
            return self.shared.attr(reply, Ok(attr));
        }
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let result = shared.client.getattr(ino(node)).await;
            shared.attr(reply, result);
        });
    }

    fn setattr(
        &self,
        _req: &Request,
        node: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = SetAttr {
            mode: mode.map(|m| m & 0o7777),
            uid,
            gid,
            size,
            atime: atime.map(set_time),
            mtime: mtime.map(set_time),
        };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let result = if set == SetAttr::default() {
                shared.client.getattr(ino(node)).await
            } else {
                if let Some(mode) = set.mode {
                    shared.note_mode(mode);
                }
                shared.client.setattr(ino(node), set).await
            };
            shared.attr(reply, result);
        });
    }

    fn readlink(&self, _req: &Request, node: INodeNo, reply: ReplyData) {
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            match shared.client.readlink(ino(node)).await {
                Ok(target) => reply.data(&target),
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        match kind_of_mode(mode) {
            Some(kind) => self.make(req, parent, name, (kind, mode, rdev), reply),
            None => reply.error(fuser::Errno::EINVAL),
        }
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, _umask: u32, reply: ReplyEntry) {
        self.make(req, parent, name, (FileKind::Directory, mode, 0), reply);
    }

    fn unlink(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        if self.shared.client.try_unlink(ino(parent), name.as_bytes()).is_some() {
            return reply.ok();
        }
        let (shared, name) = (self.shared.clone(), name.as_bytes().to_vec());
        self.shared.spawn(async move {
            empty(reply, shared.client.unlink(ino(parent), &name).await);
        });
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (shared, name) = (self.shared.clone(), name.as_bytes().to_vec());
        self.shared.spawn(async move {
            empty(reply, shared.client.rmdir(ino(parent), &name).await);
        });
    }

    fn symlink(&self, req: &Request, parent: INodeNo, link_name: &OsStr, target: &Path, reply: ReplyEntry) {
        let (shared, name) = (self.shared.clone(), link_name.as_bytes().to_vec());
        let target = target.as_os_str().as_bytes().to_vec();
        let owner = Owner { uid: req.uid(), gid: req.gid() };
        self.shared.spawn(async move {
            let result = shared.client.symlink(ino(parent), &name, &target, owner).await;
            shared.entry(reply, result);
        });
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mode = match rename_mode(flags) {
            Ok(mode) => mode,
            Err(e) => return reply.error(errno(e)),
        };
        let (shared, name) = (self.shared.clone(), name.as_bytes().to_vec());
        let newname = newname.as_bytes().to_vec();
        self.shared.spawn(async move {
            let result = shared.client.rename(ino(parent), &name, ino(newparent), &newname, mode).await;
            empty(reply, result);
        });
    }

    fn link(&self, _req: &Request, node: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        let (shared, name) = (self.shared.clone(), newname.as_bytes().to_vec());
        self.shared.spawn(async move {
            let result = shared.client.link(ino(node), ino(newparent), &name).await;
            shared.entry(reply, result);
        });
    }

    fn open(&self, req: &Request, node: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let (shared, is_root) = (self.shared.clone(), req.uid() == 0);
        self.shared.spawn(async move {
            match open(&shared, ino(node), open_options(flags.0), is_root).await {
                Ok((_, fh, flags)) => reply.opened(fh, flags),
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let (owner, options) = (Owner { uid: req.uid(), gid: req.gid() }, open_options(flags));
        if !options.sync
            && let Some(attr) =
                self.shared.client.try_create(ino(parent), name.as_bytes(), mode & 0o7777, owner)
        {
            let (fh, flags) = opened_new(&self.shared, &attr, options);
            return reply.created(&TTL, &file_attr(&attr), Generation(0), fh, flags);
        }
        let (shared, name) = (self.shared.clone(), name.as_bytes().to_vec());
        self.shared.spawn(async move {
            match create(&shared, ino(parent), &name, mode & 0o7777, owner, flags).await {
                Ok((attr, fh, flags)) => {
                    reply.created(&TTL, &file_attr(&attr), Generation(0), fh, flags);
                }
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn read(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        if let Some(bytes) = self.shared.client.try_read(&file.open, offset, size) {
            return reply.data(&bytes.contiguous());
        }
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            match shared.client.read(&file.open, offset, size).await {
                Ok(bytes) => reply.data(&bytes.contiguous()),
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn write(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let needs = WriteNeeds {
            clear_setid: write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID)
                && !self.shared.is_setid_clear(&file),
            not_append: file.append && write_flags.contains(WriteFlags::FUSE_WRITE_CACHE),
        };
        // A request holds at most REQUEST_BYTES_MAX bytes.
        let written = data.len() as u32;
        if !needs.clear_setid
            && !needs.not_append
            && let Some(result) = self.shared.client.try_write(&file.open, offset, data)
        {
            return match result {
                Ok(()) => reply.written(written),
                Err(e) => reply.error(errno(e)),
            };
        }
        let (shared, data) = (self.shared.clone(), data.to_vec());
        self.shared.spawn(async move {
            match write(&shared, &file, offset, &data, needs).await {
                Ok(()) => reply.written(written),
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn flush(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let client = &self.shared.client;
        file.forget_lock(lock_owner.0);
        let unlock = client.holds_locks(file.ino, lock_owner.0);
        if !unlock && client.try_flush(&file.open) {
            return reply.ok();
        }
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let mut result = shared.client.flush(&file.open).await;
            // Whoever gets the lock next sees the bytes: unlock after they are committed.
            if unlock {
                let unlocked = shared.client.unlock_all(file.ino, lock_owner.0).await;
                result = result.and(unlocked);
            }
            empty(reply, result);
        });
    }

    fn release(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        let file = self.shared.files.remove(fh.0);
        // Nobody waits for the outcome of a release.
        reply.ok();
        let Some(file) = file else { return };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            let mut owners = file.take_lock_owners();
            if let Some(owner) = lock_owner
                && !owners.contains(&owner.0)
            {
                owners.push(owner.0);
            }
            for owner in owners {
                // Locks end with the session if they cannot be given up now.
                if shared.client.holds_locks(file.ino, owner)
                    && let Err(error) = shared.client.unlock_all(file.ino, owner).await
                {
                    tracing::warn!(ino = %file.ino, %error, "a lock could not be given up on close");
                }
            }
            shared.client.release(file.open.clone()).await;
        });
    }

    fn fsync(&self, _req: &Request, _node: INodeNo, fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            empty(reply, shared.client.fsync(&file.open).await);
        });
    }

    fn opendir(&self, _req: &Request, node: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let fh = self.shared.dirs.insert(Dir { ino: ino(node), page: Mutex::new(Page::default()) });
        reply.opened(FileHandle(fh), FopenFlags::empty());
    }

    fn readdir(&self, _req: &Request, _node: INodeNo, fh: FileHandle, offset: u64, reply: ReplyDirectory) {
        self.read_dir(fh, offset, reply);
    }

    fn readdirplus(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        self.read_dir(fh, offset, reply);
    }

    fn releasedir(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.shared.dirs.remove(fh.0);
        reply.ok();
    }

    fn fsyncdir(&self, _req: &Request, node: INodeNo, _fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            empty(reply, shared.client.sync_directory(ino(node)).await);
        });
    }

    fn statfs(&self, _req: &Request, _node: INodeNo, reply: ReplyStatfs) {
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            match shared.client.statfs().await {
                Ok(fs) => {
                    let blocks = |bytes: u64| bytes / u64::from(STATFS_BLOCK_BYTES);
                    let free = blocks(fs.free_bytes);
                    reply.statfs(
                        blocks(fs.total_bytes),
                        free,
                        free,
                        fs.inodes,
                        fs.inodes_free,
                        STATFS_BLOCK_BYTES,
                        NAME_BYTES_MAX as u32,
                        STATFS_BLOCK_BYTES,
                    );
                }
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn setxattr(
        &self,
        _req: &Request,
        node: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let name = name.as_bytes();
        let mode = match xattr::check_name(name).and_then(|()| xattr_mode(flags)) {
            Ok(mode) => mode,
            Err(e) => return reply.error(errno(e)),
        };
        let (shared, name, value) = (self.shared.clone(), name.to_vec(), value.to_vec());
        self.shared.spawn(async move {
            let result = shared.client.setxattr(ino(node), &name, &value, mode).await;
            empty(reply, result);
        });
    }

    fn getxattr(&self, _req: &Request, node: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let name = name.as_bytes();
        if let Err(e) = xattr::check_name(name) {
            return reply.error(errno(e));
        }
        let (shared, name) = (self.shared.clone(), name.to_vec());
        self.shared.spawn(async move {
            let value = shared.client.getxattr(ino(node), &name).await;
            xattr::answer(reply, size, value);
        });
    }

    fn listxattr(&self, req: &Request, node: INodeNo, size: u32, reply: ReplyXattr) {
        let (shared, is_root) = (self.shared.clone(), req.uid() == 0);
        self.shared.spawn(async move {
            let names = shared.client.listxattr(ino(node)).await;
            let joined = names.map(|names| xattr::join_names(&names, is_root));
            xattr::answer(reply, size, joined);
        });
    }

    fn removexattr(&self, _req: &Request, node: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.as_bytes();
        if let Err(e) = xattr::check_name(name) {
            return reply.error(errno(e));
        }
        let (shared, name) = (self.shared.clone(), name.to_vec());
        self.shared.spawn(async move {
            empty(reply, shared.client.removexattr(ino(node), &name).await);
        });
    }

    fn access(&self, _req: &Request, _node: INodeNo, _mask: AccessFlags, reply: ReplyEmpty) {
        // The kernel checks permissions itself (default_permissions) and stops asking.
        reply.error(fuser::Errno::ENOSYS);
    }

    fn getlk(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        lock_owner: LockOwner,
        start: u64,
        end: u64,
        typ: i32,
        pid: u32,
        reply: ReplyLock,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let asked = Asked { start, end, typ, owner: lock_owner.0, pid };
        let lock = match asked.lock(LockFamily::Posix) {
            Ok(lock) => lock,
            Err(e) => return reply.error(errno(e)),
        };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            match shared.client.test_lock(file.ino, lock).await {
                Ok(Some(other)) => {
                    let (start, end, typ, pid) = locks::for_kernel(&other);
                    reply.locked(start, end, typ, pid);
                }
                Ok(None) => reply.locked(start, end, libc::F_UNLCK, 0),
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn setlk(
        &self,
        req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        lock_owner: LockOwner,
        start: u64,
        end: u64,
        typ: i32,
        pid: u32,
        sleep: bool,
        reply: ReplyEmpty,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let asked = Asked { start, end, typ, owner: lock_owner.0, pid };
        let (shared, caller) = (self.shared.clone(), req.pid());
        self.shared.spawn(async move {
            let result = locks::set(&shared.client, &file, asked, sleep, caller).await;
            if result.is_ok() && typ != libc::F_UNLCK {
                // Whoever holds a lock may rely on what fstat says, the size above all.
                shared.drop_attributes(file.ino);
            }
            empty(reply, result);
        });
    }

    fn fallocate(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        // Space cannot be reserved; EOPNOTSUPP makes posix_fallocate write zeros instead.
        if !is_punch_hole(mode) {
            return reply.error(fuser::Errno::EOPNOTSUPP);
        }
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            empty(reply, shared.client.punch(&file.open, offset, length).await);
        });
    }

    fn lseek(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let data = match whence {
            libc::SEEK_DATA => true,
            libc::SEEK_HOLE => false,
            _ => return reply.error(fuser::Errno::EINVAL),
        };
        let Ok(offset) = u64::try_from(offset) else {
            return reply.error(fuser::Errno::ENXIO);
        };
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let shared = self.shared.clone();
        self.shared.spawn(async move {
            match shared.client.seek(&file.open, offset, data).await {
                Ok(at) => match i64::try_from(at) {
                    Ok(at) => reply.offset(at),
                    Err(_) => reply.error(fuser::Errno::EOVERFLOW),
                },
                Err(e) => reply.error(errno(e)),
            }
        });
    }

    fn ioctl(
        &self,
        _req: &Request,
        _node: INodeNo,
        _fh: FileHandle,
        _flags: IoctlFlags,
        _cmd: u32,
        _in_data: &[u8],
        _out_size: u32,
        reply: ReplyIoctl,
    ) {
        reply.error(fuser::Errno::ENOTTY);
    }

    fn poll(
        &self,
        _req: &Request,
        _node: INodeNo,
        _fh: FileHandle,
        _ph: PollNotifier,
        _events: PollEvents,
        _flags: PollFlags,
        reply: ReplyPoll,
    ) {
        // The kernel then takes files as always ready and stops asking.
        reply.error(fuser::Errno::ENOSYS);
    }

    fn bmap(&self, _req: &Request, _node: INodeNo, _size: u32, _index: u64, reply: ReplyBmap) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn copy_file_range(
        &self,
        _req: &Request,
        _ino_in: INodeNo,
        _fh_in: FileHandle,
        _offset_in: u64,
        _ino_out: INodeNo,
        _fh_out: FileHandle,
        _offset_out: u64,
        _len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        // The kernel then copies by reading and writing and stops asking.
        reply.error(fuser::Errno::ENOSYS);
    }
}
