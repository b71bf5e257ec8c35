//! The local clusters of `dev` and `demo`: where they are unless told otherwise, that their processes are
//! copies of this program, and their errors in the words of these commands.
//!
//! ```text
//! STATE/dev       the cluster of `dev`; one that was made in STATE itself stays there
//! STATE/demo      the demonstration's, which the next one removes
//! STATE/control   the control plane's data
//! ```
//! A demonstration removes what an earlier one left, so its clusters have a name that no other has, and `dev`
//! takes none of them for its own.

use std::path::{Path, PathBuf};

use isobar_admin::{Local, LocalError, LocalOptions, Waits};

/// The name of file systems of `dev`.
pub const DEV: &str = "dev";
/// The name of file systems of demonstrations. Those of `dev` were once named `demo`.
pub const DEMONSTRATION: &str = "demonstration";

/// Where this program keeps its data unless told otherwise.
pub fn state_dir() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/state"));
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("isobar")
}

/// The directory that `dev` uses unless told otherwise.
pub fn dev_dir() -> PathBuf {
    let state = state_dir();
    match Local::is_in(&state) || Local::is_unfinished(&state) {
        true => state,
        false => state.join("dev"),
    }
}

/// The directory that `demo` uses unless told otherwise.
pub fn demo_dir() -> PathBuf {
    state_dir().join("demo")
}

/// The local cluster that commands are about unless told otherwise: that of `dev`, or else the
/// demonstration's.
pub fn cluster_dir() -> PathBuf {
    let (dev, demo) = (dev_dir(), demo_dir());
    if !Local::is_in(&dev) && Local::is_in(&demo) { demo } else { dev }
}

/// A cluster of so many nodes, with a target each.
pub fn options(name: &str, nodes: usize, target_bytes: u64) -> LocalOptions {
    LocalOptions { nodes, target_bytes, name: name.to_owned(), data_rows: None, parity_rows: None }
}

/// Makes one, or finishes making it.
pub fn create(dir: &Path, options: &LocalOptions) -> Result<Local, String> {
    Local::create(dir, options, &this_program()?).map_err(words)
}

/// One made before.
pub fn load(dir: &Path) -> Result<Local, String> {
    Local::load(dir, &this_program()?).map_err(words)
}

/// Kills a node, which must run.
pub fn kill(local: &Local, name: &str) -> Result<(), String> {
    let ran = local.kill_node(name).map_err(words)?;
    ran.then_some(()).ok_or_else(|| format!("{name} does not run"))
}

/// Stops one and removes all of it; says what stays because it is somebody else's.
pub fn remove(dir: &Path) -> Result<Option<String>, String> {
    let left = Local::remove(dir, Waits::default()).map_err(words)?.left;
    let names: Vec<_> = left.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let stays = || format!("{} stays: {} not of the cluster", dir.display(), names.join(", "));
    Ok((!left.is_empty()).then(stays))
}

/// One line, with what to do.
pub fn words(error: LocalError) -> String {
    match error {
        LocalError::Nodes { .. } => format!("--{error}"),
        LocalError::NotLocal { .. } => format!("{error}: isobar dev up makes one"),
        LocalError::NotEmpty { dir } => {
            format!("{} is not empty and not ours: use --data with another directory", dir.display())
        }
        LocalError::OtherOptions { dir, what, has, wanted } => format!(
            "the cluster in {} has {has} {what}, not {wanted}: leave --nodes out, use another --data, or \
             remove it with isobar dev down --remove",
            dir.display()
        ),
        other => other.to_string(),
    }
}

fn this_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))
}
