//! `isobar demo`: the whole promise on one machine, with real processes, a real mount and `kill -9`.
//!
//! ```text
//! stage      the cluster forms and is mounted
//! stream     one stream: a speed, not a promise
//! deaths     two nodes die while files are written; everything fsynced is read back
//! recovery   they return, one with a blank disk; two others die, and everything is read back again
//! report     each promise, and whether it was kept
//! ```

mod area;
mod deaths;
mod directory;
mod recovery;
mod report;
mod stage;
mod storm;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use isobar_admin::Local;

use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{local, runtime, signals};
use deaths::Victims;
use report::Report;
use stage::Stage;

/// Target of each node: four GiB for eight nodes, reserved and given back at the end.
const TARGET_BYTES: u64 = 512 << 20;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar demo --exit";

/// Arguments of `isobar demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many nodes.
    #[arg(long, default_value_t = 8)]
    pub nodes: usize,
    /// Where nodes keep their data; what an earlier demo left there is removed.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where to mount. Default: `mnt` in the data directory.
    #[arg(long, value_name = "DIR")]
    pub mount: Option<PathBuf>,
    /// End after the report instead of staying up.
    #[arg(long)]
    pub exit: bool,
    /// Go through the client library even where a mount is possible.
    #[arg(long)]
    pub no_mount: bool,
}

/// Runs the demonstration.
pub fn run(args: DemoArgs, format: Format) -> Outcome {
    let json = output::is_json(format);
    let progress = Progress::new(false);
    if args.nodes < 5 {
        return Err(format!("--nodes {}: any two of them may die only with 5 nodes or more", args.nodes));
    }
    let options = local::options(local::DEMONSTRATION, args.nodes, TARGET_BYTES);
    options.check().map_err(local::words)?;
    progress.done(format!("isobar demo: {} nodes on this machine", args.nodes));
    let dir = args.data.clone().unwrap_or_else(local::demo_dir);
    directory::prepare(&dir)?;
    let mountable = if args.no_mount { Err("as asked".to_owned()) } else { isobar_mount::fuse_available() };
    let runtime = runtime::threads(2)?;
    // The main thread starts the processes: they end when it does, however that comes about.
    let local = local::create(&dir, &options)?;
    let outcome = runtime.block_on(play(&args, &local, mountable, &progress, json));
    if outcome.as_ref().is_err() {
        progress.done("stopping");
    }
    let stopped = local.stop_all().map_err(local::words);
    progress.finish();
    let all_kept =
        outcome.map_err(|why| format!("{why} (logs are in {})", local.dir.join("log").display()))?;
    stopped?;
    if all_kept {
        local::remove(&local.dir)?;
    }
    Ok(if all_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays all acts and prints the report; whether every promise was kept.
async fn play(
    args: &DemoArgs,
    local: &Local,
    mountable: Result<(), String>,
    progress: &Progress,
    json: bool,
) -> Result<bool, String> {
    let point = args.mount.clone().unwrap_or_else(|| local.mount_point());
    let mounted = mountable.is_ok();
    let stage = Stage::form(local, mountable.map(|()| point.clone()), progress).await?;
    let rates = stream::measure(&stage.area, progress).await?;
    let victims = Victims::choose(&stage).await?;
    let (blown, writing_goes_on) = deaths::kill_two(&stage, &victims).await?;
    let nothing_is_lost = deaths::read_back(&stage, &blown).await;
    let redundancy_returns = recovery::bring_back(&stage, &victims).await?;
    let rebuilt_is_right = recovery::prove_the_rebuild(&stage, &victims, &blown).await?;
    progress.finish();

    let findings = vec![writing_goes_on, nothing_is_lost, redundancy_returns, rebuilt_is_right];
    let report = Report { findings, rates, mounted };
    if json {
        report.print_json();
    } else {
        report.print_table();
    }
    if !args.exit {
        if mounted {
            println!("\nThe file system stays mounted on {} until Ctrl-C.", point.display());
        } else {
            println!("\nThe cluster stays up until Ctrl-C.");
        }
        println!("Look at it with: isobar status --cluster {}", local.dir.display());
        signals::asked_to_stop().await;
    }
    stage.area.close();
    Ok(report.all_kept())
}
