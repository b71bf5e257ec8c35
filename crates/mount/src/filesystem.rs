//! One method per kernel request: the fast path in the FUSE thread, the rest moved to a task.
//!
//! What a request costs on the fast path beyond the client's own work: lookup and getattr one shard
//! lock of [`crate::kernel_attrs`]; read and write one shared shard lock and one reference count. No
//! allocation, no task.

use std::cell::RefCell;
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
use isobar_client::{Attr, FileKind, LockFamily, NewInode, ReadBytes, SetAttr, StatFs, WriteMode};
use isobar_vfs::{NewMode, Opened, WriteIntent};
use tokio::sync::watch;

use crate::attr::{TTL, errno, file_attr, kind_of_mode, set_time};
use crate::caller::{system_call, who, who_with_groups};
use crate::capabilities::Capabilities;
use crate::context::{Context, close, nothing};
use crate::dir::Dir;
use crate::flags::{allocation, open_options, reads, rename_mode, write_mode, xattr_mode};
use crate::gone::walks_again_only_when_made;
use crate::handles::File;
use crate::locks::{self, LockRequest};
use crate::{readdir, xattr};

/// Block size of statfs.
const STATFS_BLOCK_BYTES: u32 = 4096;

/// The file system as fuser calls it.
pub struct IsobarFs {
    context: Arc<Context>,
    capabilities: Capabilities,
    ended: watch::Sender<bool>,
}

impl IsobarFs {
    /// `ended` becomes true when the kernel has let go of the mount.
    pub fn new(context: Arc<Context>, capabilities: Capabilities, ended: watch::Sender<bool>) -> Self {
        IsobarFs { context, capabilities, ended }
    }

    fn file(&self, fh: FileHandle) -> Option<Arc<File>> {
        self.context.files.get(fh.0)
    }

    fn make(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        node: (FileKind, u32, u32),
        umask: u32,
        reply: ReplyEntry,
    ) {
        let (name, who, (kind, mode, rdev)) = (name.as_bytes().to_vec(), who(req), node);
        let new = NewInode { kind, mode: mode & 0o7777, owner: who.owner(), rdev };
        let names = NamesOf::one(req, parent);
        self.context.reply_entry(req, reply, |context| async move {
            names.outcome(&context, context.vfs.make_masked(&who, ino(parent), &name, new, umask).await)
        });
    }
}

fn ino(node: INodeNo) -> Ino {
    Ino(node.0)
}

/// A request about names of directories.
struct NamesOf {
    caller: u32,
    dirs: Vec<Ino>,
}

impl NamesOf {
    fn one(req: &Request, dir: INodeNo) -> NamesOf {
        NamesOf { caller: req.pid(), dirs: vec![ino(dir)] }
    }

    /// What the caller is told; see [`crate::gone`].
    fn outcome<T>(&self, context: &Context, result: Result<T, Errno>) -> Result<T, Errno> {
        result.map_err(|errno| context.gone.answer(self.caller, &self.dirs, errno))
    }

    /// The same for the lookup of a name.
    async fn outcome_of_lookup<T>(&self, context: &Context, result: Result<T, Errno>) -> Result<T, Errno> {
        if matches!(result, Err(Errno::ESTALE))
            && system_call(self.caller).await.is_some_and(walks_again_only_when_made)
        {
            return Err(Errno::ENOENT);
        }
        self.outcome(context, result)
    }
}

