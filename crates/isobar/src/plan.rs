//! `isobar plan`: reads what is asked, calls the planner, prints.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use clap::ValueEnum;
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, Catalogue, CodingPath, MetadataRates, Order, PerSecond, PlanError,
    Request, SMALL_FILE_BYTES, SmallFiles, explain, plan, report,
};
use serde_json::json;

use crate::args::{Format, Outcome, PlanArgs};
use crate::output;

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

/// Plans and prints.
pub fn run(args: &PlanArgs, format: Format) -> Outcome {
    output::end_when_nobody_reads();
    let mut catalogue = Catalogue::built_in();
    for path in &args.catalogue {
        catalogue.extend(&text(path)?, &path.display().to_string()).map_err(words)?;
    }
    let mut assumptions = Assumptions::built_in();
    for path in &args.assumptions {
        assumptions.extend(&text(path)?, &path.display().to_string()).map_err(words)?;
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
        println!("{left_out}");
    }
    // What was named is wanted in full; of the whole catalogue only the best.
    let detailed = if args.sizes.is_empty() { 1 } else { shown };
    for (at, alternative) in plan.alternatives.iter().take(detailed).enumerate() {
        println!("\n{}{}", if at == 0 { "" } else { "else " }, report::title(&plan.request, alternative));
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
        println!("{indent}{:width$}  {}", line.what, line.how);
    }
}
