//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// What a command gives: an exit code, or one line that says what went wrong and what to do.
pub type Outcome = Result<ExitCode, String>;

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

const PLAN_EXAMPLES: &str = "Examples:
  isobar plan --read 1TB/s --write 1TB/s
  isobar plan --small-files 1PB --bandwidth 25GB/s
  isobar plan --capacity 5PB --read 200GB/s --sizes LS192,LS96 --vcpu-quota 20000
  isobar plan --nodes 8 --sizes L96s_v4 --explain

TB, GB/s are decimal; TiB, GiB/s binary; Gbit/s or Gb/s are bits.";

const VALIDATE_EXAMPLES: &str = "Examples:
  isobar validate --report report.html           the local cluster of `dev up`, with the drill
  isobar validate --print-targets > targets.toml
  isobar validate --cluster cluster/ /mnt/isobar --targets targets.toml --report report.html
  isobar validate --cluster cluster/ --stop-node 'ssh {} systemctl kill -s KILL isobar' \\
                                     --start-node 'ssh {} systemctl start isobar'

{} is the name of the node. Exit codes: 0 no target was missed, 1 one was missed, 2 wrong usage.";

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start eight nodes here, mount, kill two while writing, check every byte, report.
    #[command(after_help = "Example:\n  isobar demo --exit")]
    Demo(DemoArgs),
    /// A local cluster in the background, for trying things out.
    Dev {
        #[command(subcommand)]
        action: DevCommand,
    },
    /// Make a new cluster's identity, secret and one configuration for each node.
    #[command(
        after_help = "Example:\n  isobar init --nodes n1=10.0.0.1:7420,n2=10.0.0.2:7420,n3=10.0.0.3:7420 --out cluster/ --target /dev/nvme0n1"
    )]
    Init(InitArgs),
    /// Run a node in the foreground, or act on one.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  isobar node --config n1.toml\n  isobar node replace n3"
    )]
    Node(NodeArgs),
    /// Mount a cluster; stays in the foreground until Ctrl-C or SIGTERM unmounts it.
    #[command(after_help = "Example:\n  isobar mount cluster/ /mnt/isobar")]
    Mount(MountArgs),
    /// Nodes, metadata quorum, redundancy of the data.
    #[command(after_help = "Example:\n  isobar status --output json")]
    Status(ClusterArgs),
    /// Walk all ledgers and all targets; list what is degraded, lost or orphaned.
    #[command(after_help = "Example:\n  isobar fsck --cluster cluster/")]
    Fsck(ClusterArgs),
    /// Measure any mounted file system, or this one through the client library.
    #[command(after_help = "Example:\n  isobar bench ior -np 2 -F -t 1m -b 256m -e /mnt/isobar")]
    Bench(crate::bench::BenchArgs),
    /// Which machines and how many a target needs, what they would reach and what they would survive.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Box<PlanArgs>),
    /// Whether a cluster is ready: pre-flight, benchmarks and a fault drill against targets, with a report.
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(Box<crate::validate::ValidateArgs>),
}

