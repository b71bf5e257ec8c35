//! Each number of an alternative with the figures it came from, a line each.

use isobar_base::quantity::{grouped, percent, significant};

use crate::assumptions::{Assumptions, VOTERS_MEASURED};
use crate::code::CodingPath;
use crate::inputs::Request;
use crate::model::{self, Limit, Need, Work};
use crate::rank::{Alternative, planned_with, work};
use crate::units::{Bytes, BytesPerSecond, PerSecond};

/// A number, how it is made, and from what.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Line {
    /// What is explained.
    pub what: String,
    /// How it is made.
    pub how: String,
}

pub(crate) fn line(what: impl Into<String>, how: impl Into<String>) -> Line {
    Line { what: what.into(), how: how.into() }
}

/// Where the numbers of an alternative come from: the size's facts, every limit, capacity, reach, rebuild.
pub fn explain(request: &Request, alt: &Alternative, a: &Assumptions) -> Vec<Line> {
    let a = &planned_with(request, a);
    let work = work(request, alt.reach.as_ref());
    let mut lines = vec![line(alt.machine.name.clone(), facts(alt))];
    if work.small_writes() > 0.0 {
        lines.push(line("small files", small(&work, alt)));
    }
    for need in &alt.needs {
        lines.push(line(need.limit.words(), limit(need, &work, request, alt, a)));
    }
    let code = alt.code;
    lines.push(line(
        Limit::Width.words(),
        format!(
            "{code} puts its {} rows, and {} voters, on nodes of their own = at least {} nodes",
            code.rows(),
            code.voters(),
            code.nodes_min()
        ),
    ));
    let groups = model::metadata_groups(&work, &alt.machine.facts, code, a);
    if groups > 0.0 {
        let (per_voter, _) = model::metadata_cores(&work, code, a);
        lines.push(line(
            Limit::Metadata.words(),
            format!(
                "{} keep {} processors of each voter busy / ({} that a group can use{}) = {} groups",
                operations(&work),
                significant(per_voter),
                significant(a.metadata_cores.min(alt.machine.facts.vcpus.unwrap_or(a.metadata_cores))),
                not_free(a),
                significant(groups)
            ),
        ));
    }
    if let Some(creates) = alt.prediction.as_ref().and_then(|p| p.creates) {
        let cores = a.metadata_cores.min(alt.machine.facts.vcpus.unwrap_or(a.metadata_cores));
        lines.push(line(
            "creates",
            format!(
                "a group uses {} processors of a voter, and a create costs {} core ms over the {} voters it was measured with: at most {}; limited by {} to {}",
                significant(cores),
                significant(a.create_core_s * 1e3),
                VOTERS_MEASURED,
                PerSecond(cores * VOTERS_MEASURED / a.create_core_s),
                creates.limit.words(),
                creates.per_second
            ),
        ));
    }
    if request.nodes.is_none() {
        lines.push(line(
            "at line rate",
            format!("the same with 100 % efficient and nothing left free = {} nodes", alt.nodes_at_line_rate),
        ));
        let (out, inwards) = model::network(&work, code, CodingPath::Gateways);
        lines.push(line(
            "by gateways",
            format!(
                "{} out of the nodes and {} into them, and all of the processors' work = {} nodes",
                BytesPerSecond(out),
                BytesPerSecond(inwards),
                alt.nodes_through_gateways
            ),
        ));
    }
    if let (Some(vcpus), Some(each)) = (alt.vcpus, alt.machine.facts.vcpus) {
        lines.push(line(
            "quota",
            format!("{} nodes x {} vCPUs = {}", alt.nodes, significant(each), grouped(vcpus)),
        ));
    }
    if let (Some(raw), Some(usable)) = (alt.raw_bytes, alt.usable_bytes) {
        lines.push(line(
            "usable",
            format!(
                "{raw} raw x {} after the reserve / {} for parity and padding = {usable}",
                percent(1.0 - a.reserve),
                significant(raw.0 as f64 * (1.0 - a.reserve) / usable.0.max(1) as f64)
            ),
        ));
    }
    if let Some(reach) = &alt.reach {
        lines.push(line(
            "reaches",
            format!(
                "{} nodes at {} efficiency, nothing left free, limited by {}",
                alt.nodes,
                percent(a.efficiency),
                reach.limit.words()
            ),
        ));
    }
    if let Some(rebuild) = &alt.rebuild {
        lines.push(line(
            "rebuild",
            format!(
                "a full node holds {}; its replacement reads {} rows for each it lacks, with {} of {} of its rates = {}, limited by {}",
                rebuild.lost_bytes,
                code.data_rows(),
                percent(a.rebuild_share),
                percent(a.efficiency),
                rebuild.seconds,
                rebuild.limit.words()
            ),
        ));
    }
    lines.push(line("survives", survives(request, alt)));
    if let Some(eight) = alt.eight_nodes.as_ref().filter(|eight| request.nodes != Some(eight.nodes)) {
        lines.push(line(
            "eight nodes",
            format!(
                "the same limits on {} nodes with {}, whose rows cost {} bytes for each byte written; nothing left free",
                eight.nodes,
                eight.code,
                significant(eight.code.amplification())
            ),
        ));
    }
    lines
}

