//! `isobar validate`: what to validate, who stops and starts nodes, what is printed and written.

mod control;
pub mod measuring;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use isobar_admin::Local;
use isobar_bench::{Cancel, Launcher};
use isobar_client::ClusterSpec;
use isobar_plan::Bytes;
use isobar_validate::{
    Control, NodeControl, Options, Report, Skip, Targets, Watcher, html, summary, targets,
};

use crate::cluster::{self, ClusterArgs};
use crate::local;
use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use control::{Commands, DevCluster};

/// A file of targets is text that people write.
const TARGETS_BYTES_MAX: u64 = 1 << 20;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar validate --report report.html           the local cluster of `dev up`, with the drill
  isobar validate --print-targets > targets.toml
  isobar validate --cluster cluster/ /mnt/isobar --targets targets.toml --report report.html
  isobar validate --cluster cluster/ --stop-node 'ssh {} systemctl kill -s KILL isobar' \\
                                     --start-node 'ssh {} systemctl start isobar'

{} is the name of the node. Exit codes: 0 no target was missed, 1 one was missed, 2 wrong usage.";

/// What may be left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// Throughput and MTU of every pair of nodes.
    Network,
    /// Rates of the devices below the targets.
    Devices,
    /// The workloads.
    Benchmarks,
    /// Stopping and starting a node under load.
    Drill,
}

/// Arguments of `isobar validate`.
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// A directory on a mount of the cluster. Default: the local cluster's mount, or the client library.
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// What the cluster has to reach (TOML). Default: what --print-targets prints.
    #[arg(long, value_name = "FILE")]
    pub targets: Option<PathBuf>,
    /// Print the default targets, with comments, and end.
    #[arg(long)]
    pub print_targets: bool,
    /// Write the report as one HTML file.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Leave out; more than one with commas.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub skip: Vec<Part>,
    /// Worker processes of the workloads.
    #[arg(long, alias = "np", default_value_t = 2, value_name = "N")]
    pub processes: u32,
    /// Seconds of each workload that reads and writes at once.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub seconds: f64,
    /// Seconds of load in the drill: a third before the fault, a third without the node, a third after.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    pub drill_seconds: f64,
    /// Size of each large file; above what a client caches (256 MiB), or reads are not of the nodes.
    #[arg(long, default_value = "512MiB", value_name = "SIZE")]
    pub file_size: String,
    /// Files of each process in the small-file and metadata workloads.
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub files: u64,
    /// The node the drill stops. Default: one that does not lead the metadata.
    #[arg(long, value_name = "NAME")]
    pub drill_node: Option<String>,
    /// How to stop a node as a power cut would, for a shell; {} is its name. Default: of local clusters only.
    #[arg(long, value_name = "COMMAND", requires = "start_node")]
    pub stop_node: Option<String>,
    /// How to start it again.
    #[arg(long, value_name = "COMMAND", requires = "stop_node")]
    pub start_node: Option<String>,
}

