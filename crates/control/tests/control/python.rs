//! Clients that others wrote in Python, each in a virtual environment beside the build.
//!
//! Where ISOBAR_INSTALL is set (as `./test` does) they are installed from PyPI, once. Where there is none,
//! the tests with it say so in one line and pass.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How long installing may take.
const INSTALL_SECONDS_MAX: u32 = 600;

/// The programs of a virtual environment with these packages; nothing when it cannot be had.
pub fn programs(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let found = installed(name, packages);
    if found.is_none() {
        // The test's own output is shown only when it fails.
        let line = format!(
            "{} is not there (ISOBAR_INSTALL=1 installs it): the test with it is skipped",
            packages[0]
        );
        writeln!(std::io::stderr(), "{line}").expect("a line");
    }
    found
}

fn installed(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-venv"));
    let programs = folder.join("bin");
    // A file that is written last says that nothing is missing.
    let whole = folder.join("whole");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&whole).is_ok_and(|there| there == wanted) {
        return Some(programs);
    }
    std::env::var_os("ISOBAR_INSTALL")?;
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().ok()?;
    let mut install = Command::new("timeout");
    install.arg(INSTALL_SECONDS_MAX.to_string()).arg(programs.join("pip"));
    install.args(["install", "-q", "--no-cache-dir", "--disable-pip-version-check"]).args(packages);
    let installed = install.output().ok()?;
    if !made.status.success() || !installed.status.success() {
        return None;
    }
    std::fs::write(&whole, wanted).ok()?;
    Some(programs)
}
