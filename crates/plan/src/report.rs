//! A plan for people: heading, table and what there is to say about one alternative. Only text; who
//! prints it decides how columns are set.

use isobar_base::quantity::{grouped, percent, significant};

use crate::assumptions::{Assumption, Assumptions};
use crate::calibrate;
use crate::catalogue::Entry;
use crate::code::CodingPath;
use crate::explain::{Line, line};
use crate::inputs::Request;
use crate::limits::{METADATA_GROUPS, TEST_NODES};
use crate::model::{self, Limit, Need, Work};
use crate::predict::Prediction;
use crate::rank::{Alternative, Plan, Reach};
use crate::units::BytesPerSecond;

/// What was asked and on which assumptions, a line each.
pub fn heading(plan: &Plan, a: &Assumptions) -> Vec<Line> {
    // What given nodes reach is without headroom.
    let names: &[&str] = match plan.request.nodes {
        Some(_) => &["efficiency", "reserve"],
        None => &["efficiency", "headroom", "reserve"],
    };
    let stated = names.iter().filter_map(|name| a.get(name));
    let stated: Vec<String> =
        stated.map(|a| format!("{} {} ({})", a.name, percent(a.value), a.basis.describe())).collect();
    let mut lines = vec![
        line("wanted", wanted(&plan.request)),
        line("planned with", format!("{}; --explain says where each number comes from", stated.join(", "))),
    ];
    lines.extend(calibrate::lines(a));
    lines
}

fn wanted(request: &Request) -> String {
    let mut parts = Vec::new();
    let (read, write) = (request.read_bytes_per_second, request.write_bytes_per_second);
    match (read.0 > 0.0, write.0 > 0.0) {
        (true, true) => parts.push(format!("{read} read and {write} written at once")),
        (true, false) => parts.push(format!("{read} read")),
        (false, true) => parts.push(format!("{write} written")),
        (false, false) => {}
    }
    if request.capacity_bytes.0 > 0 {
        parts.push(format!("{} usable", request.capacity_bytes));
    }
    if let Some(small) = &request.small_files {
        let rate = match small.each_way_bytes_per_second.0 > 0.0 {
            true => format!(", {} each way at once", small.each_way_bytes_per_second),
            false => String::new(),
        };
        let assumed = if small.file_bytes_assumed { " (assumed, --file-size)" } else { "" };
        parts.push(format!("{} of small files of {}{assumed}{rate}", small.capacity_bytes, small.file_bytes));
    }
    let m = &request.metadata;
    for (rate, what) in
        [(m.creates_per_second, "creates"), (m.stats_per_second, "stats"), (m.removes_per_second, "removes")]
    {
        if rate.0 > 0.0 {
            parts.push(format!("{} {what} per second", grouped(rate.0 as u64)));
        }
    }
    if let Some(nodes) = request.nodes {
        parts.push(format!("what {nodes} nodes reach"));
    }
    let path = match request.path {
        CodingPath::Clients => "coded in the clients",
        CodingPath::Gateways => "through gateways on the nodes",
    };
    let domains = match request.fault_domains {
        1 => "1 fault domain".to_owned(),
        count => format!("{count} fault domains"),
    };
    format!("{}; {}, {path}; {domains}", parts.join(", "), request.code)
}