fn facts(alt: &Alternative) -> String {
    let facts = &alt.machine.facts;
    let rate = |rate: Option<BytesPerSecond>| rate.map_or("?".to_owned(), |r| r.to_string());
    format!(
        "{} vCPUs, network {}{}, NVMe {}, reads {}, writes {}; {}, {}",
        facts.vcpus.map_or("?".to_owned(), significant),
        facts
            .network_out_bytes_per_second
            .map_or(String::new(), |r| format!("{} Gbit/s = ", significant(r.0 * 8e-9))),
        rate(facts.network_out_bytes_per_second),
        facts.nvme_bytes.map_or("?".to_owned(), |b| b.to_string()),
        rate(facts.nvme_read_bytes_per_second),
        rate(facts.nvme_write_bytes_per_second),
        format!("{:?}", alt.machine.status).to_lowercase(),
        alt.machine.source
    )
}

fn small(work: &Work, alt: &Alternative) -> String {
    let bytes = Bytes(work.small_file_bytes as u64);
    format!(
        "{} each way in files of {bytes} = {} files made and {} read; {} bytes stored for each",
        BytesPerSecond(work.small_write_bytes),
        PerSecond(work.small_writes()),
        PerSecond(work.small_reads()),
        significant(alt.code.amplification_of(bytes))
    )
}

fn limit(need: &Need, work: &Work, request: &Request, alt: &Alternative, a: &Assumptions) -> String {
    let facts = &alt.machine.facts;
    let rate = |r: Option<BytesPerSecond>| r.map_or("?".to_owned(), |r| r.to_string());
    let read = BytesPerSecond(work.read_bytes + work.small_read_bytes);
    let write = BytesPerSecond(work.write_bytes + work.small_write_bytes);
    let stored = BytesPerSecond(work.stored_rate(alt.code));
    let usual = format!("x {} efficient{}", percent(a.efficiency), not_free(a));
    let nodes = format!("= {} nodes", significant_nodes(need.nodes));
    match need.limit {
        Limit::NetworkIn => {
            let what = match request.path {
                CodingPath::Clients => format!("{stored} of rows ({write} written, with parity)"),
                CodingPath::Gateways => format!(
                    "{} ({read} from the stores, {write} from the clients, {stored} of rows)",
                    BytesPerSecond(need.demand)
                ),
            };
            format!("{what} / ({} {usual}) {nodes}", rate(facts.network_in_bytes_per_second))
        }
        Limit::NetworkOut => {
            let what = match request.path {
                CodingPath::Clients => format!("{read} read"),
                CodingPath::Gateways => {
                    format!("{} ({read} twice, {stored} of rows)", BytesPerSecond(need.demand))
                }
            };
            format!("{what} / ({} {usual}) {nodes}", rate(facts.network_out_bytes_per_second))
        }
        Limit::Nvme => format!(
            "({read} / {} read + {stored} / {} written) / ({} efficient{}) {nodes}",
            rate(facts.nvme_read_bytes_per_second),
            rate(facts.nvme_write_bytes_per_second),
            percent(a.efficiency),
            not_free(a)
        ),
        Limit::Processors => format!(
            "{} busy / ({}{}) {nodes}",
            grouped(need.demand.ceil() as u64),
            facts.vcpus.map_or("?".to_owned(), significant),
            not_free(a)
        ),
        Limit::Capacity => format!(
            "{} with parity / ({} x {} after the reserve) {nodes}",
            Bytes(work.stored_bytes(alt.code) as u64),
            facts.nvme_bytes.map_or("?".to_owned(), |b| b.to_string()),
            percent(1.0 - a.reserve)
        ),
        // These are no needs of nodes.
        Limit::Width | Limit::Metadata | Limit::ClientNetwork => nodes,
    }
}

fn survives(request: &Request, alt: &Alternative) -> String {
    let survival = &alt.survival;
    format!(
        "{} nodes over {} fault domains = up to {} in one; of the {} rows of a segment up to {} in one, {} may go",
        alt.nodes,
        request.fault_domains,
        survival.domain_machines,
        alt.code.rows(),
        survival.domain_rows,
        survival.machines
    )
}

/// The part of a node that a plan uses, where it leaves some free.
fn not_free(a: &Assumptions) -> String {
    if a.headroom > 0.0 { format!(" x {} not left free", percent(1.0 - a.headroom)) } else { String::new() }
}

/// The metadata operations of the work.
fn operations(work: &Work) -> String {
    let all = [
        (work.creates + work.small_writes(), "creates"),
        (work.stats + work.small_reads(), "stats"),
        (work.removes, "removes"),
        (work.extents(), "segments committed"),
    ];
    let parts: Vec<String> = all
        .iter()
        .filter(|(rate, _)| *rate > 0.0)
        .map(|(rate, what)| format!("{} {what}", PerSecond(*rate)))
        .collect();
    parts.join(", ")
}

fn significant_nodes(nodes: f64) -> String {
    if nodes >= 100.0 { format!("{nodes:.1}") } else { significant(nodes) }
}