/// Which cluster.
#[derive(ClapArgs, Debug, Clone)]
pub struct ClusterArgs {
    /// A cluster file, or the directory that holds cluster.toml. Default: the local cluster of `demo` and `dev`.
    #[arg(long, env = "ISOBAR_CLUSTER", value_name = "PATH")]
    pub cluster: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
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

#[derive(Subcommand, Debug)]
pub enum DevCommand {
    /// Start (or start again) the local cluster and mount it.
    Up {
        /// How many nodes, when it is made.
        #[arg(long, default_value_t = 8)]
        nodes: usize,
        /// Where nodes keep their data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Size of each node's target, when it is made.
        #[arg(long, default_value_t = 1024, value_name = "MIB")]
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

#[derive(ClapArgs, Debug)]
pub struct InitArgs {
    /// The nodes: HOST:PORT or NAME=HOST:PORT, separated by commas; append @DOMAIN for the fault domain.
    #[arg(long, required = true, value_delimiter = ',', value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Directory to make, with cluster.toml, secret and NAME.toml for each node.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the file system.
    #[arg(long, default_value = "isobar")]
    pub name: String,
    /// Data rows of a segment (N). Default: nodes - K, at most 6.
    #[arg(long)]
    pub data_rows: Option<u8>,
    /// Parity rows (K): so many nodes may be lost. 2K+1 nodes vote on metadata.
    #[arg(long, default_value_t = 2)]
    pub parity_rows: u8,
    /// Storage target of every node: a block device or a file.
    #[arg(long, default_value = "/var/lib/isobar/target", value_name = "PATH")]
    pub target: Vec<PathBuf>,
    /// Size of targets that are files.
    #[arg(long, default_value_t = 64 << 10, value_name = "MIB")]
    pub target_mib: u64,
    /// Directory of each node's own files.
    #[arg(long, default_value = "/var/lib/isobar", value_name = "DIR")]
    pub data_dir: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub struct NodeArgs {
    #[command(subcommand)]
    pub action: Option<NodeCommand>,
    /// The node's configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Stop when the process that started this one ends.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

#[derive(Subcommand, Debug)]
pub enum NodeCommand {
    /// The node's disks are gone for good: rebuild onto the blank ones it now has.
    Replace {
        /// Name of the node.
        name: String,
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Return at once instead of waiting for the rebuild.
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(ClapArgs, Debug)]
pub struct MountArgs {
    /// A cluster file, or the directory that holds cluster.toml.
    pub cluster: PathBuf,
    /// An empty directory.
    pub dir: PathBuf,
    /// No change is possible through this mount.
    #[arg(long)]
    pub read_only: bool,
    /// Only the user who mounts may use it.
    #[arg(long)]
    pub private: bool,
    /// Threads that read requests from the kernel. Default: as many as CPUs.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Most memory for written bytes on their way.
    #[arg(long, default_value_t = 128, value_name = "MIB")]
    pub dirty_mib: usize,
    /// Most memory for bytes read.
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    pub cache_mib: usize,
    /// Seconds that calls wait for a metadata quorum before they fail with EIO.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub wait: u64,
    /// Set-user-id programs and device nodes work.
    #[arg(long)]
    pub suid: bool,
    /// Unmount when the process that started this one ends.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

#[derive(ClapArgs, Debug)]
pub struct PlanArgs {
    /// Bandwidth of reading large files, while writing goes on.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub read: Option<String>,
    /// Bandwidth of writing large files, while reading goes on.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub write: Option<String>,
    /// Bandwidth each way at once: of the small files with --small-files, else the same as --read and --write.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub bandwidth: Option<String>,
    /// Usable capacity for large files.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub capacity: Option<String>,
    /// Usable capacity for small files, on the same nodes.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub small_files: Option<String>,
    /// Mean size of a small file. Default: 184 KiB, the mean of sizes from 4 KiB to 1 MiB.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub file_size: Option<String>,
    /// Files made per second, beside small files written.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub creates: Option<String>,
    /// Attributes read per second.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub stats: Option<String>,
    /// Files removed per second.
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true)]
    pub removes: Option<String>,
    /// What so many nodes reach, instead of how many a target needs.
    #[arg(long, value_name = "COUNT")]
    pub nodes: Option<u32>,
    /// Data rows + parity rows, N+K: any K nodes may be lost. On fewer nodes than rows N shrinks.
    #[arg(long, default_value = "8+2", value_name = "N+K", allow_hyphen_values = true)]
    pub code: String,
    /// Clients send whole bytes to gateways (NFS, S3) on the nodes instead of coding themselves.
    #[arg(long)]
    pub through_gateways: bool,
    /// Fault domains the machines are spread over: Azure has at most 3 in a region, 1 in a zone.
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    pub fault_domains: u32,
    /// Losing a whole fault domain must lose nothing: another code is taken where N+K does not do.
    #[arg(long)]
    pub survive_domain: bool,
    /// Only these sizes, preferred ones first; more than one with commas. LS96 and LS192 are known too.
    #[arg(long, value_delimiter = ',', value_name = "SIZE")]
    pub sizes: Vec<String>,
    /// Most vCPUs.
    #[arg(long, value_name = "COUNT")]
    pub vcpu_quota: Option<u32>,
    /// What comes first where no sizes are named: fewest nodes, or fewest vCPUs.
    #[arg(long, value_enum, default_value = "nodes")]
    pub rank: crate::plan::Rank,
    /// A file of further sizes (JSON, as `isobar plan --list-sizes --output json` prints).
    #[arg(long, value_name = "FILE")]
    pub catalogue: Vec<PathBuf>,
    /// Another value for a number that --explain names, as efficiency=0.9 or headroom=5%.
    #[arg(long, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub assume: Vec<String>,
    /// A file of such values (JSON).
    #[arg(long, value_name = "FILE")]
    pub assumptions: Vec<PathBuf>,
    /// Say how each number of the first choice is made and where it comes from.
    #[arg(long)]
    pub explain: bool,
    /// Show all alternatives, not only the best.
    #[arg(long)]
    pub all: bool,
    /// Show the catalogue.
    #[arg(long)]
    pub list_sizes: bool,
}

/// Carries out a command.
pub fn run(args: Args) -> Outcome {
    let format = args.output;
    match args.command {
        Command::Demo(demo) => crate::demo::run(demo, format),
        Command::Dev { action } => crate::dev::run(action, format),
        Command::Init(init) => crate::init::run(init, format),
        Command::Node(node) => crate::node::run(node, format),
        Command::Mount(mount) => crate::mount::run(mount),
        Command::Status(cluster) => crate::status::run(&cluster, format),
        Command::Fsck(cluster) => crate::fsck::run(&cluster, format),
        Command::Bench(bench) => crate::bench::run(bench, format),
        Command::Plan(plan) => crate::plan::run(&plan, format),
        Command::Validate(validate) => crate::validate::run(&validate, format),
    }
}