/// The alternatives as rows of cells, the first row the heading.
pub fn table(plan: &Plan, shown: usize) -> Vec<Vec<String>> {
    let sized = plan.request.nodes.is_none();
    let small = plan.request.small_files.is_some_and(|s| s.each_way_bytes_per_second.0 > 0.0);
    let large = plan
        .alternatives
        .iter()
        .any(|alt| alt.reach.is_some_and(|r| r.read_bytes_per_second.0 + r.write_bytes_per_second.0 > 0.0));
    // One code for all is in the heading.
    let code = plan.alternatives.iter().any(|alt| alt.code != plan.request.code);
    let mut heading = vec!["size"];
    if code {
        heading.push("code");
    }
    heading.push("nodes");
    if sized {
        heading.extend(match plan.request.path {
            CodingPath::Clients => ["at line rate", "by gateways"],
            CodingPath::Gateways => ["at line rate", "by clients"],
        });
    }
    heading.extend(["limit", "vCPUs", "usable"]);
    if large {
        heading.extend(["reads", "writes"]);
    }
    if small {
        heading.push("small, each way");
    }
    heading.push("rebuild");
    let mut rows = vec![heading.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for alt in plan.alternatives.iter().take(shown) {
        let at_least = |nodes: u32| match alt.unknown.is_empty() || !sized {
            true => grouped(u64::from(nodes)),
            false => format!("{}+", grouped(u64::from(nodes))),
        };
        let mut row = vec![alt.machine.label()];
        if code {
            row.push(alt.code.to_string());
        }
        row.push(at_least(alt.nodes));
        if sized {
            row.push(at_least(alt.nodes_at_line_rate));
            row.push(at_least(match plan.request.path {
                CodingPath::Clients => alt.nodes_through_gateways,
                CodingPath::Gateways => alt.nodes_coded_in_clients,
            }));
        }
        let known = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        row.push(alt.limit.describe().to_owned());
        row.push(known(alt.vcpus.map(|v| {
            let mark = if alt.over_quota_vcpus > 0 { " (over)" } else { "" };
            format!("{}{mark}", grouped(v))
        })));
        row.push(known(alt.usable_bytes.map(|b| b.to_string())));
        if large {
            row.push(known(alt.reach.map(|r| rate(r.read_bytes_per_second))));
            row.push(known(alt.reach.map(|r| rate(r.write_bytes_per_second))));
        }
        if small {
            row.push(known(alt.reach.map(|r| r.small_each_way_bytes_per_second.to_string())));
        }
        row.push(known(alt.rebuild.map(|r| r.seconds.to_string())));
        rows.push(row);
    }
    rows
}

/// One alternative, a line for each thing to know.
pub fn details(request: &Request, alt: &Alternative) -> Vec<Line> {
    let mut lines = vec![line("limited by", limits(request, alt))];
    let quota = match alt.vcpus {
        Some(vcpus) => format!("{} vCPUs of {}", grouped(vcpus), alt.machine.series),
        None => format!("{} machines of {}, whose vCPUs are not known", alt.nodes, alt.machine.series),
    };
    lines.push(line("quota", quota));
    if let (Some(raw), Some(usable)) = (alt.raw_bytes, alt.usable_bytes) {
        let share = percent(usable.0 as f64 / raw.0.max(1) as f64);
        lines.push(line("capacity", format!("{usable} usable of {raw} raw ({share})")));
    }
    if let Some(reach) = &alt.reach {
        let away = alt.code.parity_rows();
        let degraded = alt.reach_degraded.as_ref().map_or(String::new(), |r| {
            format!("; with {away} {} away {}", if away == 1 { "node" } else { "nodes" }, rates(r))
        });
        lines.push(line("reaches", format!("{}{degraded}", rates(reach))));
    }
    if let Some(predicted) = &alt.prediction
        && let Some(text) = metadata(predicted)
    {
        lines.push(line("metadata", text));
    }
    if let Some(text) = clients(request, alt) {
        lines.push(line("clients", text));
    }
    lines.push(line("survives", alt.survival.description.clone()));
    if let Some(rebuild) = &alt.rebuild {
        lines.push(line(
            "rebuild",
            format!(
                "{} for a full node of {} onto a blank one, limited by {}; a VM that comes back blank counts as lost until then",
                rebuild.seconds,
                rebuild.lost_bytes,
                rebuild.limit.describe()
            ),
        ));
    }
    if let (Some(eight), Some(ideal)) = (&alt.eight_nodes, &alt.eight_nodes_at_line_rate)
        && request.nodes != Some(TEST_NODES)
        && let Some(text) = eight_nodes(eight, ideal, request.small_files.is_some())
    {
        lines.push(line("eight nodes", text));
    }
    lines.extend(alt.notes.iter().map(|note| line("note", note.clone())));
    lines
}

/// The limits in order, each with the nodes it asks for.
fn limits(request: &Request, alt: &Alternative) -> String {
    if request.nodes.is_some() {
        return alt.limit.describe().to_owned();
    }
    let count =
        |need: &Need| format!("{} {}", need.limit.describe(), grouped(u64::from(model::whole(need.nodes))));
    let mut parts: Vec<String> = alt.needs.iter().map(count).collect();
    let rows = format!("{} {}", Limit::Width.describe(), alt.code.nodes_min());
    match alt.limit {
        Limit::Width => parts.insert(0, rows),
        _ => parts.push(rows),
    }
    if alt.limit == Limit::Metadata {
        return format!(
            "metadata: {} groups are needed and there is {METADATA_GROUPS}; in nodes: {}",
            alt.metadata_groups,
            parts.join(", ")
        );
    }
    let first = parts.remove(0);
    format!("{first} nodes; the other limits would need {}", parts.join(", "))
}

fn rate(rate: BytesPerSecond) -> String {
    if rate.0 > 0.0 { rate.to_string() } else { "-".to_owned() }
}

fn rates(reach: &Reach) -> String {
    let mut parts = Vec::new();
    for (rate, what) in [
        (reach.read_bytes_per_second, "read"),
        (reach.write_bytes_per_second, "written"),
        (reach.small_each_way_bytes_per_second, "each way in small files"),
    ] {
        if rate.0 > 0.0 {
            parts.push(format!("{rate} {what}"));
        }
    }
    parts.join(" + ")
}

fn metadata(predicted: &Prediction) -> Option<String> {
    let group =
        if METADATA_GROUPS == 1 { "one group".to_owned() } else { format!("{METADATA_GROUPS} groups") };
    Some(format!(
        "predicted of {group}: creates {}, stats {} or removes {}",
        predicted.creates?.per_second, predicted.stats?.per_second, predicted.removes?.per_second
    ))
}

fn clients(request: &Request, alt: &Alternative) -> Option<String> {
    let work = Work::of(request);
    let read = work.read_bytes + work.small_read_bytes;
    let sent = match request.path {
        CodingPath::Clients => work.stored_rate(alt.code),
        CodingPath::Gateways => work.write_bytes + work.small_write_bytes,
    };
    let parity = match request.path {
        CodingPath::Clients => ", parity included",
        CodingPath::Gateways => "",
    };
    let (sent, read) = (BytesPerSecond(sent), BytesPerSecond(read));
    match (sent.0 > 0.0, read.0 > 0.0) {
        (true, true) => Some(format!("together send {sent}{parity}, and receive {read}")),
        (true, false) => Some(format!("together send {sent}{parity}")),
        (false, true) => Some(format!("together receive {read}")),
        (false, false) => None,
    }
}

fn eight_nodes(predicted: &Prediction, ideal: &Prediction, small: bool) -> Option<String> {
    let (both, most) = (predicted.both_each_way?, ideal.both_each_way?);
    let rate = both.bytes_per_second;
    let each = BytesPerSecond(rate.0 / f64::from(predicted.nodes));
    Some(format!(
        "{}: {rate} read + {rate} written at once, {each} of each per node, limited by {}; {} of each is all the hardware has{}",
        predicted.code,
        both.limit.describe(),
        most.bytes_per_second,
        predicted.small_both_each_way.filter(|_| small).map_or(String::new(), |files| format!(
            "; small files {} each way, limited by {}",
            files.bytes_per_second,
            files.limit.describe()
        ))
    ))
}

/// Every assumption, a line each.
pub fn assumptions(a: &Assumptions) -> Vec<Line> {
    let describe = |a: &Assumption| format!("{}, {}: {}", value(a), a.basis.describe(), a.source);
    a.all().iter().map(|a| line(a.name.clone(), describe(a))).collect()
}

/// Sizes that were not planned with, in a line; `None` when there are none.
pub fn left_out(plan: &Plan) -> Option<String> {
    let names: Vec<&str> = plan.left_out.iter().map(|left| left.size.as_str()).collect();
    (!names.is_empty())
        .then(|| format!("not planned with, since facts are missing, unless named: {}", names.join(", ")))
}

/// How many of what: `at least 70 x LS192 (unconfirmed), 8+2`, and whether that does what was asked.
pub fn title(request: &Request, alt: &Alternative) -> String {
    let at_least = if alt.unknown.is_empty() || request.nodes.is_some() { "" } else { "at least " };
    let short = if alt.meets_targets { "" } else { ": falls short of what is wanted" };
    format!("{at_least}{} x {}, {}{short}", grouped(u64::from(alt.nodes)), alt.machine.label(), alt.code)
}

fn value(a: &Assumption) -> String {
    match a.unit.as_str() {
        "fraction" => percent(a.value),
        unit => format!("{} {unit}", significant(a.value)),
    }
}

/// Every size as rows of cells, the first row the heading.
pub fn sizes(entries: &[Entry]) -> Vec<Vec<String>> {
    let mut rows =
        vec![["size", "vCPUs", "network", "NVMe", "reads", "writes", "status"].map(str::to_owned).to_vec()];
    for entry in entries {
        let known = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        let machine = entry.machine();
        let facts = &machine.facts;
        let status = match &entry.alias_of {
            Some(target) => format!("is {target}"),
            None => format!("{:?}", entry.status).to_lowercase(),
        };
        let blank = |text: String| if entry.alias_of.is_some() { String::new() } else { text };
        rows.push(vec![
            entry.name.clone(),
            blank(known(facts.vcpus.map(significant))),
            known(entry.network_mbit_s.map(|mbit| format!("{} Gbit/s", significant(mbit / 1e3)))),
            blank(known(facts.nvme_bytes.map(|b| b.to_string()))),
            blank(known(facts.nvme_read_bytes_per_second.map(|r| r.to_string()))),
            blank(known(facts.nvme_write_bytes_per_second.map(|r| r.to_string()))),
            status,
        ]);
    }
    rows
}
