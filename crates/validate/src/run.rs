//! One validation from beginning to end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use isobar_bench::{Cancel, CivilTime, Launcher};
use isobar_client::ClusterSpec;
use isobar_plan::Prediction;

use crate::drill::{self, NodeControl};
use crate::error::{Result, ValidateError};
use crate::judge;
use crate::measure::{self, Load};
use crate::preflight::{self, Preflight, Wanted, cluster_facts};
use crate::report::{ClientMachine, ClusterFile, Command, Report};
use crate::targets::Targets;
use crate::verdict::Overall;

/// Share of the rate before a fault that counts as recovered where no target says.
const RECOVERED_SHARE: f64 = 0.5;

/// What a mount caches of bytes read unless told otherwise.
const CLIENT_CACHE_BYTES: u64 = 256 << 20;

/// Hears what is going on.
pub trait Watcher: Sync {
    /// What is going on now; replaced by the next.
    fn now(&self, text: &str);
    /// A step that is done.
    fn done(&self, text: &str);
}

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Skip {
    /// Throughput and MTU of pairs.
    pub network: bool,
    /// Rates of devices.
    pub devices: bool,
    /// The workloads.
    pub benchmarks: bool,
    /// The fault drill.
    pub drill: bool,
}

/// Who stops and starts nodes, or why nobody can.
pub type Control<'a> = std::result::Result<&'a dyn NodeControl, String>;

/// What is validated, and how.
pub struct Options<'a> {
    /// The cluster.
    pub spec: ClusterSpec,
    /// Its file or directory, as commands name it.
    pub cluster_path: PathBuf,
    /// A directory on a mount of it; none for the client library.
    pub dir: Option<PathBuf>,
    /// What it has to reach.
    pub targets: Targets,
    /// Where the targets come from, in words.
    pub targets_from: String,
    /// Worker processes.
    pub processes: u32,
    /// Seconds of each workload that reads and writes at once.
    pub seconds: f64,
    /// Seconds of load in the drill.
    pub drill_seconds: f64,
    /// Size of large files.
    pub file_bytes: u64,
    /// Files of each process in the small-file and metadata workloads.
    pub files: u64,
    /// What is left out.
    pub skip: Skip,
    /// The node the drill stops; none for a storage node that does not lead the metadata.
    pub drill_node: Option<String>,
    /// Who stops and starts it.
    pub control: Control<'a>,
    /// How worker processes are started.
    pub launcher: Launcher,
    /// Calls everything off.
    pub cancel: Cancel,
    /// The command line that this is, for the report.
    pub command: String,
}

/// Validates. Blocks; what is written to the file system is removed again.
///
/// # Errors
/// [`ValidateError::BadInput`] before anything is done, [`ValidateError::Failed`] when nothing can be
/// measured. A missed target is no error: see [`Report::overall`].
pub fn run(options: &Options, watcher: &dyn Watcher) -> Result<Report> {
    check(options)?;
    let begun = Instant::now();
    let began = CivilTime::now().to_string();
    let load_before = load_of_machine();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| ValidateError::Failed(format!("cannot start a runtime: {e}")))?;
    let wanted = Wanted { network: !options.skip.network, devices: !options.skip.devices };
    let preflight = runtime.block_on(preflight::measure(&options.spec, wanted, watcher))?;
    // Connections of the runtime are of no more use.
    runtime.shutdown_timeout(Duration::from_secs(1));
    stop_if_called_off(options)?;

    let (prediction, prediction_method) = predict(options, &preflight);
    let load = Load {
        dir: options.dir.clone(),
        cluster: options.cluster_path.clone(),
        processes: options.processes,
        seconds: options.seconds,
        file_bytes: options.file_bytes,
        files: options.files,
        launcher: options.launcher.clone(),
        cancel: options.cancel.clone(),
    };
    let measured = match options.skip.benchmarks {
        true => None,
        false => Some(measure::run(&load, watcher)?),
    };
    stop_if_called_off(options)?;
    let (drill, no_drill) = match fault(options, &load, &preflight, watcher) {
        Ok(drill) => (Some(drill), None),
        Err(NoDrill::Because(why)) => (None, Some(why)),
        Err(NoDrill::Error(error)) => return Err(error),
    };

    let name = this_machine();
    let mut report = Report {
        schema: 1,
        version: env!("CARGO_PKG_VERSION"),
        began,
        seconds: begun.elapsed().as_secs_f64(),
        cluster: ClusterFile {
            id: options.spec.cluster.clone(),
            name: options.spec.name.clone(),
            code: format!("{}+{}", options.spec.data_rows, options.spec.parity_rows),
            nodes: options.spec.node.len() as u32,
            reached_by: match &options.dir {
                Some(dir) => format!("the mount, {}", dir.display()),
                None => "the client library, without a mount".to_owned(),
            },
        },
        client: name,
        overall: Overall { passed: 0, failed: 0, not_measurable: 0 },
        verdict: "",
        checks: Vec::new(),
        caveats: caveats(options, &preflight, measured.as_ref(), load_before),
        commands: commands(options, measured.as_ref(), drill.as_ref()),
        preflight,
        prediction,
        prediction_method,
        measured,
        drill,
        no_drill,
        targets: options.targets.clone(),
        targets_from: options.targets_from.clone(),
    };
    report.checks = judge::checks(&report, &options.spec);
    report.overall = Overall::of(&report.checks);
    report.verdict = report.overall.words();
    Ok(report)
}

