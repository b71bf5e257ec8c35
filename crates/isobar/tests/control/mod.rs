//! A control plane as a process, and somebody with a home of his own who types commands.
#![allow(dead_code, reason = "every test file uses its own part of this module")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// The role that may look at everything.
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Somebody.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().expect("a directory"))
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path").to_owned()
    }

    /// Where its control plane keeps its data.
    pub fn control(&self) -> PathBuf {
        self.path("state/isobar/control").into()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isobar"));
        command.args(arguments).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("XDG_STATE_HOME", self.path("state")).env("COLUMNS", "120");
        for name in ["ISOBAR_CLIENT_SECRET", "ISOBAR_LOG", "ISOBAR_CONTROL_DATABASE"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[], None)
    }

    /// Runs a command with more in its environment, and a text on its standard input.
    pub fn run_with(&self, arguments: &[&str], more: &[(&str, &str)], input: Option<&str>) -> Output {
        let mut command = self.command(arguments);
        command.envs(more.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("an input");
        // Whoever does not read it may have ended.
        stdin.write_all(input.unwrap_or_default().as_bytes()).ok();
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }

    /// Runs a command that has to work; gives what it prints.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same, as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    pub fn profile(&self) -> Value {
        let path = self.path("config/isobar/profile.json");
        let mode = std::fs::metadata(&path).expect("a profile").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        serde_json::from_slice(&std::fs::read(path).expect("a profile")).expect("JSON")
    }

    pub fn write_profile(&self, profile: &Value) {
        std::fs::write(self.path("config/isobar/profile.json"), profile.to_string()).expect("a profile");
    }
}

/// A control plane that runs. Killed when dropped.
pub struct Control {
    child: Child,
    /// What it told at its start.
    pub told: Value,
}

impl Control {
    /// Starts one with its data in this home, on a port of its own unless `more` says otherwise.
    pub fn start(home: &Home, more: &[&str]) -> Control {
        Control::start_saying(home, more, Stdio::inherit())
    }

    /// The same, with what it logs in a file, behind what is there.
    pub fn start_with_log(home: &Home, more: &[&str], log: &Path) -> Control {
        let file = File::options().create(true).append(true).open(log);
        Control::start_saying(home, more, file.expect("a log").into())
    }

    fn start_saying(home: &Home, more: &[&str], log: Stdio) -> Control {
        let mut arguments = vec!["control", "--output", "json"];
        if !more.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        arguments.extend(more);
        let mut command = home.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        let mut text = String::new();
        for line in lines.by_ref() {
            text += &line.expect("text");
            if text.ends_with('}') {
                break;
            }
        }
        let told = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Control { child, told }
    }

    pub fn url(&self) -> &str {
        self.told["url"].as_str().expect("a URL")
    }

    pub fn ca(&self) -> &str {
        self.told["ca_file"].as_str().expect("a path")
    }

    /// Kills it (SIGKILL), and returns when it is dead.
    pub fn kill(self) {
        drop(self);
    }

    /// Stops it in order.
    pub fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Somebody whose clusters are real: such tests come one after the other on a machine, and nothing of them
/// runs on, whatever way they end.
pub struct WithClusters<'h> {
    home: &'h Home,
    _only_one: File,
}

impl<'h> WithClusters<'h> {
    pub fn begin(home: &'h Home) -> WithClusters<'h> {
        let lock = std::env::temp_dir().join("isobar-tests.lock");
        let only_one = File::options().create(true).truncate(false).write(true).open(lock);
        let only_one = only_one.expect("the lock file opens");
        only_one.lock().expect("the lock is granted");
        WithClusters { home, _only_one: only_one }
    }

    /// The processes of the clusters.
    pub fn processes(&self) -> Vec<Pid> {
        self.found("")
    }

    /// Kills those that have this in their command line.
    pub fn kill(&self, with: &str) {
        for pid in self.found(with) {
            rustix::process::kill_process(pid, Signal::KILL).ok();
        }
    }

    /// Those that have this in their command line.
    pub fn found(&self, with: &str) -> Vec<Pid> {
        let root = self.home.control().join("clusters").display().to_string();
        let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
        let is_one = |entry: &std::fs::DirEntry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains(&root) && line.contains(with)
        };
        let pids = entries.filter(is_one).filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Pid::from_raw).collect()
    }
}

impl Drop for WithClusters<'_> {
    fn drop(&mut self) {
        self.kill("");
    }
}

/// It was refused with this exit code, in one line that has these words.
#[track_caller]
pub fn refused(output: &Output, code: i32, with: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.starts_with("isobar: ") && said.contains(with), "no {with:?} in {said}");
}
