//! `isobar plan`: reads what is asked, calls the planner, prints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, Catalogue, CodingPath, MetadataRates, Order, PerSecond, PlanError,
    Request, SMALL_FILE_BYTES, SmallFiles, explain, plan, report,
};
use serde_json::json;

use crate::output::{self, Format, Outcome};

/// Alternatives shown without --all.
const SHOWN: usize = 10;
/// A catalogue is text that people write.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Rank {
    /// Fewest nodes.
    Nodes,
    /// Fewest vCPUs.
    Vcpus,
}

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar plan --read 1TB/s --write 1TB/s
  isobar plan --small-files 1PB --bandwidth 25GB/s
  isobar plan --capacity 5PB --read 200GB/s --sizes LS192,LS96 --vcpu-quota 20000
  isobar plan --nodes 8 --sizes L96s_v4 --explain

TB, GB/s are decimal; TiB, GiB/s binary; Gbit/s or Gb/s are bits.";

/// Arguments of `isobar plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Bandwidth of reading large files, while writing goes on.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub read: Option<String>,
    /// Bandwidth of writing large files, while reading goes on.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub write: Option<String>,
    /// Bandwidth each way at once: of the small files with --small-files, else the same as --read and
    /// --write.
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
    pub rank: Rank,
    /// A file of further sizes (JSON, as `isobar plan --list-sizes --output json` prints).
    #[arg(long, value_name = "FILE")]
    pub catalogue: Vec<PathBuf>,
    /// Another value for a number that --explain names, as efficiency=0.9 or headroom=5%.
    #[arg(long, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub assume: Vec<String>,
    /// A file of such values (JSON).
    #[arg(long, value_name = "FILE")]
    pub assumptions: Vec<PathBuf>,
    /// Take processor costs from a measurement: what `isobar bench suite DIR --output json` prints.
    #[arg(long, value_name = "FILE")]
    pub calibrate: Option<PathBuf>,
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

/// Plans and prints.
pub fn run(args: &PlanArgs, format: Format) -> Outcome {
    let mut catalogue = Catalogue::built_in();
    for path in &args.catalogue {
        catalogue.extend(&text(path)?, &path.display().to_string()).map_err(words)?;
    }
    let mut assumptions = Assumptions::built_in();
    for path in &args.assumptions {
        assumptions.extend(&text(path)?, &path.display().to_string()).map_err(words)?;
    }
    if let Some(path) = &args.calibrate {
        assumptions.calibrate(&text(path)?, &path.display().to_string()).map_err(words)?;
    }
    for given in &args.assume {
        assumptions.set(given).map_err(words)?;
    }
    if args.list_sizes {
        match output::is_json(format) {
            true => output::json(&json!({ "schema": 1, "sizes": catalogue.entries() })),
            false => output::table(&report::sizes(catalogue.entries())),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let request = request(args)?;
    let plan = plan(&request, &catalogue, &assumptions).map_err(words)?;
    match output::is_json(format) {
        true => print_json(args, &plan, &assumptions),
        false => print_text(args, &plan, &assumptions),
    }
    Ok(ExitCode::SUCCESS)
}

fn words(error: PlanError) -> String {
    error.to_string()
}

fn text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("{}: larger than {}", path.display(), output::bytes(FILE_BYTES_MAX)));
    }
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A quantity, with the option named when it cannot be read.
fn quantity<T: FromStr<Err = PlanError>>(option: &str, text: Option<&String>) -> Result<Option<T>, String> {
    text.map(|text| text.parse().map_err(|e| format!("{option}: {e}"))).transpose()
}