fn check(options: &Options) -> Result<()> {
    let bad = |text: String| Err(ValidateError::BadInput(text));
    if !(1.0..f64::INFINITY).contains(&options.seconds) {
        return bad("--seconds: at least 1, or nothing is measured".to_owned());
    }
    if !options.skip.drill && !(drill::SECONDS_MIN..f64::INFINITY).contains(&options.drill_seconds) {
        return bad(format!(
            "--drill-seconds: at least {}, a third each before, during and after; or --skip drill",
            drill::SECONDS_MIN
        ));
    }
    if options.processes < 1 || options.files < 1 {
        return bad("--processes and --files: at least 1".to_owned());
    }
    if options.file_bytes < measure::TRANSFER_BYTES {
        return bad("--file-size: at least 1MiB, the size of one transfer".to_owned());
    }
    if let Some(node) = &options.drill_node
        && !options.spec.node.iter().any(|n| n.name == *node)
    {
        let names: Vec<&str> = options.spec.node.iter().map(|n| n.name.as_str()).collect();
        return bad(format!(
            "--drill-node {node}: there is no such node: choose one of {}",
            names.join(", ")
        ));
    }
    if options.skip.benchmarks && options.skip.drill && options.skip.network && options.skip.devices {
        return bad("everything is skipped: isobar status says how the cluster is".to_owned());
    }
    Ok(())
}

fn stop_if_called_off(options: &Options) -> Result<()> {
    if options.cancel.is_called_off() { Err(ValidateError::CalledOff) } else { Ok(()) }
}

fn predict(options: &Options, preflight: &Preflight) -> (Option<Prediction>, String) {
    if options.skip.devices && options.skip.network {
        return (None, "no prediction: the rates of network and devices were not measured".to_owned());
    }
    let assumptions = preflight::assumptions(&preflight.sharing);
    let predicted = cluster_facts(&options.spec, preflight, measure::small_file_bytes())
        .and_then(|facts| isobar_plan::predict(&facts, &assumptions));
    match predicted {
        Ok(prediction) => {
            let missing = match prediction.unknown.as_slice() {
                [] => String::new(),
                unknown => format!("; not known, and so no limit: {}", unknown.join(", ")),
            };
            let clients = if preflight.sharing.with_clients {
                ", processor time of the clients included since they run on the nodes' machine"
            } else {
                ""
            };
            let method = format!(
                "isobar plan's arithmetic for {} nodes, {}, with the pre-flight's rates per node while all nodes work at once, efficiency {} (assumed){clients}{missing}; isobar plan --explain lists the other numbers",
                prediction.nodes,
                prediction.code,
                crate::Quantity::Share(assumptions.efficiency),
            );
            (Some(prediction), method)
        }
        Err(error) => (None, format!("no prediction: {error}")),
    }
}

/// Why there is no drill.
enum NoDrill {
    Because(String),
    Error(ValidateError),
}

