//! The FUSE front end: a mounted directory whose calls become calls of [`isobar_vfs::Vfs`].
//!
//! ```text
//! kernel ── /dev/fuse ── FUSE threads ──┬─ try_…  answered at once, in the thread
//!                                       └─ async  moved with its reply into a task of the runtime
//! ```
//!
//! Where to start reading: `filesystem` (one method per kernel request), `context` (what they have in
//! common), `caller` (who asks, and what becomes of a request whose caller is killed), `kernel_attrs` (why
//! fstat after open is never stale), `locks` (which family, and how waiting ends), `mount` (mounting,
//! recovery of dead mounts, unmounting).
//!
//! **Invariants.** A FUSE thread never waits for the network. There is no state here that outlives the mount:
//! names, attributes and bytes are the client's, and rules are those of `vfs`; permissions the kernel judges
//! itself (`default_permissions`). Nothing is cached in the kernel's pages but what was mapped with mmap:
//! files are opened for direct I/O, and `writeback_cache` is off, so that the kernel never invents a size, a
//! time or bytes nobody wrote (I8).
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod attr;
mod caller;
mod capabilities;
mod context;
mod dir;
mod error;
mod filesystem;
mod flags;
mod gone;
mod handles;
mod kernel_attrs;
mod locks;
mod mount;
mod mount_point;
mod options;
mod readdir;
mod xattr;

use isobar_client::Client;
use isobar_vfs::{Checks, Vfs};
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use error::MountError;
pub use mount::{Mounted, Unmounted};
pub use mount_point::fuse_available;
pub use options::MountOptions;

/// Mounts the file system that `client` speaks for. Requests are served by `options.threads` threads
/// of their own and by tasks on `runtime`, which must be the one the client was opened on and must
/// have worker threads (a current-thread runtime would not run them while its owner waits).
///
/// A dead mount left on the mount point by a process that was killed is detached first.
///
/// # Errors
/// [`MountError`] says in one line what is in the way and what to do about it.
pub fn mount(client: Client, runtime: Handle, options: MountOptions) -> Result<Mounted, MountError> {
    let (ended_tx, ended) = watch::channel(false);
    let vfs = Vfs::new(client.clone(), Checks::ByCaller);
    let context = context::Context::new(vfs, runtime.clone());
    let capabilities = capabilities::Capabilities::new(&options);
    let filesystem = filesystem::IsobarFs::new(context.clone(), capabilities, ended_tx);
    let (kernel_mount, notifier) = mount::KernelMount::new(filesystem, &options, ended)?;
    context.set_notifier(notifier);
    Ok(Mounted::new(client, runtime, kernel_mount))
}

#[cfg(test)]
mod tests;
