//! `isobar dev`: a local cluster in the background.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use isobar_admin::{Local, LocalError, MOUNT};

use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{local, readiness, runtime};

/// Nodes of a local cluster.
const NODES: usize = 8;

/// What to do with it.
#[derive(Subcommand, Debug)]
pub enum DevCommand {
    /// Start (or start again) the local cluster and mount it.
    Up {
        /// How many nodes, when it is made. Default: 8.
        #[arg(long)]
        nodes: Option<usize>,
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Size of each node's target, when it is made.
        #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1 << 30))]
        target_mib: u64,
        /// Do not mount.
        #[arg(long)]
        no_mount: bool,
    },
    /// Show its processes.
    Status {
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Unmount and mount again, with empty caches.
    Remount {
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Start a node that does not run.
    Start {
        /// The node.
        name: String,
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Kill a node as a power cut would (SIGKILL).
    Kill {
        /// The node.
        name: String,
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Print its processes, a name and a number in each line.
    Pids {
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Unmount and stop it.
    Down {
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Also remove its data.
        #[arg(long)]
        remove: bool,
    },
}

/// Starts, shows or stops it.
pub fn run(action: DevCommand, format: Format) -> Outcome {
    match action {
        DevCommand::Up { nodes, data, target_mib, no_mount } => {
            up(dir(data), nodes, target_mib, no_mount, format)
        }
        DevCommand::Status { data } => status(&load(data)?, format),
        DevCommand::Remount { data } => {
            let local = load(data)?;
            local.stop(MOUNT).map_err(local::words)?;
            mount(&local, &Progress::new(true))?;
            Ok(ExitCode::SUCCESS)
        }
        DevCommand::Start { name, data } => {
            load(data)?.start_node(&name, false).map_err(local::words)?;
            Ok(ExitCode::SUCCESS)
        }
        DevCommand::Kill { name, data } => {
            local::kill(&load(data)?, &name)?;
            Ok(ExitCode::SUCCESS)
        }
        DevCommand::Pids { data } => {
            let local = load(data)?;
            for name in local.names().chain([MOUNT]) {
                if let Some(pid) = local.pid(name) {
                    println!("{name} {pid}");
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        DevCommand::Down { data, remove } => down(data, remove),
    }
}

fn dir(data: Option<PathBuf>) -> PathBuf {
    data.unwrap_or_else(local::dev_dir)
}

fn load(data: Option<PathBuf>) -> Result<Local, String> {
    local::load(&dir(data))
}

fn up(dir: PathBuf, nodes: Option<usize>, target_mib: u64, no_mount: bool, format: Format) -> Outcome {
    let progress = Progress::new(output::is_json(format));
    progress.now(format!("local cluster in {}", dir.display()));
    let local = match Local::is_in(&dir) {
        true => local::load(&dir)?,
        false => local::create(&dir, &local::options(local::DEV, nodes.unwrap_or(NODES), target_mib << 20))?,
    };
    let dir = local.dir.clone();
    if local.spec.name == local::DEMONSTRATION {
        let dir = dir.display();
        return Err(format!("{dir} holds a demonstration, which the next one removes: use another --data"));
    }
    let has = local.spec.node.len();
    if let Some(wanted) = nodes.filter(|&wanted| wanted != has) {
        let (has, wanted) = (has.to_string(), wanted.to_string());
        return Err(local::words(LocalError::OtherOptions { dir, what: "nodes", has, wanted }));
    }
    for name in local.names() {
        local.start_node(name, false).map_err(local::words)?;
    }
    runtime::block_on(async { readiness::wait(&local, |text| progress.now(text)).await })?;
    progress.done(format!("{} nodes up", local.spec.node.len()));
    let mount_point = local.mount_point();
    let mut mounted = false;
    if !no_mount {
        match isobar_mount::fuse_available() {
            Ok(()) => {
                mount(&local, &progress)?;
                mounted = true;
            }
            Err(why) => progress.done(format!("not mounted: {why}")),
        }
    }
    progress.finish();
    if output::is_json(format) {
        output::json(
            &serde_json::json!({ "data": dir, "mount": mounted.then_some(&mount_point), "cluster": local.spec.cluster }),
        );
    } else {
        println!("cluster  {}", dir.display());
        if mounted {
            println!("mount    {}", mount_point.display());
        }
        println!(
            "stop it  isobar dev down{}",
            if dir == local::dev_dir() { String::new() } else { format!(" --data {}", dir.display()) }
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the mount process and waits until the mount is there.
fn mount(local: &Local, progress: &Progress) -> Result<(), String> {
    let point = local.mount_point();
    local.start_mount(&point, false).and_then(|_| local.await_mount(&point)).map_err(local::words)?;
    progress.done(format!("mounted on {}", point.display()));
    Ok(())
}

fn status(local: &Local, format: Format) -> Outcome {
    let mut rows =
        vec![vec!["process".to_owned(), "pid".to_owned(), "address".to_owned(), "role".to_owned()]];
    for node in &local.spec.node {
        let pid = local.pid(&node.name).map_or("stopped".to_owned(), |p| p.to_string());
        let role = if node.voter { "storage, metadata" } else { "storage" };
        rows.push(vec![node.name.clone(), pid, node.addr.to_string(), role.to_owned()]);
    }
    let pid = local.pid(MOUNT).map_or("stopped".to_owned(), |p| p.to_string());
    rows.push(vec![MOUNT.to_owned(), pid, local.mount_point().display().to_string(), "client".to_owned()]);
    if output::is_json(format) {
        let all: Vec<_> = rows[1..]
            .iter()
            .map(|r| serde_json::json!({ "process": r[0], "pid": r[1].parse::<u32>().ok(), "address": r[2], "role": r[3] }))
            .collect();
        output::json(&all);
    } else {
        output::table(&rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn down(data: Option<PathBuf>, remove: bool) -> Outcome {
    let dir = dir(data);
    // Removing it may have been cut off, or making it.
    if !(remove && Local::is_unfinished(&dir)) {
        local::load(&dir)?.stop_all().map_err(local::words)?;
    }
    if !remove {
        println!("stopped; isobar dev up starts it again");
        return Ok(ExitCode::SUCCESS);
    }
    let stays = local::remove(&dir)?;
    println!("stopped, data removed{}", stays.map(|what| format!("; {what}")).unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}
