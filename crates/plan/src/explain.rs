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
    lines.extend((work.small_writes() > 0.0).then(|| line("small files", small(&work, alt))));
    lines.extend(
        alt.needs.iter().map(|need| line(need.limit.describe(), limit(need, &work, request, alt, a))),
    );
    lines.push(line(Limit::Width.describe(), width(alt)));
    lines.extend(metadata(&work, alt, a).map(|how| line(Limit::Metadata.describe(), how)));
    lines.extend(creates(alt, a).map(|how| line("creates", how)));
    if request.nodes.is_none() {
        lines.push(line("at line rate", at_line_rate(alt)));
        lines.push(line("by gateways", by_gateways(&work, alt)));
    }
    lines.extend(quota(alt).map(|how| line("quota", how)));
    lines.extend(usable(alt, a).map(|how| line("usable", how)));
    lines.extend(reaches(alt, a).map(|how| line("reaches", how)));
    lines.extend(rebuild(alt, a).map(|how| line("rebuild", how)));
    lines.push(line("survives", survives(request, alt)));
    lines.extend(eight_nodes(request, alt).map(|how| line("eight nodes", how)));
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

fn width(alt: &Alternative) -> String {
    let code = alt.code;
    format!(
        "{code} puts its {} rows, and {} voters, on nodes of their own = at least {} nodes",
        code.rows(),
        code.voters(),
        code.nodes_min()
    )
}

fn metadata(work: &Work, alt: &Alternative, a: &Assumptions) -> Option<String> {
    let groups = model::metadata_groups(work, &alt.machine.facts, alt.code, a);
    let (per_voter, _) = model::metadata_cores(work, alt.code, a);
    (groups > 0.0).then(|| {
        format!(
            "{} keep {} processors of each voter busy / ({} that a group can use{}) = {} groups",
            operations(work),
            significant(per_voter),
            significant(metadata_cores(alt, a)),
            not_free(a),
            significant(groups)
        )
    })
}

fn creates(alt: &Alternative, a: &Assumptions) -> Option<String> {
    let creates = alt.prediction.as_ref()?.creates?;
    let cores = metadata_cores(alt, a);
    Some(format!(
        "a group uses {} processors of a voter, and a create costs {} core ms over the {} voters it was measured with: at most {}; limited by {} to {}",
        significant(cores),
        significant(a.create_core_s * 1e3),
        VOTERS_MEASURED,
        PerSecond(cores * VOTERS_MEASURED / a.create_core_s),
        creates.limit.describe(),
        creates.per_second
    ))
}

/// Processors of one voter that a metadata group can use.
fn metadata_cores(alt: &Alternative, a: &Assumptions) -> f64 {
    a.metadata_cores.min(alt.machine.facts.vcpus.unwrap_or(a.metadata_cores))
}

fn at_line_rate(alt: &Alternative) -> String {
    format!("the same with 100 % efficient and nothing left free = {} nodes", alt.nodes_at_line_rate)
}

fn by_gateways(work: &Work, alt: &Alternative) -> String {
    let (out, inwards) = model::network(work, alt.code, CodingPath::Gateways);
    format!(
        "{} out of the nodes and {} into them, and all of the processors' work = {} nodes",
        BytesPerSecond(out),
        BytesPerSecond(inwards),
        alt.nodes_through_gateways
    )
}

fn quota(alt: &Alternative) -> Option<String> {
    let (vcpus, each) = (alt.vcpus?, alt.machine.facts.vcpus?);
    Some(format!("{} nodes x {} vCPUs = {}", alt.nodes, significant(each), grouped(vcpus)))
}

fn usable(alt: &Alternative, a: &Assumptions) -> Option<String> {
    let (raw, usable) = (alt.raw_bytes?, alt.usable_bytes?);
    Some(format!(
        "{raw} raw x {} after the reserve / {} for parity and padding = {usable}",
        percent(1.0 - a.reserve),
        significant(raw.0 as f64 * (1.0 - a.reserve) / usable.0.max(1) as f64)
    ))
}

fn reaches(alt: &Alternative, a: &Assumptions) -> Option<String> {
    let reach = alt.reach.as_ref()?;
    Some(format!(
        "{} nodes at {} efficiency, nothing left free, limited by {}",
        alt.nodes,
        percent(a.efficiency),
        reach.limit.describe()
    ))
}

fn rebuild(alt: &Alternative, a: &Assumptions) -> Option<String> {
    let rebuild = alt.rebuild.as_ref()?;
    Some(format!(
        "a full node holds {}; its replacement reads {} rows for each it lacks, with {} of {} of its rates = {}, limited by {}",
        rebuild.lost_bytes,
        alt.code.data_rows(),
        percent(a.rebuild_share),
        percent(a.efficiency),
        rebuild.seconds,
        rebuild.limit.describe()
    ))
}

fn eight_nodes(request: &Request, alt: &Alternative) -> Option<String> {
    let eight = alt.eight_nodes.as_ref().filter(|eight| request.nodes != Some(eight.nodes))?;
    Some(format!(
        "the same limits on {} nodes with {}, whose rows cost {} bytes for each byte written; nothing left free",
        eight.nodes,
        eight.code,
        significant(eight.code.amplification())
    ))
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
