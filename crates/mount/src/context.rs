//! What all requests of a mount have in common: the file system, what is open, and the ways to answer.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use fuser::{FileHandle, FopenFlags, Generation, Notifier, ReplyAttr, ReplyEmpty, ReplyEntry, Request};
use isobar_base::{AlignedBuf, BufPool, Errno, Ino};
use isobar_client::Attr;
use isobar_vfs::{Opened, Vfs};
use tokio::runtime::Handle;

use crate::attr::{TTL, errno, file_attr};
use crate::caller;
use crate::dir::Dir;
use crate::gone::GoneDirectories;
use crate::handles::{File, Handles};
use crate::kernel_attrs::KernelAttrCache;

/// Idle copies of bytes to write that are kept.
const POOL_BYTES: usize = 32 << 20;

/// One per mount.
pub struct Context {
    /// The file system.
    pub vfs: Vfs,
    /// Open files.
    pub files: Handles<File>,
    /// Open directories.
    pub dirs: Handles<Dir>,
    /// What the kernel was told.
    pub kernel_attrs: KernelAttrCache,
    /// Who was sent to look for directories that are gone.
    pub gone: GoneDirectories,
    /// What waits for its turn to be written.
    pool: BufPool,
    runtime: Handle,
    notifier: OnceLock<Notifier>,
}

impl Context {
    /// Nothing open, nothing told.
    pub fn new(vfs: Vfs, runtime: Handle) -> Arc<Self> {
        Arc::new(Context {
            vfs,
            files: Handles::new(),
            dirs: Handles::new(),
            kernel_attrs: KernelAttrCache::new(),
            gone: GoneDirectories::default(),
            pool: BufPool::new(POOL_BYTES),
            runtime,
            notifier: OnceLock::new(),
        })
    }

    /// The way to the kernel, known once the mount stands.
    pub fn set_notifier(&self, notifier: Notifier) {
        let _ = self.notifier.set(notifier);
    }

    /// A copy of a request's bytes, which go with the request.
    pub fn copy(&self, data: &[u8]) -> AlignedBuf {
        let mut copy = self.pool.get(data.len());
        copy.copy_from_slice(data);
        copy
    }

    /// Runs the slow part of a request.
    pub fn spawn<F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.runtime.spawn(work(self.clone()));
    }

    /// Runs the slow part of a request of thread `caller`, and answers with what it gives. A caller that is
    /// killed is answered before it is done; then `undo` is given what nobody takes any more.
    pub fn answer<T, F, U>(
        self: &Arc<Self>,
        caller: u32,
        work: impl FnOnce(Arc<Self>) -> F,
        reply: impl FnOnce(&Arc<Self>, Result<T, Errno>) + Send + 'static,
        undo: impl FnOnce(Arc<Self>, T) -> U + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<T, Errno>> + Send + 'static,
        U: Future<Output = ()> + Send + 'static,
    {
        let (this, work) = (self.clone(), work(self.clone()));
        self.runtime.spawn(async move {
            tokio::pin!(work);
            tokio::select! {
                biased;
                result = &mut work => return reply(&this, result),
                () = caller::killed(caller) => reply(&this, Err(Errno::EINTR)),
            }
            if let Ok(unused) = work.await {
                undo(this, unused).await;
            }
        });
    }

    /// Answers without contents, once `work` is done.
    pub fn reply_empty<F>(
        self: &Arc<Self>,
        req: &Request,
        reply: ReplyEmpty,
        work: impl FnOnce(Arc<Self>) -> F,
    ) where
        F: Future<Output = Result<(), Errno>> + Send + 'static,
    {
        self.answer(req.pid(), work, |_, result| empty(reply, result), nothing);
    }

    /// Answers with a name's inode, once `work` has it.
    pub fn reply_entry<F>(
        self: &Arc<Self>,
        req: &Request,
        reply: ReplyEntry,
        work: impl FnOnce(Arc<Self>) -> F,
    ) where
        F: Future<Output = Result<Attr, Errno>> + Send + 'static,
    {
        self.answer(req.pid(), work, |this, result| this.entry(reply, result), nothing);
    }

    /// Answers with attributes, once `work` has them.
    pub fn reply_attr<F>(self: &Arc<Self>, req: &Request, reply: ReplyAttr, work: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = Result<Attr, Errno>> + Send + 'static,
    {
        self.answer(req.pid(), work, |this, result| this.attr(reply, result), nothing);
    }

    /// Answers with a name's inode.
    pub fn entry(&self, reply: ReplyEntry, result: Result<Attr, Errno>) {
        match result {
            Ok(attr) => {
                self.kernel_attrs.record(&attr);
                // Inode numbers are never reused, so one generation is enough.
                reply.entry(&TTL, &file_attr(&attr), Generation(0));
            }
            Err(e) => reply.error(errno(e)),
        }
    }

    /// Answers with attributes.
    pub fn attr(&self, reply: ReplyAttr, result: Result<Attr, Errno>) {
        match result {
            Ok(attr) => {
                self.kernel_attrs.record(&attr);
                reply.attr(&TTL, &file_attr(&attr));
            }
            Err(e) => reply.error(errno(e)),
        }
    }

    /// Gives a handle to a file that has been opened, with the attributes and flags of the reply, which must
    /// be sent after this: the kernel's view of the file is current then (close-to-open). Attributes only are
    /// invalidated, which takes no page and no inode lock in the kernel and so cannot wait for another
    /// request; see [`KernelAttrCache`].
    pub fn opened(&self, opened: Opened) -> (Attr, FileHandle, FopenFlags) {
        let Opened { file, attr } = opened;
        let found = self.kernel_attrs.open(&attr);
        if found.attributes_differ {
            self.drop_attributes(attr.ino);
        }
        let flags = FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_PARALLEL_DIRECT_WRITES;
        let flags = if found.same_bytes { flags | FopenFlags::FOPEN_KEEP_CACHE } else { flags };
        (attr, FileHandle(self.files.insert(File::new(file))), flags)
    }

    /// Makes the kernel ask for an inode's attributes again.
    pub fn drop_attributes(&self, ino: Ino) {
        if let Some(notifier) = self.notifier.get()
            && let Err(error) = notifier.inval_inode(fuser::INodeNo(ino.0), -1, 0)
        {
            tracing::debug!(%ino, %error, "the kernel did not take an invalidation");
        }
    }
}

/// Nothing is to be undone.
pub async fn nothing<T>(_: Arc<Context>, _: T) {}

/// A file that nobody takes is closed.
pub async fn close(context: Arc<Context>, opened: Opened) {
    context.vfs.release(&opened.file).await;
}

/// Answers without contents.
pub fn empty(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(e) => reply.error(errno(e)),
    }
}
