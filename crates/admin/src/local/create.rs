//! Making a cluster on this machine.
//!
//! ```text
//! nothing ─► cluster.toml.unfinished ─► log run mnt, credentials, NAME.toml ─► cluster.toml ─► it alone
//!    ▲           │ cut off anywhere before cluster.toml
//!    └───────────┘ cleared, and begun anew: no process was ever started from it
//! ```

use std::fs::create_dir_all;
use std::net::TcpListener;
use std::path::Path;

use super::directory::{Local, hold, unfinished};
use super::error::{LocalError, cannot};
use super::files;
use super::options::LocalOptions;
use crate::durable;
use crate::new_cluster::write_cluster;

impl Local {
    /// Makes a cluster in a directory that is empty or not there. One that is there already, and is like
    /// this, is loaded; what was cut off is begun anew. `program` is the binary that its processes are to be
    /// started with. It runs nothing yet.
    ///
    /// # Errors
    /// [`LocalError::OtherOptions`] when a cluster is there that is not like this; [`LocalError::NotEmpty`]
    /// and [`LocalError::NotLocal`] when something else is.
    pub fn create(dir: &Path, options: &LocalOptions, program: &Path) -> Result<Local, LocalError> {
        options.check()?;
        let _held = loop {
            create_dir_all(dir).map_err(cannot("make", dir))?;
            if let Some(held) = hold(dir)? {
                break held;
            }
        };
        let unfinished = unfinished(dir);
        if dir.join("cluster.toml").exists() {
            let local = Local::load(dir, program)?;
            options.check_same(&local.dir, &local.spec)?;
            durable::remove(&unfinished).map_err(cannot("remove", &unfinished))?;
            return Ok(local);
        }
        if unfinished.exists() {
            let before = Local::found(dir)?;
            files::clear(&before.dir, &before.spec)?;
        } else if !files::others(dir)?.is_empty() {
            return Err(LocalError::NotEmpty { dir: dir.to_owned() });
        }
        make(dir, options)?;
        durable::remove(&unfinished).map_err(cannot("remove", &unfinished))?;
        Local::load(dir, program)
    }
}

fn make(dir: &Path, options: &LocalOptions) -> Result<(), LocalError> {
    let listening = |error| LocalError::System { action: "listen on this machine".to_owned(), error };
    // Held together, so that all ports differ.
    let held: Result<Vec<_>, _> = (0..options.nodes).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let held = held.map_err(listening)?;
    let ports: Result<Vec<u16>, _> = held.iter().map(|port| Ok(port.local_addr()?.port())).collect();
    let spec = options.spec(&ports.map_err(listening)?)?;
    let unfinished = unfinished(dir);
    durable::write(&unfinished, spec.to_toml()?.as_bytes()).map_err(cannot("write", &unfinished))?;
    for sub in ["log", "run", "mnt"].map(|sub| dir.join(sub)) {
        create_dir_all(&sub).map_err(cannot("make", &sub))?;
    }
    Ok(write_cluster(dir, &spec, |node| options.config(&spec, node))?)
}