/// What the arguments ask for.
fn request(args: &PlanArgs) -> Result<Request, String> {
    let mut read: Option<BytesPerSecond> = quantity("--read", args.read.as_ref())?;
    let mut write: Option<BytesPerSecond> = quantity("--write", args.write.as_ref())?;
    let both: Option<BytesPerSecond> = quantity("--bandwidth", args.bandwidth.as_ref())?;
    let small: Option<Bytes> = quantity("--small-files", args.small_files.as_ref())?;
    let file: Option<Bytes> = quantity("--file-size", args.file_size.as_ref())?;
    let operations = |option, text: &Option<String>| -> Result<PerSecond, String> {
        Ok(quantity(option, text.as_ref())?.unwrap_or_default())
    };
    if small.is_none() && file.is_some() {
        return Err("--file-size is of the small files: give --small-files as well".to_owned());
    }
    if small.is_none() && both.is_some() {
        if read.is_some() || write.is_some() {
            return Err(
                "--bandwidth is both --read and --write: give it alone, or the two, or --small-files as well"
                    .to_owned(),
            );
        }
        (read, write) = (both, both);
    }
    Ok(Request {
        read_bytes_per_second: read.unwrap_or_default(),
        write_bytes_per_second: write.unwrap_or_default(),
        capacity_bytes: quantity("--capacity", args.capacity.as_ref())?.unwrap_or_default(),
        small_files: small.map(|capacity_bytes| SmallFiles {
            capacity_bytes,
            each_way_bytes_per_second: both.unwrap_or_default(),
            file_bytes: file.unwrap_or(SMALL_FILE_BYTES),
            file_bytes_assumed: file.is_none(),
        }),
        metadata: MetadataRates {
            creates_per_second: operations("--creates", &args.creates)?,
            stats_per_second: operations("--stats", &args.stats)?,
            removes_per_second: operations("--removes", &args.removes)?,
        },
        nodes: args.nodes,
        code: args.code.parse().map_err(|e| format!("--code: {e}"))?,
        path: if args.through_gateways { CodingPath::Gateways } else { CodingPath::Clients },
        fault_domains: args.fault_domains,
        survive_domain: args.survive_domain,
        sizes: args.sizes.clone(),
        quota_vcpus: args.vcpu_quota,
        order: match args.rank {
            Rank::Nodes => Order::Nodes,
            Rank::Vcpus => Order::Vcpus,
        },
    })
}

fn print_json(args: &PlanArgs, plan: &isobar_plan::Plan, assumptions: &Assumptions) {
    let explained = plan
        .alternatives
        .first()
        .filter(|_| args.explain)
        .map(|first| explain::explain(&plan.request, first, assumptions));
    output::json(&json!({
        "request": plan.request,
        "alternatives": plan.alternatives,
        "left_out": plan.left_out,
        "assumptions": assumptions.all(),
        "explained": explained,
    }));
}

fn print_text(args: &PlanArgs, plan: &isobar_plan::Plan, assumptions: &Assumptions) {
    print_lines("", &report::heading(plan, assumptions));
    println!();
    let shown = if args.all { usize::MAX } else { SHOWN };
    output::table(&report::table(plan, shown));
    let more = plan.alternatives.len().saturating_sub(shown);
    if more > 0 {
        println!("and {more} more: --all shows them, --sizes chooses among them");
    }
    if let Some(left_out) = report::left_out(plan) {
        output::sentence(&left_out);
    }
    // What was named is wanted in full; of the whole catalogue only the best.
    let detailed = if args.sizes.is_empty() { 1 } else { shown };
    for (at, alternative) in plan.alternatives.iter().take(detailed).enumerate() {
        println!();
        let title = report::title(&plan.request, alternative);
        output::sentence(&format!("{}{title}", if at == 0 { "" } else { "else " }));
        print_lines("  ", &report::details(&plan.request, alternative));
    }
    if let Some(first) = plan.alternatives.first().filter(|_| args.explain) {
        println!("\nHow the numbers of the first are made");
        print_lines("  ", &explain::explain(&plan.request, first, assumptions));
        println!("\nWhat they rest on; --assume NAME=VALUE changes it");
        print_lines("  ", &report::assumptions(assumptions));
        if !plan.left_out.is_empty() {
            println!("\nNot planned with");
            let left: Vec<_> = plan
                .left_out
                .iter()
                .map(|left| explain::Line { what: left.size.clone(), how: left.why.clone() })
                .collect();
            print_lines("  ", &left);
        }
    }
}

/// Lines with what they are about in a column of its own.
fn print_lines(indent: &str, lines: &[explain::Line]) {
    let width = lines.iter().map(|line| line.what.chars().count()).max().unwrap_or(0);
    for line in lines {
        output::labelled(&format!("{indent}{:width$}  ", line.what), &line.how);
    }
}
