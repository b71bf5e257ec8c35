//! Each number of an alternative with the figures it came from, a line each.

use crate::assumptions::Assumptions;
use crate::code::CodingPath;
use crate::inputs::Request;
use crate::model::{self, Limit, Need, Work};
use crate::rank::Alternative;
use crate::units::{Bytes, BytesPerSecond, PerSecond, grouped, percent, significant};

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
    let work = Work::of(request);
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
                "{} creates, {} stats, {} removes keep {} processors of each voter busy; a group uses {} of them, {} left free = {} groups",
                PerSecond(work.creates + work.small_writes()),
                PerSecond(work.stats + work.small_reads()),
                PerSecond(work.removes),
                significant(per_voter),
                significant(a.metadata_cores.min(alt.machine.facts.vcpus.unwrap_or(a.metadata_cores))),
                percent(a.headroom),
                significant(groups)
            ),
        ));
    }
    if let (Some(raw), Some(usable)) = (alt.raw_bytes, alt.usable_bytes) {
        lines.push(line(
            "usable",
            format!(
                "{raw} raw x {} after the reserve / {} for parity = {usable}",
                percent(1.0 - a.reserve),
                factor(code.amplification())
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
    lines
}

fn facts(alt: &Alternative) -> String {
    let facts = &alt.machine.facts;
    let rate = |rate: Option<BytesPerSecond>| rate.map_or("?".to_owned(), |r| r.to_string());
    format!(
        "{} vCPUs, network {}, NVMe {}, reads {}, writes {}; {}, {}",
        facts.vcpus.map_or("?".to_owned(), significant),
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
        factor(alt.code.amplification_of(bytes))
    )
}

/// A factor with three decimals at most.
fn factor(value: f64) -> String {
    significant(value)
}

fn limit(need: &Need, work: &Work, request: &Request, alt: &Alternative, a: &Assumptions) -> String {
    let facts = &alt.machine.facts;
    let rate = |r: Option<BytesPerSecond>| r.map_or("?".to_owned(), |r| r.to_string());
    let read = BytesPerSecond(work.read_bytes + work.small_read_bytes);
    let write = BytesPerSecond(work.write_bytes + work.small_write_bytes);
    let stored = BytesPerSecond(work.stored_rate(alt.code));
    let usual =
        format!("x {} efficient x {} not left free", percent(a.efficiency), percent(1.0 - a.headroom));
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
            "({read} / {} read + {stored} / {} written) / ({} efficient x {} not left free) {nodes}",
            rate(facts.nvme_read_bytes_per_second),
            rate(facts.nvme_write_bytes_per_second),
            percent(a.efficiency),
            percent(1.0 - a.headroom)
        ),
        Limit::Processors => format!(
            "{} busy / ({} x {} not left free) {nodes}",
            grouped(need.demand.ceil() as u64),
            facts.vcpus.map_or("?".to_owned(), significant),
            percent(1.0 - a.headroom)
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

fn significant_nodes(nodes: f64) -> String {
    if nodes >= 100.0 { format!("{nodes:.1}") } else { significant(nodes) }
}
