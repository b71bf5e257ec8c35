//! Starting processes, each once.
//!
//! Whoever starts one holds its lock file. It is started by way of a shell, whose standard input is that
//! lock: it writes its own number into the process's file and then becomes the program, which lets go of the
//! lock. So two who start it at the same time start one; and when the first is killed half way, the second
//! waits for the process that is on its way, and finds it.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::directory::{Local, MOUNT};
use super::error::{LocalError, cannot};
use super::{files, mounts};

/// What the shell does: `$0` is the file for its number, the rest is the program with its arguments.
const BECOME: &str = r#"echo $$ >"$0" && exec "$@" </dev/null"#;
/// How often a mount that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Stack of a thread that waits for a process to end.
const STACK_BYTES: usize = 64 << 10;

/// A process that runs now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Started {
    /// Its number.
    pub pid: u32,
    /// It did not run before.
    pub is_new: bool,
}

impl Local {
    /// Starts a node, unless it runs. `with_parent`: the kernel stops it when the **thread** that calls this
    /// ends (PR_SET_PDEATHSIG), so it must be false on threads of a pool, or of anything that goes on without
    /// them.
    ///
    /// # Errors
    /// When it cannot be started. One that ends soon after is [`LocalError::Ended`] for whoever waits for it.
    pub fn start_node(&self, name: &str, with_parent: bool) -> Result<Started, LocalError> {
        self.node(name)?;
        let lock = self.lock(name)?;
        if let Some(pid) = self.pid(name) {
            return Ok(Started { pid, is_new: false });
        }
        // Disks that were being taken away are gone before it starts.
        files::remove_tree(&files::gone(&self.dir, name))?;
        self.start(name, lock, None, with_parent)
    }

    /// Starts a mount, unless it runs. What is left of one whose process is dead is taken away, and the
    /// directory is made if it is missing. `with_parent`: as for [`Local::start_node`].
    ///
    /// # Errors
    /// When it cannot be started; [`LocalError::MountedElsewhere`] when it is mounted on another directory.
    pub fn start_mount(&self, point: &Path, with_parent: bool) -> Result<Started, LocalError> {
        let point = mounts::absolute(point);
        let lock = self.lock(MOUNT)?;
        if let Some(pid) = self.pid(MOUNT) {
            return match self.mounted_on().filter(|other| *other != point) {
                Some(point) => Err(LocalError::MountedElsewhere { point }),
                None => Ok(Started { pid, is_new: false }),
            };
        }
        mounts::detach(&point)?;
        std::fs::create_dir_all(&point).map_err(cannot("make", &point))?;
        let point = mounts::absolute(&point);
        let note = self.point_file();
        std::fs::write(&note, point.as_os_str().as_encoded_bytes()).map_err(cannot("write", &note))?;
        self.start(MOUNT, lock, Some(&point), with_parent)
    }

    /// Waits until the file system is mounted on `point`.
    ///
    /// # Errors
    /// [`LocalError::Ended`] when the process that should do it has ended; [`LocalError::NotMounted`] after
    /// [`Waits::mount`](super::Waits::mount).
    pub fn await_mount(&self, point: &Path) -> Result<(), LocalError> {
        let point = mounts::absolute(point);
        let begun = Instant::now();
        while begun.elapsed() < self.waits.mount {
            if !self.is_running(MOUNT) {
                let last_words = self.last_words(MOUNT);
                return Err(LocalError::Ended { name: "the mount".to_owned(), last_words });
            }
            if mounts::is_served(&point) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let (seconds, log) = (self.waits.mount.as_secs(), self.log(MOUNT));
        Err(LocalError::NotMounted { point, seconds, log })
    }

    /// Where the mount is, or was when it was started.
    pub(super) fn mounted_on(&self) -> Option<PathBuf> {
        let point = std::fs::read(self.point_file()).ok()?;
        Some(PathBuf::from(OsString::from_vec(point)))
    }

    /// Held by whoever starts a process, or must know that nobody does.
    pub(super) fn lock(&self, name: &str) -> Result<File, LocalError> {
        let path = self.run(&format!("{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(cannot("open", &path))?;
        file.lock().map_err(cannot("lock", &path))?;
        Ok(file)
    }

    /// Where [`Local::mounted_on`] is noted.
    pub(super) fn point_file(&self) -> PathBuf {
        self.run("mount.point")
    }

    fn start(
        &self,
        name: &str,
        lock: File,
        point: Option<&Path>,
        with_parent: bool,
    ) -> Result<Started, LocalError> {
        if !self.program.is_file() {
            return Err(LocalError::NoProgram { path: self.program.clone() });
        }
        let failed = |error| LocalError::System { action: format!("start {name}"), error };
        let log = File::options().create(true).append(true).open(self.log(name)).map_err(failed)?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(BECOME).arg(self.run(&format!("{name}.pid")));
        command.arg(&self.program).args(self.words(name)).args(point);
        if with_parent {
            command.arg("--with-parent");
        }
        command.stdin(lock).stdout(log.try_clone().map_err(failed)?).stderr(log);
        // Ctrl-C in the terminal is for whoever started the cluster: that one stops its processes in order.
        command.process_group(0);
        let child = command.spawn().map_err(failed)?;
        // With it goes our part of the lock; the process has the other.
        drop(command);
        let pid = child.id();
        reap(child);
        // Granted when it has become the program, and its number is in its file.
        drop(self.lock(name)?);
        Ok(Started { pid, is_new: true })
    }
}

/// Waits for a process in the background, so that nothing is left of it when it ends while this one goes on.
fn reap(mut child: Child) {
    let thread = std::thread::Builder::new().name("isobar-reaper".to_owned()).stack_size(STACK_BYTES);
    // Without a thread it stays a zombie until this process ends, and is known as one.
    thread.spawn(move || child.wait()).ok();
}
