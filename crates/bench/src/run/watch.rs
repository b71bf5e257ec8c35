//! Processes whose CPU time a phase costs besides the callers': who they are and what they have used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::{BenchError, Result};
use crate::mounts;
use crate::phase::Cpu;

/// Which processes to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Servers by number.
    pub pids: Vec<u32>,
    /// A command that prints them, a number at the end of each line. Run before every phase.
    pub command: Option<String>,
    /// The mount that serves this path, and the nodes of the local cluster behind it, are looked for.
    pub path: Option<PathBuf>,
    /// The nodes of the cluster in this directory that run here are looked for.
    pub cluster: Option<PathBuf>,
}

/// A process that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Its number.
    pub pid: u32,
    /// Whether it is the client's side of the file system (a mount) rather than a server.
    pub is_mount: bool,
}

impl Watch {
    /// The processes there are now. Those that were named by number win over those that are found.
    ///
    /// # Errors
    /// When the command fails, or a process that was named does not run.
    pub fn find(&self) -> Result<Vec<Watched>> {
        let mut named = self.pids.clone();
        if let Some(gone) = named.iter().find(|pid| cpu_ticks(**pid).is_none()) {
            return Err(BenchError::BadInput(format!("--pids {gone}: there is no such process")));
        }
        if let Some(command) = &self.command {
            let output = Command::new("sh").arg("-c").arg(command).output();
            let output = output.map_err(|e| BenchError::Failed(format!("cannot run '{command}': {e}")))?;
            if !output.status.success() {
                return Err(BenchError::BadInput(format!(
                    "--pids-from: '{command}' failed ({})",
                    output.status
                )));
            }
            named.extend(numbers(&String::from_utf8_lossy(&output.stdout)));
        }
        if !named.is_empty() {
            named.sort_unstable();
            named.dedup();
            return Ok(named.into_iter().map(|pid| Watched { pid, is_mount: holds_fuse(pid) }).collect());
        }
        let mut found = Vec::new();
        let mut cluster = self.cluster.clone();
        if let Some(mount) = self.path.as_deref().and_then(mounts::mount_of) {
            for pid in processes().into_iter().filter(|pid| holds_fuse(*pid)) {
                let arguments = arguments(pid);
                if arguments.iter().any(|a| Path::new(a) == mount.point) {
                    cluster = cluster.or_else(|| cluster_of_mount(&arguments));
                    found.push(Watched { pid, is_mount: true });
                }
            }
        }
        if let Some(dir) = cluster.as_deref().map(directory) {
            let nodes = processes().into_iter().filter(|pid| is_node_of(&arguments(*pid), &dir));
            found.extend(nodes.map(|pid| Watched { pid, is_mount: false }));
        }
        Ok(found)
    }
}

/// CPU seconds used so far, by side.
pub(crate) fn used(watched: &[Watched]) -> Cpu {
    let seconds = |is_mount: bool| {
        let ticks: u64 =
            watched.iter().filter(|w| w.is_mount == is_mount).filter_map(|w| cpu_ticks(w.pid)).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    };
    Cpu {
        mounts_seconds: seconds(true),
        servers_seconds: seconds(false),
        watched: watched.len() as u32,
        ..Cpu::default()
    }
}

fn numbers(text: &str) -> Vec<u32> {
    text.lines().filter_map(|line| line.split_whitespace().last()?.parse().ok()).collect()
}

/// Clock ticks in user and kernel mode (fields 14 and 15 of `/proc/PID/stat`).
fn cpu_ticks(pid: u32) -> Option<u64> {
    ticks_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn ticks_in(stat: &str) -> Option<u64> {
    // The name in parentheses may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes.split(|b| *b == 0).map(|a| String::from_utf8_lossy(a).into_owned()).collect()
}

fn holds_fuse(pid: u32) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.flatten().any(|e| fs::read_link(e.path()).is_ok_and(|to| to == Path::new("/dev/fuse")))
}

/// `isobar mount CLUSTER DIR`.
fn cluster_of_mount(arguments: &[String]) -> Option<PathBuf> {
    let at = arguments.iter().position(|a| a == "mount")?;
    arguments[at + 1..].iter().find(|a| !a.starts_with('-')).map(PathBuf::from)
}

/// `isobar node --config DIR/NAME.toml`.
fn is_node_of(arguments: &[String], dir: &Path) -> bool {
    let config = arguments.iter().position(|a| a == "--config").and_then(|at| arguments.get(at + 1));
    arguments.iter().any(|a| a == "node") && config.is_some_and(|c| Path::new(c).parent() == Some(dir))
}

fn directory(cluster: &Path) -> PathBuf {
    let dir = if cluster.is_file() { cluster.parent().unwrap_or(cluster) } else { cluster };
    fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks_in(stat), Some(300));
        assert!(cpu_ticks(std::process::id()).is_some());
    }

    #[test]
    fn servers_are_known_by_how_they_were_started() {
        let dir = Path::new("/srv/c");
        assert!(is_node_of(&words("/bin/isobar node --config /srv/c/n1.toml"), dir));
        assert!(!is_node_of(&words("/bin/isobar node --config /srv/other/n1.toml"), dir));
        assert!(!is_node_of(&words("vi --config /srv/c/n1.toml"), dir));
        let mount = words("/bin/isobar mount --private /srv/c /mnt/x");
        assert_eq!(cluster_of_mount(&mount), Some(PathBuf::from("/srv/c")));
        assert_eq!(cluster_of_mount(&words("glusterfs --volfile-id=x /mnt/x")), None);
    }

    #[test]
    fn numbers_end_lines() {
        assert_eq!(numbers("n1 12\nmount 34\n\nnothing\n56\n"), [12, 34, 56]);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let watch = Watch { pids: vec![u32::MAX - 1], ..Watch::default() };
        assert!(watch.find().expect_err("no process").to_string().contains("no such process"));
    }
}
