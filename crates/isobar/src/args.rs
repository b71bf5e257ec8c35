//! The command line: what all commands share, and the list of them. What each takes is in its own file.

use clap::{Parser, Subcommand};

use crate::cluster::ClusterArgs;
use crate::output::Format;
use crate::{bench, demo, dev, fsck, init, mount, node, plan, status, validate};

/// Isobar: a parallel file system for machines full of NVMe, where any two nodes may die.
#[derive(Parser, Debug)]
#[command(name = "isobar", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    /// How much to log to standard error: error, warn, info, debug, trace, or a tracing filter.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    pub log_json: bool,
    /// Print results as a table for people or as JSON for programs.
    #[arg(long, global = true, value_enum, default_value = "table")]
    pub output: Format,
}

const EXAMPLES: &str = "Examples:
  isobar demo                      eight nodes on this machine: mounted, two killed, checked, reported
  isobar dev up                    the same cluster in the background
  isobar status                    how it is
  isobar init --nodes a:7420,b:7420,c:7420,d:7420,e:7420,f:7420,g:7420,h:7420 --out cluster/
  isobar mount cluster/ /mnt/isobar
  isobar plan --read 1TB/s --write 1TB/s     which machines, how many, what they would survive
  isobar validate --report report.html       whether the cluster is ready, with plots";

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start eight nodes here, mount, kill two while writing, check every byte, report.
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// A local cluster in the background, for trying things out.
    Dev {
        #[command(subcommand)]
        action: dev::DevCommand,
    },
    /// Make a new cluster's identity, secret and one configuration for each node.
    #[command(after_help = init::EXAMPLES)]
    Init(init::InitArgs),
    /// Run a node in the foreground, or act on one.
    #[command(args_conflicts_with_subcommands = true, after_help = node::EXAMPLES)]
    Node(node::NodeArgs),
    /// Mount a cluster; stays in the foreground until Ctrl-C or SIGTERM unmounts it.
    #[command(after_help = mount::EXAMPLES)]
    Mount(mount::MountArgs),
    /// Nodes, metadata quorum, redundancy of the data.
    #[command(after_help = status::EXAMPLES)]
    Status(ClusterArgs),
    /// Walk all ledgers and all targets; list what is degraded, lost or orphaned.
    #[command(after_help = fsck::EXAMPLES)]
    Fsck(fsck::FsckArgs),
    /// Measure any mounted file system, or this one through the client library.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::BenchArgs),
    /// Which machines and how many a target needs, what they would reach and what they would survive.
    #[command(after_help = plan::EXAMPLES)]
    Plan(Box<plan::PlanArgs>),
    /// Whether a cluster is ready: pre-flight, benchmarks and a fault drill against targets, with a report.
    #[command(after_help = validate::EXAMPLES)]
    Validate(Box<validate::ValidateArgs>),
}

impl Command {
    /// How much it logs unless told otherwise: nodes and mounts say what happens, other commands only warn.
    pub fn log_level(&self) -> &'static str {
        match self {
            Command::Node(node) if node.action.is_none() => "info",
            Command::Mount(_) => "info",
            _ => "error",
        }
    }
}
