//! Command lines that measure the same.

use serde::Serialize;

use super::load::Load;
use crate::command::Command;

/// Command lines, by what they measure.
#[derive(Clone, Debug, Serialize)]
pub struct Commands {
    /// Each direction alone.
    pub ior: String,
    /// Both at once.
    pub mixed: String,
    /// Small files.
    pub smallfile: String,
    /// Names and attributes.
    pub mdtest: String,
}

impl Commands {
    /// Those of a load.
    pub(super) fn of(load: &Load) -> Commands {
        let (np, mib, files, place) = (load.processes, load.mib(), load.files, load.place());
        let stride = if np > 1 { " -N 1" } else { "" };
        let reorder = if np > 1 { " -C" } else { "" };
        let mdtest_place = match &load.dir {
            Some(_) => place.clone(),
            None => format!("-d /isobar-validate {place}"),
        };
        Commands {
            ior: format!("isobar bench ior -np {np} -F -t 1m -b {mib}m -e{reorder} {place}"),
            mixed: mixed(load, load.seconds),
            smallfile: format!("isobar bench smallfile -np {np} -n {files} -D {} {place}", load.seconds),
            mdtest: format!("isobar bench mdtest -np {np} -F -u -n {files}{stride} {mdtest_place}"),
        }
    }

    /// All, with what each is for.
    pub fn all(&self) -> Vec<Command> {
        [
            ("Large files, each direction alone", &self.ior),
            ("Large files, both directions at once; latency of reads, writes and fsync", &self.mixed),
            ("Small files, made and read at once", &self.smallfile),
            ("Metadata rates and latency", &self.mdtest),
        ]
        .map(|(what, command)| Command::new(what, command))
        .to_vec()
    }
}

/// Reading and writing at once for so many seconds.
pub(super) fn mixed(load: &Load, seconds: f64) -> String {
    let np = load.processes.max(2);
    format!(
        "isobar bench mixed -np {np} -t 1m -b {}m -D {seconds} --files-kept 2 -e {}",
        load.mib(),
        load.place()
    )
}
