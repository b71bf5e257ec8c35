//! Mounting and unmounting.
//!
//! ```text
//! KernelMount::new   device there? ─ point usable? (dead mounts detached) ─ mount(2) ─ greeting ─ threads
//!                                                      └ EPERM: through fusermount3
//! unmount            umount ─ busy after a few attempts: detach lazily, say so ─ client.close()
//! ```
//!
//! mount(2) is called here and not by fuser so that the type is shown as `fuse.isobar` and unmounting is
//! ours alone: fuser's own clean-up unmounts whatever is at the path by then.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuser::{BackgroundSession, Config, Filesystem, MountOption, Notifier, Session, SessionACL};
use isobar_client::Client;
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, UnmountFlags};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::MountError;
use crate::mount_point;
use crate::options::MountOptions;

/// Type of the file system in the kernel's table of mounts: `fuse.` and this.
const SUBTYPE: &str = "isobar";
/// Read-ahead of mapped pages; files that are read go past the page cache.
const MAPPED_READ_AHEAD_KIB: u32 = 1024;
/// Attempts to unmount before a busy mount is detached, and the pause between them.
const UNMOUNT_ATTEMPTS: u32 = 5;
const UNMOUNT_PAUSE: Duration = Duration::from_millis(100);
/// How long the threads may take to end once the mount is gone.
const END_WAIT: Duration = Duration::from_secs(5);
/// How long dropping a mount may take.
const DROP_WAIT: Duration = Duration::from_secs(10);

/// How a mount ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmounted {
    /// Nobody used it any more.
    Clean,
    /// Processes still had files or working directories in it. Its name is gone, what was written is
    /// committed, and those processes get errors when this process ends.
    Detached,
    /// Somebody else had unmounted it before.
    AlreadyGone,
}

/// A mounted file system. Dropping it unmounts, without the certainty that everything was written back:
/// prefer [`Mounted::unmount`].
#[derive(Debug)]
pub struct Mounted {
    client: Client,
    runtime: Handle,
    kernel: Option<KernelMount>,
    path: PathBuf,
    ended: watch::Receiver<bool>,
}

