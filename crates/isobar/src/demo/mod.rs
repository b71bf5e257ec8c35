//! `isobar demo`: the whole promise on one machine, with real processes, a real mount and `kill -9`.

mod area;
mod storm;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use isobar_client::{Client, ClientOptions, Cluster};
use serde::Serialize;

use crate::local::{self, Local};
use crate::output::{Format, Outcome};
use crate::progress::Progress;
use crate::{fsck, node, output, runtime, signals, status};
use area::{Area, LibraryArea, MountArea};
use storm::Storm;

/// Target of each node: four GiB for eight nodes, reserved and given back at the end.
const TARGET_BYTES: u64 = 512 << 20;
/// Bytes streamed to show a speed.
const STREAM_BYTES: usize = 256 << 20;
const READY_WAIT: Duration = Duration::from_secs(60);
/// How long the storm blows at least before, between and after the kills.
const STORM_STEP: Duration = Duration::from_millis(1500);
/// Files that must have been fsynced in each of these steps before the next one.
const STORM_FILES: usize = 8;
/// How long a call waits for a metadata quorum: whoever writes for so long in vain has an error.
const STORM_WAIT: Duration = Duration::from_secs(60);

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

/// A line of the report.
#[derive(Serialize)]
struct Finding {
    promised: &'static str,
    happened: String,
    kept: bool,
}

