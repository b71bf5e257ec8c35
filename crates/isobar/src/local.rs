//! The local cluster of `dev` and `demo`: where it is unless told otherwise, that its processes are copies of
//! this program, and its errors in the words of these commands.

use std::path::{Path, PathBuf};

use isobar_admin::{Local, LocalError, LocalOptions, Waits};

/// The directory `demo` and `dev` use unless told otherwise.
pub fn default_dir() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/state"));
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("isobar")
}

/// A cluster of so many nodes, with a target each.
pub fn options(nodes: usize, target_bytes: u64) -> LocalOptions {
    LocalOptions { nodes, target_bytes, name: "demo".to_owned(), data_rows: None, parity_rows: None }
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
