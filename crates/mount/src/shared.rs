//! What all requests of a mount have in common.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use fuser::{FopenFlags, Generation, Notifier, ReplyAttr, ReplyEmpty, ReplyEntry};
use isobar_base::{Errno, Ino};
use isobar_client::Client;
use isobar_wire::message::files::Attr;
use isobar_wire::message::ops::SetAttr;
use tokio::runtime::Handle;

use crate::attr::{SETID_BITS, TTL, errno, file_attr, without_setid};
use crate::dir::Dir;
use crate::handles::{File, Handles};
use crate::told::Told;

/// One per mount.
pub struct Shared {
    /// The file system.
    pub client: Client,
    /// Open files.
    pub files: Handles<File>,
    /// Open directories.
    pub dirs: Handles<Dir>,
    /// What the kernel was told.
    pub told: Told,
    runtime: Handle,
    notifier: OnceLock<Notifier>,
    /// Rises when set-id bits are set through this mount: open files then look again before a write
    /// that has to clear them.
    setid_epoch: AtomicU64,
}

impl Shared {
    /// Nothing open, nothing told.
    pub fn new(client: Client, runtime: Handle) -> Arc<Self> {
        Arc::new(Shared {
            client,
            files: Handles::new(),
            dirs: Handles::new(),
            told: Told::new(),
            runtime,
            notifier: OnceLock::new(),
            setid_epoch: AtomicU64::new(1),
        })
    }

    /// The way to the kernel, known once the mount stands.
    pub fn set_notifier(&self, notifier: Notifier) {
        let _ = self.notifier.set(notifier);
    }

    /// Runs the slow part of a request.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Answers with a name's inode.
    pub fn entry(&self, reply: ReplyEntry, result: Result<Attr, Errno>) {
        match result {
            Ok(attr) => {
                self.told.tell(&attr);
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
                self.told.tell(&attr);
                reply.attr(&TTL, &file_attr(&attr));
            }
            Err(e) => reply.error(errno(e)),
        }
    }

    /// Makes the kernel's view of a file that is being opened current (close-to-open) and gives the
    /// flags of the reply, which must be sent after this. Attributes only are invalidated, which takes
    /// no page and no inode lock in the kernel and so cannot wait for another request; see [`Told`].
    pub fn begin_open(&self, attr: &Attr) -> FopenFlags {
        let found = self.told.open(attr);
        if found.attributes_differ {
            self.drop_attributes(attr.ino);
        }
        let flags = FopenFlags::FOPEN_DIRECT_IO | FopenFlags::FOPEN_PARALLEL_DIRECT_WRITES;
        if found.same_bytes { flags | FopenFlags::FOPEN_KEEP_CACHE } else { flags }
    }

    /// Makes the kernel ask for an inode's attributes again.
    pub fn drop_attributes(&self, ino: Ino) {
        if let Some(notifier) = self.notifier.get()
            && let Err(error) = notifier.inval_inode(fuser::INodeNo(ino.0), -1, 0)
        {
            tracing::debug!(%ino, %error, "the kernel did not take an invalidation");
        }
    }

    /// The epoch to note for an inode with these attributes: 0 when it has set-id bits.
    pub fn setid_clear_at(&self, attr: &Attr) -> u64 {
        if attr.mode & SETID_BITS == 0 { self.setid_epoch.load(Ordering::Acquire) } else { 0 }
    }

    /// Whether an open file is known to have no set-id bits.
    pub fn is_setid_clear(&self, file: &File) -> bool {
        file.setid_clear_at.load(Ordering::Relaxed) == self.setid_epoch.load(Ordering::Acquire)
    }

    /// Set-id bits are being set on some inode. To be called before they are.
    pub fn note_mode(&self, mode: u32) {
        if mode & SETID_BITS != 0 {
            self.setid_epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Clears the set-id bits of a file that a user without CAP_FSETID writes to.
    pub async fn clear_setid(&self, file: &File) -> Result<(), Errno> {
        let epoch = self.setid_epoch.load(Ordering::Acquire);
        let attr = self.client.getattr(file.ino).await?;
        if let Some(mode) = without_setid(attr.mode) {
            self.drop_setid(&attr, mode).await?;
        }
        file.setid_clear_at.store(epoch, Ordering::Relaxed);
        Ok(())
    }

    /// Sets a mode without set-id bits and makes the kernel ask for it.
    pub async fn drop_setid(&self, attr: &Attr, mode: u32) -> Result<Attr, Errno> {
        let set = SetAttr { mode: Some(mode), ..SetAttr::default() };
        let attr = self.client.setattr(attr.ino, set).await?;
        self.drop_attributes(attr.ino);
        Ok(attr)
    }
}

/// Answers without contents.
pub fn empty(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(e) => reply.error(errno(e)),
    }
}