/// Runs the demonstration.
pub fn run(args: DemoArgs, format: Format) -> Outcome {
    let json = output::is_json(format);
    let progress = Progress::new(false);
    if args.nodes < 5 {
        return Err(format!("--nodes {}: any two of them may die only with 5 nodes or more", args.nodes));
    }
    progress.done(format!("isobar demo: {} nodes on this machine", args.nodes));
    let dir = args.data.clone().unwrap_or_else(local::default_dir);
    let dir = prepare(dir)?;
    let mountable = if args.no_mount { Err("as asked".to_owned()) } else { isobar_mount::fuse_available() };
    let runtime = runtime::threads(2)?;
    // The main thread starts the processes: they end when it does, however that comes about.
    let local = Local::create(&dir, args.nodes, TARGET_BYTES)?;
    let outcome = runtime.block_on(act(&args, &local, mountable, &progress, json));
    if outcome.as_ref().is_err() {
        progress.done("stopping");
    }
    local.stop_all();
    progress.finish();
    let all_kept =
        outcome.map_err(|why| format!("{why} (logs are in {})", local.dir.join("log").display()))?;
    if all_kept {
        remove(&local)?;
    }
    Ok(if all_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Removes the data. A process that was killed may hold on to its files, or its mount, for a moment.
fn remove(local: &Local) -> Result<(), String> {
    rustix::mount::unmount(local.mount_point(), rustix::mount::UnmountFlags::DETACH).ok();
    let begun = Instant::now();
    loop {
        match std::fs::remove_dir_all(&local.dir) {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > Duration::from_secs(5) => {
                return Err(format!("cannot remove {}: {error}", local.dir.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// An empty data directory; what an earlier demonstration left is removed, nothing else is.
fn prepare(dir: PathBuf) -> Result<PathBuf, String> {
    if Local::is_in(&dir) {
        let old = Local::load(&std::fs::canonicalize(&dir).unwrap_or(dir.clone()))?;
        if old.names().any(|name| old.pid(name).is_some()) {
            return Err(format!(
                "a local cluster runs in {}: stop it with isobar dev down, or use --data",
                dir.display()
            ));
        }
        if old.spec.name != "demo" {
            return Err(format!("{} holds a cluster that is not a demonstration: use --data", dir.display()));
        }
        rustix::mount::unmount(old.mount_point(), rustix::mount::UnmountFlags::DETACH).ok();
        std::fs::remove_dir_all(&dir).map_err(|e| format!("cannot remove {}: {e}", dir.display()))?;
    } else if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!(
            "{} is not empty and not ours: use --data with another directory",
            dir.display()
        ));
    }
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    std::fs::canonicalize(&dir).map_err(|e| format!("{}: {e}", dir.display()))
}

async fn act(
    args: &DemoArgs,
    local: &Local,
    mountable: Result<(), String>,
    progress: &Progress,
    json: bool,
) -> Result<bool, String> {
    let mut findings = Vec::new();
    for name in local.names() {
        drop(local.start_node(name, true)?);
    }
    let begun = Instant::now();
    local.ready(READY_WAIT, |text| progress.now(text)).await?;
    let (n, k) = (local.spec.data_rows, local.spec.parity_rows);
    progress.done(format!(
        "cluster up in {:.1} s: {} nodes, {n} data + {k} parity rows, {} metadata voters",
        begun.elapsed().as_secs_f64(),
        local.spec.node.len(),
        2 * k + 1
    ));

    let point = args.mount.clone().unwrap_or_else(|| local.mount_point());
    let area: Arc<dyn Area> = match &mountable {
        Ok(()) => {
            std::fs::create_dir_all(&point).map_err(|e| format!("cannot make {}: {e}", point.display()))?;
            let mut child = local.start_mount(&point, true)?;
            local.await_mount(&point, &mut child)?;
            progress.done(format!("mounted on {}", point.display()));
            Arc::new(MountArea(point.clone()))
        }
        Err(why) => {
            progress.done(format!("no mount ({why}); the same proof through the client library"));
            let options = ClientOptions { name: "demo".to_owned(), ..ClientOptions::default() };
            let client = Client::connect(&local.spec, options).await.map_err(|e| e.to_string())?;
            Arc::new(LibraryArea::new(client, tokio::runtime::Handle::current()))
        }
    };

    let (write_rate, read_rate) = stream(&area, progress).await?;

    // Two nodes die while data is flowing; one of them leads the metadata.
    let cluster = Cluster::from_spec(&local.spec, READY_WAIT).map_err(|e| e.to_string())?;
    let leader = leader(local, &cluster).await?;
    let other = local
        .spec
        .node
        .iter()
        .rev()
        .find(|n| n.name != leader)
        .map(|n| n.name.clone())
        .ok_or("there is no second node")?;
    let storm = Storm::start(area.clone());
    blow(&storm).await;
    local.kill_node(&leader)?;
    progress.done(format!("kill -9 {leader} (the metadata leader) while files are being written"));
    blow(&storm).await;
    local.kill_node(&other)?;
    progress.done(format!("kill -9 {other} while files are being written"));
    let before = storm.written();
    blow(&storm).await;
    let after = storm.written();
    let blown = storm.stop().await;
    findings.push(Finding {
        promised: "writing goes on with two nodes dead",
        happened: format!(
            "{} files written and fsynced, {} of them after both deaths; longest pause {:.1} s; {} errors",
            blown.files.len(),
            after - before,
            blown.longest_pause.as_secs_f64(),
            blown.errors.len()
        ),
        kept: after > before && blown.errors.is_empty(),
    });
    blown.errors.iter().take(3).for_each(|e| progress.done(format!("error: {e}")));
    let (checked, wrong) = blown.verify(&area).await;
    progress.done(format!("{checked} fsynced files read back with two nodes dead, {} wrong", wrong.len()));
    wrong.iter().take(3).for_each(|e| progress.done(format!("wrong: {e}")));
    findings.push(Finding {
        promised: "nothing that was fsynced is lost",
        happened: format!(
            "{checked} files read back by SHA-256 with two nodes dead: {} wrong or missing",
            wrong.len()
        ),
        kept: wrong.is_empty() && checked > 0,
    });

    // One comes back with its disk, one with a blank disk.
    drop(local.start_node(&other, true)?);
    let blank = local.dir.join(&leader);
    std::fs::remove_dir_all(&blank).map_err(|e| format!("cannot remove {}: {e}", blank.display()))?;
    drop(local.start_node(&leader, true)?);
    progress.done(format!("{other} restarted with its disk, {leader} with a blank disk"));
    progress.now("rebuilding");
    let rebuilt = node::replace_and_wait(&local.spec, &leader, false, progress).await?;
    progress.done(&rebuilt);
    local.ready(READY_WAIT, |text| progress.now(text)).await?;
    let view = cluster.refresh(READY_WAIT).await?;
    let redundancy = isobar_server::redundancy(&status::segments(&cluster).await?, &view);
    let report = fsck::check(&cluster, progress).await?;
    findings.push(Finding {
        promised: "full redundancy returns",
        happened: format!(
            "{rebuilt}; {}; fsck {}",
            status::redundancy_text(&redundancy),
            fsck::summary(&report)
        ),
        kept: redundancy.worst() == 0 && report.is_clean(),
    });

    // The proof of the rebuild: two nodes that held everything until now die.
    let victims: Vec<String> =
        local.names().filter(|n| *n != leader && *n != other).take(2).map(str::to_owned).collect();
    for victim in &victims {
        local.kill_node(victim)?;
    }
    let (checked, wrong) = blown.verify(&area).await;
    let names = victims.join(" and ");
    progress.done(format!("kill -9 {names}; {checked} files read back, {} wrong", wrong.len()));
    wrong.iter().take(3).for_each(|e| progress.done(format!("wrong: {e}")));
    findings.push(Finding {
        promised: "what was rebuilt is as good as before",
        happened: format!(
            "two other nodes killed: {checked} files read back, {} wrong or missing",
            wrong.len()
        ),
        kept: wrong.is_empty() && checked > 0,
    });
    for victim in &victims {
        drop(local.start_node(victim, true)?);
    }
    local.ready(READY_WAIT, |text| progress.now(text)).await?;
    progress.finish();

    let all_kept = findings.iter().all(|f| f.kept);
    if json {
        output::json(&serde_json::json!({
            "findings": findings, "kept": all_kept, "mounted": mountable.is_ok(),
            "write_mib_per_s": write_rate, "read_mib_per_s": read_rate,
        }));
    } else {
        report_table(&findings, write_rate, read_rate, mountable.is_ok());
    }
    if !args.exit {
        if mountable.is_ok() {
            println!("\nThe file system stays mounted on {} until Ctrl-C.", point.display());
        } else {
            println!("\nThe cluster stays up until Ctrl-C.");
        }
        println!("Look at it with: isobar status --cluster {}", local.dir.display());
        signals::asked_to_stop().await;
    }
    area.close();
    Ok(all_kept)
}

/// Waits while the storm blows: a step, and until files were fsynced in it.
async fn blow(storm: &Storm) {
    let (begun, before) = (Instant::now(), storm.written());
    loop {
        tokio::time::sleep(STORM_STEP).await;
        if storm.written() >= before + STORM_FILES || begun.elapsed() > STORM_WAIT {
            return;
        }
    }
}

/// Streams a file out and back in; MiB/s each way.
async fn stream(area: &Arc<dyn Area>, progress: &Progress) -> Result<(f64, f64), String> {
    progress.now(format!("streaming {}", output::bytes(STREAM_BYTES as u64)));
    let area = area.clone();
    let rates = tokio::task::spawn_blocking(move || {
        let data = storm::noise(1, STREAM_BYTES);
        let begun = Instant::now();
        area.write("stream", &data)?;
        let written = begun.elapsed();
        area.settle();
        let begun = Instant::now();
        let back = area.read("stream")?;
        let read = begun.elapsed();
        if back != data {
            return Err("the streamed file came back different".to_owned());
        }
        area.remove("stream")?;
        let mib = (STREAM_BYTES >> 20) as f64;
        Ok((mib / written.as_secs_f64(), mib / read.as_secs_f64()))
    });
    let (write, read) = rates.await.map_err(|e| e.to_string())??;
    progress.done(format!(
        "{} written and fsynced at {write:.0} MiB/s, read back at {read:.0} MiB/s",
        output::bytes(STREAM_BYTES as u64)
    ));
    Ok((write, read))
}

async fn leader(local: &Local, cluster: &Cluster) -> Result<String, String> {
    let states = status::node_states(&local.spec, cluster).await;
    let mut metas = states.into_iter().flatten().filter_map(|s| s.meta);
    metas.find_map(|m| m.leader).ok_or("no node knows a metadata leader".to_owned())
}

fn report_table(findings: &[Finding], write: f64, read: f64, mounted: bool) {
    let mut rows = vec![["promised", "", "what happened"].map(String::from).to_vec()];
    for finding in findings {
        let mark = if finding.kept { "kept" } else { "BROKEN" };
        rows.push(vec![finding.promised.to_owned(), mark.to_owned(), finding.happened.clone()]);
    }
    println!();
    output::table(&rows);
    let how = if mounted { "through the mount" } else { "through the client library" };
    println!(
        "\none stream {how}: {write:.0} MiB/s written and fsynced, {read:.0} MiB/s read (this machine runs all nodes and the client)"
    );
}