/// Validates, prints, writes the report.
pub fn run(args: &ValidateArgs, format: Format) -> Outcome {
    if args.print_targets {
        print!("{}", targets::SAMPLE);
        return Ok(ExitCode::SUCCESS);
    }
    let (targets, targets_from) = read_targets(args.targets.as_deref())?;
    let spec = cluster::find(&args.cluster)?;
    let cluster_path = args.cluster.cluster.clone().unwrap_or_else(local::cluster_dir);
    let cluster_path = std::fs::canonicalize(&cluster_path).unwrap_or(cluster_path);
    let cluster_dir = if cluster_path.is_dir() { cluster_path.clone() } else { spec.base.clone() };
    let dev = Local::is_in(&cluster_dir).then(|| local::load(&cluster_dir)).transpose()?;
    let dir = match &args.dir {
        Some(dir) => Some(mounted(dir, &spec)?),
        None => dev.as_ref().map(Local::mount_point).filter(|point| mounted(point, &spec).is_ok()),
    };
    if let Some(report) = &args.report {
        writable(report)?;
    }
    let file_bytes: Bytes = args.file_size.parse().map_err(|e| format!("--file-size: {e}"))?;

    let commands = args.stop_node.clone().zip(args.start_node.clone()).map(|(stop, start)| Commands {
        stop,
        start,
        spec: spec.clone(),
    });
    let processes = dev.map(|local| DevCluster { local });
    let control = control(commands.as_ref(), processes.as_ref());
    let cancel = Cancel::default();
    let skip = |part| args.skip.contains(&part);
    let options = Options {
        spec,
        cluster_path,
        dir,
        targets,
        targets_from,
        processes: args.processes,
        seconds: args.seconds,
        drill_seconds: args.drill_seconds,
        file_bytes: file_bytes.0,
        files: args.files,
        skip: Skip {
            network: skip(Part::Network),
            devices: skip(Part::Devices),
            benchmarks: skip(Part::Benchmarks),
            drill: skip(Part::Drill),
        },
        drill_node: args.drill_node.clone(),
        control,
        launcher: Launcher::this_binary(["bench", "worker"]).map_err(|e| e.to_string())?,
        cancel: cancel.clone(),
        command: command_line(),
    };
    crate::bench::call_off_on_signal(cancel);
    let show = Show(Progress::new(output::is_json(format)));
    let outcome = isobar_validate::run(&options, &show);
    show.0.finish();
    let report = outcome.map_err(|e| e.to_string())?;
    if let Some(path) = &args.report {
        std::fs::write(path, html::page(&report)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    match output::is_json(format) {
        true => output::json(&report),
        false => print(&report, args.report.as_deref()),
    }
    Ok(if report.overall.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who stops and starts nodes: commands, where there are some.
fn control<'a>(commands: Option<&'a Commands>, processes: Option<&'a DevCluster>) -> Control<'a> {
    match (commands, processes) {
        (Some(commands), _) => Ok(commands as &dyn NodeControl),
        (None, Some(dev)) => Ok(dev as &dyn NodeControl),
        (None, None) => Err(
            "nodes are not processes of a local cluster: --stop-node CMD and --start-node CMD say how to stop and start one"
                .to_owned(),
        ),
    }
}

fn print(report: &Report, written: Option<&Path>) {
    output::table(&summary::table(report));
    let reasons = summary::reasons(report);
    if !reasons.is_empty() {
        println!();
        reasons.iter().for_each(|reason| output::sentence(reason));
    }
    println!();
    report.caveats.iter().for_each(|caveat| output::labelled("note  ", caveat));
    output::sentence(&format!("{} in {:.0} s", summary::line(report), report.seconds));
    if let Some(path) = written {
        println!("report  {}", path.display());
    }
}

/// What is to be reached where nobody says so, and where that comes from.
fn default_targets() -> (Targets, String) {
    (Targets::built_in(), "the default (isobar validate --print-targets)".to_owned())
}

fn read_targets(path: Option<&Path>) -> Result<(Targets, String), String> {
    let Some(path) = path else {
        return Ok(default_targets());
    };
    let name = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|e| format!("--targets {name}: {e}"))?.len();
    if size > TARGETS_BYTES_MAX {
        return Err(format!("--targets {name}: larger than {}", output::bytes(TARGETS_BYTES_MAX)));
    }
    let text = std::fs::read_to_string(path).map_err(|e| format!("--targets {name}: {e}"))?;
    Ok((Targets::parse(&text, &name).map_err(|e| e.to_string())?, name))
}

/// A directory on a mount of this very cluster.
fn mounted(dir: &Path, spec: &ClusterSpec) -> Result<PathBuf, String> {
    let name = dir.display();
    let found = std::fs::canonicalize(dir)
        .map_err(|e| format!("{name}: {e}: name a directory on a mount of the cluster"))?;
    let mount = isobar_bench::mount_of(&found);
    match mount {
        Some(mount) if mount.kind == "fuse.isobar" && found.is_dir() => {
            match mount.source.strip_prefix("isobar:") {
                Some(of) if of != spec.name => Err(format!(
                    "{name} is a mount of file system {of}, the cluster's is {}: name its mount, or --cluster PATH of the other",
                    spec.name
                )),
                _ => Ok(found),
            }
        }
        Some(mount) => Err(format!(
            "{name} is not on a mount of Isobar but on {} ({}): isobar mount it first, or leave it out to use the client library",
            mount.point.display(),
            mount.kind
        )),
        None => Err(format!("{name}: cannot tell what is mounted there")),
    }
}

/// A report that cannot be written must be noticed before minutes of measuring.
fn writable(path: &Path) -> Result<(), String> {
    let is_new = !path.exists();
    std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| format!("--report {}: {e}", path.display()))?;
    // Nothing is left behind when the rest is refused.
    if is_new {
        std::fs::remove_file(path).ok();
    }
    Ok(())
}

/// What was typed, quoted where a shell needs it.
fn command_line() -> String {
    let quoted = |word: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let arguments = std::env::args().skip(1).map(quoted);
    std::iter::once("isobar".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Shows steps on standard error.
struct Show(Progress);

impl Watcher for Show {
    fn now(&self, text: &str) {
        self.0.now(text);
    }

    fn done(&self, text: &str) {
        self.0.done(text);
    }
}