impl Mounted {
    pub(crate) fn new(client: Client, runtime: Handle, kernel: KernelMount) -> Self {
        Mounted {
            client,
            runtime,
            path: kernel.path.clone(),
            ended: kernel.ended.clone(),
            kernel: Some(kernel),
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the kernel has let go of the mount: somebody ran umount and nothing uses it. Does not
    /// write back: call [`Mounted::unmount`] afterwards all the same. May be dropped at any time, as in
    /// `select!` with a signal.
    pub async fn wait(&self) {
        wait_for_end(self.ended.clone()).await;
    }

    /// Unmounts, writes everything back and closes the client's session. A mount that is in use is
    /// detached lazily, with a warning in the log, instead of waiting for its users.
    ///
    /// # Errors
    /// [`MountError::Unmount`] when it stays mounted, [`MountError::NotFlushed`] when bytes were lost.
    /// The session is closed in both cases.
    pub async fn unmount(mut self) -> Result<Unmounted, MountError> {
        let outcome = match self.kernel.take() {
            Some(mut kernel) => {
                let path = self.path.clone();
                tokio::task::spawn_blocking(move || kernel.detach())
                    .await
                    .unwrap_or_else(|e| Err(MountError::Unmount { path, error: io::Error::other(e) }))
            }
            None => Ok(Unmounted::AlreadyGone),
        };
        if matches!(outcome, Ok(Unmounted::Clean | Unmounted::AlreadyGone)) {
            // Requests that were read are answered before the session closes under them.
            let _ = tokio::time::timeout(END_WAIT, wait_for_end(self.ended.clone())).await;
        }
        let closed = self.client.close().await;
        let outcome = outcome?;
        closed.map_err(MountError::NotFlushed)?;
        Ok(outcome)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let Some(kernel) = self.kernel.take() else {
            return;
        };
        drop(kernel);
        let client = self.client.clone();
        self.runtime.spawn(async move {
            if let Err(error) = client.close().await {
                tracing::error!(%error, "not everything could be written back");
            }
        });
    }
}

async fn wait_for_end(mut ended: watch::Receiver<bool>) {
    // An error means that the sender, the file system, is gone: ended as well.
    let _ = ended.wait_for(|ended| *ended).await;
}

/// The kernel's side of a mount, whatever file system serves it.
#[derive(Debug)]
pub struct KernelMount {
    path: PathBuf,
    /// The device number at the path while it is ours.
    device: Option<String>,
    ended: watch::Receiver<bool>,
    /// Present when fusermount3 mounted.
    helped: Option<BackgroundSession>,
    done: bool,
}

impl KernelMount {
    /// Mounts `filesystem`, which must make `ended` true in `destroy`.
    pub fn new(
        filesystem: impl Filesystem,
        options: &MountOptions,
        ended: watch::Receiver<bool>,
    ) -> Result<(Self, Notifier), MountError> {
        mount_point::fuse_available().map_err(MountError::NoFuse)?;
        let path = mount_point::prepare(&options.mount_point, options.allow_nonempty)?;
        let refused =
            |error| MountError::Refused { path: path.clone(), advice: mount_point::advice(&error), error };
        let config = session_config(options);
        let (session, helped) = match mount_directly(&path, options) {
            Ok(device) => {
                let acl = config.acl;
                let session = Session::from_fd(filesystem, device, acl, config);
                let session = session.map_err(|error| {
                    let _ = rustix::mount::unmount(&path, UnmountFlags::DETACH);
                    MountError::Handshake { path: path.clone(), error }
                })?;
                (session, false)
            }
            Err(rustix::io::Errno::PERM) => {
                let session = Session::new(filesystem, &path, &config).map_err(refused)?;
                (session, true)
            }
            Err(error) => return Err(refused(error.into())),
        };
        let device = mount_point::mounted_on(&path).map(|found| found.device);
        if let Some(device) = &device {
            raise_read_ahead(device);
        }
        let notifier = session.notifier();
        let mut mount = KernelMount { path: path.clone(), device, ended, helped: None, done: false };
        // On failure `mount` is dropped and unmounts.
        let background =
            session.spawn().map_err(|error| MountError::Handshake { path: path.clone(), error })?;
        if helped {
            mount.helped = Some(background);
        }
        tracing::info!(path = %path.display(), threads = options.threads, "mounted");
        Ok((mount, notifier))
    }

    /// Unmounts; blocks for as long as the kernel takes, which is not long.
    pub fn detach(&mut self) -> Result<Unmounted, MountError> {
        self.done = true;
        // fuser would unmount once more when this is dropped, whatever is mounted there by then.
        std::mem::forget(self.helped.take());
        let ours = mount_point::mounted_on(&self.path).map(|found| found.device) == self.device;
        if !ours || self.device.is_none() {
            return Ok(Unmounted::AlreadyGone);
        }
        let failed = |error: io::Error| MountError::Unmount { path: self.path.clone(), error };
        for attempt in 1..=UNMOUNT_ATTEMPTS {
            match rustix::mount::unmount(&self.path, UnmountFlags::empty()) {
                Ok(()) => return Ok(Unmounted::Clean),
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {
                    return Ok(Unmounted::AlreadyGone);
                }
                Err(rustix::io::Errno::PERM) => {
                    if mount_point::run_helper(&self.path, false).is_ok() {
                        return Ok(Unmounted::Clean);
                    }
                }
                Err(rustix::io::Errno::BUSY) => {}
                Err(error) => return Err(failed(error.into())),
            }
            if attempt < UNMOUNT_ATTEMPTS {
                std::thread::sleep(UNMOUNT_PAUSE);
            }
        }
        rustix::mount::unmount(&self.path, UnmountFlags::DETACH)
            .map_err(io::Error::from)
            .or_else(|error| match error.raw_os_error() {
                Some(libc::EPERM) => mount_point::run_helper(&self.path, true),
                _ => Err(error),
            })
            .map_err(failed)?;
        tracing::warn!(
            "{0} is in use; detached it, and its users get errors when this process ends (see them with 'fuser -vm {0}' before unmounting)",
            self.path.display()
        );
        Ok(Unmounted::Detached)
    }
}

impl Drop for KernelMount {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // In a thread: umount(2) may wait for requests that tasks of the dropping thread would answer.
        let mut mount = KernelMount {
            path: self.path.clone(),
            device: self.device.take(),
            ended: self.ended.clone(),
            helped: self.helped.take(),
            done: true,
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("isobar-unmount".into()).spawn(move || {
            if let Err(error) = mount.detach() {
                tracing::error!("{error}");
            }
            let _ = sender.send(());
        });
        if thread.is_ok() {
            let _ = receiver.recv_timeout(DROP_WAIT);
        }
    }
}

/// mount(2) on a fresh device.
fn mount_directly(path: &Path, options: &MountOptions) -> rustix::io::Result<OwnedFd> {
    let device = rustix::fs::open(mount_point::DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let mut data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions",
        device.as_raw_fd(),
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
    );
    if options.allow_other {
        data.push_str(",allow_other");
    }
    let data = CString::new(data).map_err(|_| rustix::io::Errno::INVAL)?;
    // Reading does not change the access time anywhere in the cluster.
    let mut flags = MountFlags::NOATIME;
    if options.read_only {
        flags |= MountFlags::RDONLY;
    }
    if !options.allow_suid_and_devices {
        flags |= MountFlags::NOSUID | MountFlags::NODEV;
    }
    rustix::mount::mount(options.fs_name.as_str(), path, format!("fuse.{SUBTYPE}"), flags, data.as_c_str())?;
    Ok(device)
}

fn session_config(options: &MountOptions) -> Config {
    let mut config = Config::default();
    // The options serve the way through fusermount3 only.
    config.mount_options = vec![
        MountOption::FSName(options.fs_name.replace(',', "_")),
        MountOption::Subtype(SUBTYPE.into()),
        MountOption::DefaultPermissions,
        MountOption::NoAtime,
    ];
    if options.read_only {
        config.mount_options.push(MountOption::RO);
    }
    config.acl = if options.allow_other { SessionACL::All } else { SessionACL::Owner };
    config.n_threads = Some(options.threads.max(1));
    config.clone_fd = true;
    config
}

/// Lets page faults of mapped files read further ahead than the kernel's 128 KiB. Needs root; without it
/// mapping is slower, nothing else.
fn raise_read_ahead(device: &str) {
    let setting = format!("/sys/class/bdi/{device}/read_ahead_kb");
    if let Err(error) = std::fs::write(&setting, MAPPED_READ_AHEAD_KIB.to_string()) {
        tracing::debug!(%setting, %error, "read-ahead of mapped files stays as it is");
    }
}