impl Filesystem for IsobarFs {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        self.capabilities.apply(config);
        Ok(())
    }

    fn destroy(&mut self) {
        self.ended.send_replace(true);
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let (who, name) = (who(req), name.as_bytes());
        if name.len() > NAME_BYTES_MAX {
            return reply.error(fuser::Errno::ENAMETOOLONG);
        }
        // "." and ".." come from NFS export only: the kernel walks them by itself.
        let is_dots = name == b"." || name == b"..";
        if !is_dots && let Some(result) = self.context.vfs.try_lookup(&who, ino(parent), name) {
            return self.context.entry(reply, result);
        }
        let (name, names) = (name.to_vec(), NamesOf::one(req, parent));
        self.context.reply_entry(req, reply, |context| async move {
            let found = context.vfs.lookup(&who, ino(parent), &name).await;
            names.outcome_of_lookup(&context, found).await
        });
    }

    fn forget(&self, _req: &Request, node: INodeNo, _nlookup: u64) {
        self.context.kernel_attrs.forget(node.0);
    }

    fn getattr(&self, req: &Request, node: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        if let Some(attr) = self.context.vfs.try_getattr(ino(node)) {
            return self.context.attr(reply, Ok(attr));
        }
        self.context.reply_attr(req, reply, |context| async move { context.vfs.getattr(ino(node)).await });
    }

    fn setattr(
        &self,
        req: &Request,
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
            mode_clear: 0,
            mode_set: 0,
            uid,
            gid,
            size,
            atime: atime.map(set_time),
            mtime: mtime.map(set_time),
        };
        // Who truncates a file of a group it is not in takes its set-group-id bit away.
        let who = if set.size.is_some() { who_with_groups(req) } else { who(req) };
        self.context
            .reply_attr(req, reply, |context| async move { context.vfs.setattr(&who, ino(node), set).await });
    }

    fn readlink(&self, req: &Request, node: INodeNo, reply: ReplyData) {
        let work = |context: Arc<Context>| async move { context.vfs.readlink(ino(node)).await };
        self.context.answer(req.pid(), work, |_, target| data(reply, target), nothing);
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        match kind_of_mode(mode) {
            Some(kind) => self.make(req, parent, name, (kind, mode, rdev), umask, reply),
            None => reply.error(fuser::Errno::EINVAL),
        }
    }

    fn mkdir(&self, req: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        self.make(req, parent, name, (FileKind::Directory, mode, 0), umask, reply);
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        if self.context.vfs.try_unlink(ino(parent), name.as_bytes()).is_some() {
            return reply.ok();
        }
        let (who, name, names) = (who(req), name.as_bytes().to_vec(), NamesOf::one(req, parent));
        self.context.reply_empty(req, reply, |context| async move {
            names.outcome(&context, context.vfs.unlink(&who, ino(parent), &name).await)
        });
    }

    fn rmdir(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (who, name, names) = (who(req), name.as_bytes().to_vec(), NamesOf::one(req, parent));
        self.context.reply_empty(req, reply, |context| async move {
            names.outcome(&context, context.vfs.rmdir(&who, ino(parent), &name).await)
        });
    }

    fn symlink(&self, req: &Request, parent: INodeNo, link_name: &OsStr, target: &Path, reply: ReplyEntry) {
        let (who, name) = (who(req), link_name.as_bytes().to_vec());
        let (target, names) = (target.as_os_str().as_bytes().to_vec(), NamesOf::one(req, parent));
        self.context.reply_entry(req, reply, |context| async move {
            names.outcome(&context, context.vfs.symlink(&who, ino(parent), &name, &target).await)
        });
    }

    fn rename(
        &self,
        req: &Request,
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
        let (who, name, newname) = (who(req), name.as_bytes().to_vec(), newname.as_bytes().to_vec());
        let names = NamesOf { caller: req.pid(), dirs: vec![ino(parent), ino(newparent)] };
        self.context.reply_empty(req, reply, |context| async move {
            let (from, to) = ((ino(parent), &name[..]), (ino(newparent), &newname[..]));
            names.outcome(&context, context.vfs.rename(&who, from, to, mode).await)
        });
    }

    fn link(&self, req: &Request, node: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        let (who, name, names) = (who(req), newname.as_bytes().to_vec(), NamesOf::one(req, newparent));
        self.context.reply_entry(req, reply, |context| async move {
            names.outcome(&context, context.vfs.link(&who, ino(node), ino(newparent), &name).await)
        });
    }

    fn open(&self, req: &Request, node: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let options = open_options(flags.0);
        let who = if options.truncate { who_with_groups(req) } else { who(req) };
        let work = move |context: Arc<Context>| async move {
            context.vfs.open(&who, ino(node), reads(flags.0), options).await
        };
        let answer = |context: &Arc<Context>, opened: Result<Opened, Errno>| match opened {
            Ok(opened) => {
                let (_, fh, flags) = context.opened(opened);
                reply.opened(fh, flags);
            }
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, close);
    }

    fn create(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        fn created(reply: ReplyCreate, (attr, fh, flags): (Attr, FileHandle, FopenFlags)) {
            reply.created(&TTL, &file_attr(&attr), Generation(0), fh, flags);
        }
        let (who, mode, options) = (who(req), NewMode { mode: mode & 0o7777, umask }, open_options(flags));
        let at_once = self.context.vfs.try_create(&who, ino(parent), name.as_bytes(), mode, options);
        if let Some(opened) = at_once {
            return created(reply, self.context.opened(opened));
        }
        let (name, exclusive) = (name.as_bytes().to_vec(), flags & libc::O_EXCL != 0);
        let names = NamesOf::one(req, parent);
        let work = move |context: Arc<Context>| async move {
            let place = (ino(parent), &name[..]);
            let made = context.vfs.create(&who, place, mode, exclusive, reads(flags), options).await;
            names.outcome(&context, made)
        };
        let answer = |context: &Arc<Context>, opened: Result<Opened, Errno>| match opened {
            Ok(opened) => created(reply, context.opened(opened)),
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, close);
    }

    fn read(
        &self,
        req: &Request,
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
        if let Some(bytes) = self.context.vfs.try_read(&file.open, offset, size) {
            return read_bytes(reply, Ok(bytes));
        }
        let work =
            move |context: Arc<Context>| async move { context.vfs.read(&file.open, offset, size).await };
        self.context.answer(req.pid(), work, |_, bytes| read_bytes(reply, bytes), nothing);
    }

    fn write(
        &self,
        req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let intent = WriteIntent {
            clear_setid: write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID),
            mode: Some(if write_flags.contains(WriteFlags::FUSE_WRITE_CACHE) {
                // Pages of a mapping, through a handle the kernel picked.
                WriteMode::default()
            } else {
                write_mode(flags.0)
            }),
        };
        // A request holds at most REQUEST_BYTES_MAX bytes.
        let (who, written) = (who(req), data.len() as u32);
        match self.context.vfs.try_write(&who, &file.open, offset, data, intent) {
            Some(Ok(())) => return reply.written(written),
            Some(Err(e)) => return reply.error(errno(e)),
            None => {}
        }
        let (who, data) =
            (if intent.clear_setid { who_with_groups(req) } else { who }, self.context.copy(data));
        let work = move |context: Arc<Context>| async move {
            let cleared = context.vfs.write(&who, &file.open, offset, &data, intent).await?;
            if cleared {
                context.drop_attributes(file.open.ino);
            }
            Ok(())
        };
        let answer = move |_: &Arc<Context>, result| match result {
            Ok(()) => reply.written(written),
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, nothing);
    }

    fn flush(&self, req: &Request, _node: INodeNo, fh: FileHandle, lock_owner: LockOwner, reply: ReplyEmpty) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let vfs = &self.context.vfs;
        file.forget_lock(lock_owner.0);
        let unlock = vfs.holds_locks(file.open.ino, lock_owner.0);
        if !unlock && vfs.try_flush(&file.open) {
            return reply.ok();
        }
        self.context.reply_empty(req, reply, |context| async move {
            let result = context.vfs.flush(&file.open).await;
            // Whoever gets the lock next sees the bytes: unlock after they are committed.
            if unlock {
                let unlocked = context.vfs.unlock_all(file.open.ino, lock_owner.0).await;
                return result.and(unlocked);
            }
            result
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
        let file = self.context.files.remove(fh.0);
        // Nobody waits for the outcome of a release.
        reply.ok();
        let Some(file) = file else { return };
        self.context.spawn(|context| async move {
            let (vfs, ino) = (&context.vfs, file.open.ino);
            let mut owners = file.take_lock_owners();
            if let Some(owner) = lock_owner
                && !owners.contains(&owner.0)
            {
                owners.push(owner.0);
            }
            for owner in owners {
                // Locks end with the session if they cannot be given up now.
                if vfs.holds_locks(ino, owner)
                    && let Err(error) = vfs.unlock_all(ino, owner).await
                {
                    tracing::warn!(%ino, %error, "a lock could not be given up on close");
                }
            }
            vfs.release(&file.open).await;
        });
    }

    fn fsync(&self, req: &Request, _node: INodeNo, fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        self.context.reply_empty(req, reply, |context| async move {
            let attr = context.vfs.fsync(&file.open).await?;
            if context.kernel_attrs.note(&attr) {
                // Others have written: whoever calls fstat next relies on what it says.
                context.drop_attributes(attr.ino);
            }
            Ok(())
        });
    }

    fn opendir(&self, _req: &Request, node: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let open = self.context.vfs.open_directory(ino(node));
        let fh = self.context.dirs.insert(Dir::new(ino(node), open));
        reply.opened(FileHandle(fh), FopenFlags::empty());
    }

    fn readdir(&self, req: &Request, _node: INodeNo, fh: FileHandle, offset: u64, reply: ReplyDirectory) {
        readdir::read(&self.context, who(req), fh, offset, reply);
    }

    fn readdirplus(
        &self,
        req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        reply: ReplyDirectoryPlus,
    ) {
        readdir::read(&self.context, who(req), fh, offset, reply);
    }

    fn releasedir(
        &self,
        _req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.context.dirs.remove(fh.0);
        reply.ok();
    }

    fn fsyncdir(&self, req: &Request, _node: INodeNo, fh: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        let Some(dir) = self.context.dirs.get(fh.0) else {
            return reply.error(fuser::Errno::EBADF);
        };
        self.context.reply_empty(
            req,
            reply,
            |context| async move { context.vfs.sync_directory(&dir.open).await },
        );
    }

    fn statfs(&self, req: &Request, _node: INodeNo, reply: ReplyStatfs) {
        let work = |context: Arc<Context>| async move { context.vfs.statfs().await };
        let answer = |_: &Arc<Context>, fs| match fs {
            Ok(fs) => statfs(reply, &fs),
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, nothing);
    }

    fn setxattr(
        &self,
        req: &Request,
        node: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let mode = match xattr_mode(flags) {
            Ok(mode) => mode,
            Err(e) => return reply.error(errno(e)),
        };
        // Who sets a list on a file of a group it is not in takes its set-group-id bit away.
        let who = if isobar_vfs::is_list(name.as_bytes()) { who_with_groups(req) } else { who(req) };
        let (name, value) = (name.as_bytes().to_vec(), value.to_vec());
        self.context.reply_empty(req, reply, |context| async move {
            context.vfs.setxattr(&who, ino(node), &name, &value, mode).await
        });
    }

    fn getxattr(&self, req: &Request, node: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        if let Some(value) = self.context.vfs.try_getxattr(ino(node), name.as_bytes()) {
            return xattr::answer(reply, size, value);
        }
        let (who, name) = (who(req), name.as_bytes().to_vec());
        let work =
            move |context: Arc<Context>| async move { context.vfs.getxattr(&who, ino(node), &name).await };
        let answer = move |_: &Arc<Context>, value| xattr::answer(reply, size, value);
        self.context.answer(req.pid(), work, answer, nothing);
    }

    fn listxattr(&self, req: &Request, node: INodeNo, size: u32, reply: ReplyXattr) {
        if let Some(names) = self.context.vfs.try_listxattr(ino(node)) {
            return xattr::answer(reply, size, Ok(xattr::join_names(&names)));
        }
        let who = who(req);
        let work = move |context: Arc<Context>| async move { context.vfs.listxattr(&who, ino(node)).await };
        let answer = move |_: &Arc<Context>, names: Result<Vec<Vec<u8>>, Errno>| {
            xattr::answer(reply, size, names.map(|names| xattr::join_names(&names)));
        };
        self.context.answer(req.pid(), work, answer, nothing);
    }

    fn removexattr(&self, req: &Request, node: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (who, name) = (who(req), name.as_bytes().to_vec());
        self.context.reply_empty(req, reply, |context| async move {
            context.vfs.removexattr(&who, ino(node), &name).await
        });
    }

    fn access(&self, _req: &Request, _node: INodeNo, _mask: AccessFlags, reply: ReplyEmpty) {
        // The kernel checks permissions itself (default_permissions) and stops asking.
        reply.error(fuser::Errno::ENOSYS);
    }

    fn getlk(
        &self,
        req: &Request,
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
        let request = LockRequest { start, end, typ, owner: lock_owner.0, pid };
        let lock = match request.lock(LockFamily::Posix) {
            Ok(lock) => lock,
            Err(e) => return reply.error(errno(e)),
        };
        let work =
            move |context: Arc<Context>| async move { context.vfs.test_lock(file.open.ino, lock).await };
        let answer = move |_: &Arc<Context>, found| match found {
            Ok(Some(other)) => {
                let (start, end, typ, pid) = locks::for_kernel(&other);
                reply.locked(start, end, typ, pid);
            }
            Ok(None) => reply.locked(start, end, libc::F_UNLCK, 0),
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, nothing);
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
        let request = LockRequest { start, end, typ, owner: lock_owner.0, pid };
        let caller = req.pid();
        self.context.reply_empty(req, reply, |context| async move {
            // A lock that a killed caller still gets is given up with its last descriptor.
            let result = locks::set(&context.vfs, &file, request, sleep, caller).await;
            if result.is_ok() && typ != libc::F_UNLCK {
                // Whoever holds a lock may rely on what fstat says, the size above all.
                context.drop_attributes(file.open.ino);
            }
            result
        });
    }

    fn fallocate(
        &self,
        req: &Request,
        _node: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let what = match allocation(mode) {
            Ok(what) => what,
            Err(e) => return reply.error(errno(e)),
        };
        let Some(file) = self.file(fh) else {
            return reply.error(fuser::Errno::EBADF);
        };
        let (who, range) = (who_with_groups(req), offset..offset.saturating_add(length));
        self.context.reply_empty(req, reply, |context| async move {
            if context.vfs.allocate(&who, &file.open, range, what).await? {
                context.drop_attributes(file.open.ino);
            }
            Ok(())
        });
    }

    fn lseek(
        &self,
        req: &Request,
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
        let work =
            move |context: Arc<Context>| async move { context.vfs.seek(&file.open, offset, data).await };
        let answer = |_: &Arc<Context>, found: Result<u64, Errno>| match found.map(i64::try_from) {
            Ok(Ok(at)) => reply.offset(at),
            Ok(Err(_)) => reply.error(fuser::Errno::EOVERFLOW),
            Err(e) => reply.error(errno(e)),
        };
        self.context.answer(req.pid(), work, answer, nothing);
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

thread_local! {
    /// What was read, in one piece. Kept mapped: a fresh megabyte costs more than copying one.
    static ONE_PIECE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn read_bytes(reply: ReplyData, result: Result<ReadBytes, Errno>) {
    match result {
        Ok(bytes) => match bytes.parts() {
            [] => reply.data(&[]),
            [one] => reply.data(one),
            parts => ONE_PIECE.with_borrow_mut(|piece| {
                piece.clear();
                parts.iter().for_each(|part| piece.extend_from_slice(part));
                reply.data(piece);
            }),
        },
        Err(e) => reply.error(errno(e)),
    }
}

fn data(reply: ReplyData, result: Result<impl AsRef<[u8]>, Errno>) {
    match result {
        Ok(bytes) => reply.data(bytes.as_ref()),
        Err(e) => reply.error(errno(e)),
    }
}

/// The unit of blocks is also the block size: programs multiply with either.
fn statfs(reply: ReplyStatfs, fs: &StatFs) {
    let blocks = |bytes: u64| bytes / u64::from(STATFS_BLOCK_BYTES);
    let free = blocks(fs.free_bytes);
    reply.statfs(
        blocks(fs.total_bytes),
        free,
        free,
        fs.inodes.saturating_add(fs.inodes_free),
        fs.inodes_free,
        STATFS_BLOCK_BYTES,
        NAME_BYTES_MAX as u32,
        STATFS_BLOCK_BYTES,
    );
}
