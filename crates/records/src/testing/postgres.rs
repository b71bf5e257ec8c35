//! A PostgreSQL server for the tests of one process: on a loopback port, with its data in a folder for
//! temporary files, as an unprivileged user.
//!
//! It ends with the process, however that ends. A shell keeps the server and reads from a pipe that only
//! the process holds: when the process is gone the pipe closes, the shell stops the server and removes
//! its folder. Should the shell be killed, the server gets a signal from the system.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where Debian and its like have it, a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(20);
/// A port that was free a moment ago may be taken: so often another one is tried.
const STARTS_MAX: u32 = 5;

/// $1 is the folder; the rest is the server's command line. It ignores what a terminal sends to all of its
/// processes, and waits for its standard input to close. SIGQUIT stops a server at once.
const KEEPER: &str = r#"
trap '' INT TERM HUP
folder=$1
shift
"$@" >"$folder/log" 2>&1 &
server=$!
read -r nothing
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

/// A server that runs.
pub(crate) struct Server {
    port: u16,
    /// Its standard input is what keeps the server.
    _keeper: Child,
}

impl Server {
    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://t@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

/// The server of this process, started by whoever asks first; `None` where it is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = |programs: PathBuf| {
        let started = (0..STARTS_MAX).find_map(|_| start(&programs));
        started.expect("PostgreSQL starts on one of several ports")
    };
    SERVER.get_or_init(|| programs().map(start)).as_ref()
}

/// The folder of the newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let complete = versions.filter(|bin| ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file()));
    let version = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    complete.max_by_key(version)
}

/// Starts a server; `None` if its port was taken meanwhile.
fn start(programs: &Path) -> Option<Server> {
    let user = User::unprivileged();
    let folder = tempfile::Builder::new().prefix("isobar-postgres-").tempdir().expect("a folder").keep();
    if let Some(User { uid, gid }) = &user {
        output(Command::new("chown").arg(format!("{uid}:{gid}")).arg(&folder));
    }
    let mut initdb = as_user(&user);
    initdb.arg(programs.join("initdb")).arg("-D").arg(folder.join("data")).current_dir(&folder);
    output(initdb.args(["-A", "trust", "-U", "t", "--no-sync", "-E", "UTF8", "--locale=C"]));

    let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let port = free.local_addr().expect("its address").port();
    drop(free);
    let mut keeper = keep(programs, &user, &folder, port);
    if is_ready(&folder) {
        return Some(Server { port, _keeper: keeper });
    }
    // It stops when it cannot read on.
    drop(keeper.stdin.take());
    keeper.wait().expect("the keeper ends");
    None
}

/// Starts a server with its keeper.
fn keep(programs: &Path, user: &Option<User>, folder: &Path, port: u16) -> Child {
    let as_user = as_user(user);
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "sh"]).arg(folder).arg(as_user.get_program()).args(as_user.get_args());
    keeper.arg(programs.join("postgres")).arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
    let sockets = format!("unix_socket_directories={}", folder.display());
    for setting in [
        "listen_addresses=127.0.0.1",
        &sockets,
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=32MB",
        "max_connections=200",
    ] {
        keeper.args(["-c", setting]);
    }
    // Whoever reads what this process prints does not wait for the keeper.
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder);
    keeper.spawn().expect("a shell")
}

/// Waits until a server takes connections; `false` if it gives up.
fn is_ready(folder: &Path) -> bool {
    let begun = Instant::now();
    loop {
        // The last line of this file is how the server is.
        let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if state.lines().last().is_some_and(|line| line.trim() == "ready") {
            return true;
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("FATAL") {
            return false;
        }
        assert!(begun.elapsed() < START_MAX, "PostgreSQL does not start:\n{log}");
        std::thread::sleep(POLL_EVERY);
    }
}

/// Somebody that PostgreSQL agrees to run as.
struct User {
    uid: String,
    gid: String,
}

impl User {
    /// `None` if this process is no superuser, and may run it itself.
    fn unprivileged() -> Option<User> {
        let is_root = fs::metadata("/proc/self").expect("/proc").uid() == 0;
        let id = |what: &str, name: &str| {
            let id = Command::new("id").args([what, name]).output().expect("id runs");
            id.status.success().then(|| String::from_utf8_lossy(&id.stdout).trim().to_owned())
        };
        let user = |name: &&str| Some(User { uid: id("-u", name)?, gid: id("-g", name)? });
        is_root.then(|| ["postgres", "nobody"].iter().find_map(user).expect("an unprivileged user"))
    }
}

/// Begins a command line of somebody's, that ends with its parent.
fn as_user(user: &Option<User>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some(User { uid, gid }) = user {
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    }
    command
}

/// Runs a command to its end.
fn output(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
