//! Which process is a node, or the mount: the one whose number is in its file, as long as its command line is
//! that of ours. Numbers are used again, so the whole path in it has to be the same.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use super::directory::{Local, MOUNT};

/// How often, and how long apart, a process without a command line is looked at again.
const EXEC_LOOKS: u32 = 50;
const EXEC_PAUSE: Duration = Duration::from_millis(2);

impl Local {
    /// The process of a node (or [`MOUNT`]), if it runs. One that has ended does not, whether somebody has
    /// waited for it or not.
    pub fn pid(&self, name: &str) -> Option<u32> {
        let known = name == MOUNT || self.names().any(|node| node == name);
        let file = known.then(|| self.run(&format!("{name}.pid")))?;
        let pid: u32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
        has_words(&command_of(pid)?, &self.words(name)).then_some(pid)
    }

    /// Whether a node (or [`MOUNT`]) runs.
    pub fn is_running(&self, name: &str) -> bool {
        self.pid(name).is_some()
    }

    /// What a process of ours has in its command line.
    pub(super) fn words(&self, name: &str) -> Vec<OsString> {
        match name {
            MOUNT => vec!["mount".into(), self.dir.clone().into()],
            _ => vec!["node".into(), "--config".into(), self.config(name).into()],
        }
    }
}

/// Whether a command line has these arguments, one after the other.
fn has_words(command: &[u8], words: &[OsString]) -> bool {
    let arguments: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
    arguments.windows(words.len()).any(|some| some.iter().zip(words).all(|(a, b)| *a == b.as_bytes()))
}

/// The command line of a process; empty when it has ended and nobody has waited for it.
fn command_of(pid: u32) -> Option<Vec<u8>> {
    for _ in 0..EXEC_LOOKS {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        if !command.is_empty() || matches!(state, Some('Z' | 'X')) {
            return Some(command);
        }
        // It has none for a moment while it begins to be another program.
        std::thread::sleep(EXEC_PAUSE);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_ours_only_as_a_whole_and_after_its_own_words() {
        let words = ["node", "--config", "/a/b/n1.toml"].map(OsString::from);
        assert!(has_words(b"/bin/isobar\0node\0--config\0/a/b/n1.toml\0--with-parent\0", &words));
        for other in [
            &b"/bin/isobar\0node\0--config\0/a/b/n1.toml2\0"[..],
            b"/bin/isobar\0node\0--config\0/x/a/b/n1.toml\0",
            b"vim\0/a/b/n1.toml\0",
            b"",
        ] {
            assert!(!has_words(other, &words));
        }
    }
}
