//! How to mount.

use std::path::PathBuf;

/// Settings of a mount.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// An existing directory.
    pub mount_point: PathBuf,
    /// Threads that read requests from the kernel, each with its own queue; at least 1.
    pub threads: usize,
    /// Users other than the one who mounts may use it.
    pub allow_other: bool,
    /// No change is possible through this mount (EROFS).
    pub read_only: bool,
    /// Set-user-id programs and device nodes work. Off by default, as for any network file system:
    /// whoever is root on another client could place them.
    pub allow_suid_and_devices: bool,
    /// The directory may hold files, which the mount hides.
    pub allow_nonempty: bool,
    /// Shown as the source by `df` and `mount`.
    pub fs_name: String,
    /// Requests nobody waits for (read-ahead, releases, asynchronous I/O) in flight at most.
    pub background_max: u16,
}

impl MountOptions {
    /// The defaults for a mount point: as many threads as CPUs, open to all users, writable.
    pub fn new(mount_point: impl Into<PathBuf>) -> Self {
        MountOptions {
            mount_point: mount_point.into(),
            threads: std::thread::available_parallelism().map_or(2, |n| n.get()),
            allow_other: true,
            read_only: false,
            allow_suid_and_devices: false,
            allow_nonempty: false,
            fs_name: "isobar".into(),
            background_max: 256,
        }
    }
}