fn fault(
    options: &Options,
    load: &Load,
    preflight: &Preflight,
    watcher: &dyn Watcher,
) -> std::result::Result<drill::Drill, NoDrill> {
    let because = |why: &str| Err(NoDrill::Because(why.to_owned()));
    if options.skip.drill {
        return because("skipped (--skip drill)");
    }
    let control = match &options.control {
        Ok(control) => *control,
        Err(why) => return Err(NoDrill::Because(why.clone())),
    };
    let away = preflight.nodes.iter().filter(|n| n.facts.is_err()).count();
    if away >= usize::from(options.spec.parity_rows) {
        return because("as many nodes are away already as the cluster may lose");
    }
    match control.is_whole() {
        Ok(true) => {}
        Ok(false) => watcher.now("drill: until all data has its full redundancy"),
        Err(why) => {
            return Err(NoDrill::Because(format!("whether all data has its redundancy is not known: {why}")));
        }
    }
    let begun = Instant::now();
    while control.is_whole() != Ok(true) {
        stop_if_called_off(options).map_err(NoDrill::Error)?;
        if begun.elapsed() > Duration::from_secs(30) {
            return because("not all data has its full redundancy: isobar status says more");
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    let leader = leader_of(preflight, &options.spec);
    let chosen = options.drill_node.clone().or_else(|| {
        let up = preflight.nodes.iter().filter(|n| n.facts.is_ok()).map(|n| n.name.clone());
        up.rev().find(|name| Some(name) != leader.as_ref())
    });
    let Some(node) = chosen else { return because("there is no node that could be stopped") };
    let led = leader.as_ref() == Some(&node);
    let share = options.targets.recovery.recovered_share.unwrap_or(RECOVERED_SHARE);
    drill::run(load, options.drill_seconds, &node, led, control, share, watcher).map_err(NoDrill::Error)
}

/// The node that leads the metadata group, when it is known.
fn leader_of(preflight: &Preflight, spec: &ClusterSpec) -> Option<String> {
    let addr = preflight.leader_addr.as_ref()?;
    spec.node.iter().find(|n| n.addr == *addr).map(|n| n.name.clone())
}

/// Processes that wanted to run, on average over the last minute.
fn load_of_machine() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

fn this_machine() -> ClientMachine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    ClientMachine {
        host: read("/proc/sys/kernel/hostname"),
        kernel: read("/proc/sys/kernel/osrelease"),
        processors: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
    }
}

fn caveats(
    options: &Options,
    preflight: &Preflight,
    measured: Option<&measure::Measured>,
    load_before: f64,
) -> Vec<String> {
    let mut said = Vec::new();
    let sharing = &preflight.sharing;
    if sharing.is_shared() {
        said.push(format!(
            "{} nodes{} share one machine with {} processors, one disk and no network between them: the rates say what this machine can do, not what a cluster of such nodes would. Correctness, recovery and the software's own costs are real.",
            sharing.nodes_on_one,
            if sharing.with_clients { " and the clients" } else { "" },
            sharing.processors
        ));
    }
    if let Some(most) = measured.and_then(|m| m.both_passes.iter().copied().reduce(f64::max))
        && most > 1.0
    {
        let cached = match options.file_bytes <= CLIENT_CACHE_BYTES {
            true => {
                "they fit into a client's cache, so later reads may not have been of the nodes: raise --file-size"
            }
            false => {
                "they are larger than what a client caches (256 MiB unless isobar mount --cache-mib says otherwise), so every time is read from the nodes"
            }
        };
        said.push(format!("Each reader went through its file up to {most:.1} times; {cached}."));
    }
    if sharing.with_clients && load_before > f64::from(sharing.processors) / 2.0 {
        said.push(format!(
            "Something else was at work on this machine when measuring began: load {load_before:.1} on {} processors.",
            sharing.processors
        ));
    }
    if options.seconds < 30.0 && measured.is_some() {
        said.push(format!(
            "Workloads of {} s show what is possible, not what lasts: devices slow down when they are full. For an acceptance use --seconds 300.",
            options.seconds
        ));
    }
    said
}

fn commands(
    options: &Options,
    measured: Option<&measure::Measured>,
    drill: Option<&drill::Drill>,
) -> Vec<Command> {
    let command = |what: &str, command: String| Command { what: what.to_owned(), command };
    let cluster = options.cluster_path.display();
    let mut all = vec![
        command("All of this again", options.command.clone()),
        command(
            "Pre-flight only: nodes, pairs, devices",
            format!("isobar validate --cluster {cluster} --skip benchmarks,drill"),
        ),
        command("How the cluster is", format!("isobar status --cluster {cluster}")),
    ];
    all.extend(measured.map(|m| m.commands.all()).unwrap_or_default());
    if let Some(drill) = drill {
        all.push(command("The load of the drill", drill.command.clone()));
        all.push(command("The fault", drill.stop_command.clone()));
        all.push(command("The return", drill.start_command.clone()));
    }
    all
}
