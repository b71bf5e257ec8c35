//! Nodes, their machines and versions.

use std::fmt::Write as _;

use isobar_wire::message::probe::{Contents, NodeFacts};

use super::text::escape;
use crate::preflight::{Node, device_rate};
use crate::quantity::{Quantity, seconds};
use crate::report::Report;

/// The section.
pub(super) fn section(out: &mut String, report: &Report) {
    let preflight = &report.preflight;
    let _ = write!(
        out,
        "<h2>Nodes and machines</h2><p>{} nodes, {}.</p><div class=\"scroll\"><table id=\"nodes\"><thead><tr><th>Node</th><th>Address</th><th>Role</th><th>Storage targets</th><th class=\"n\">Device read</th><th class=\"n\">Device written</th><th class=\"n\">4 KiB sync</th><th class=\"n\">Clock</th><th>Domain</th></tr></thead><tbody>",
        preflight.nodes.len(),
        escape(&preflight.sharing.describe())
    );
    for node in &preflight.nodes {
        row(out, node);
    }
    out.push_str("</tbody></table></div><p class=\"soft\">Device rates are of a scratch file beside the target, past the page cache, while all nodes did the same; each node's own share. The clock is against the measuring machine's, ± half a round trip.</p>");
    machines(out, report);
}

fn row(out: &mut String, node: &Node) {
    let _ = write!(
        out,
        "<tr><td>{}</td><td>{}</td><td>{}</td>",
        escape(&node.name),
        escape(&node.addr.to_string()),
        if node.voter { "storage, metadata" } else { "storage" }
    );
    let facts = match &node.facts {
        Ok(facts) => facts,
        Err(why) => {
            let _ = write!(out, "<td colspan=\"6\">does not answer: {}</td></tr>", escape(&why.to_string()));
            return;
        }
    };
    let targets: Vec<String> = facts
        .targets
        .iter()
        .map(|t| {
            let kind = if t.block_device { "device" } else { "file" };
            let state = match (t.failed, t.stranger) {
                (true, _) => "failed",
                (_, true) => "blank, not admitted",
                _ => "ours",
            };
            format!(
                "{} {kind}, {state}, {} free",
                Quantity::Bytes(t.bytes as f64),
                Quantity::Bytes(t.free_bytes as f64)
            )
        })
        .collect();
    let _ = write!(out, "<td>{}</td>", escape(&targets.join("; ")));
    match &node.device {
        Ok(rates) => {
            let sync = rates.iter().map(|d| d.sync_ns).max().unwrap_or(0);
            let _ = write!(
                out,
                "<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
                Quantity::Rate(device_rate(rates, |d| d.read)),
                Quantity::Rate(device_rate(rates, |d| d.written)),
                seconds(sync as f64 / 1e9)
            );
        }
        Err(why) => {
            let _ = write!(out, "<td colspan=\"3\">{}</td>", escape(&why.to_string()));
        }
    }
    let clock = node.clock.map_or("–".to_owned(), |c| {
        format!("{} ± {}", seconds(c.offset_seconds), seconds(c.error_seconds))
    });
    let domain = if facts.domain.is_empty() { "not named" } else { &facts.domain };
    let _ = write!(out, "<td class=\"n\">{clock}</td><td>{}</td></tr>", escape(domain));
}

/// Each machine once, and the one that measured.
fn machines(out: &mut String, report: &Report) {
    let mut seen: Vec<&str> = Vec::new();
    for facts in report.preflight.nodes.iter().filter_map(|n| n.facts.as_ref().ok()) {
        if !seen.contains(&facts.boot_id.as_str()) {
            seen.push(&facts.boot_id);
            machine(out, report, facts);
        }
    }
    let client = &report.client;
    let _ = write!(
        out,
        "<h3>Measured from</h3><dl><dt>Machine</dt><dd>{}, {} processors, kernel {}</dd><dt>Through</dt><dd>{}</dd><dt>Isobar</dt><dd>{}</dd><dt>Cluster</dt><dd>{}</dd></dl>",
        escape(&client.host),
        client.processors,
        escape(&client.kernel),
        escape(&report.cluster.reached_by),
        report.version,
        escape(&report.cluster.id)
    );
}

fn machine(out: &mut String, report: &Report, facts: &NodeFacts) {
    let on_it: Vec<&str> = report
        .preflight
        .nodes
        .iter()
        .filter(|n| n.facts.as_ref().is_ok_and(|f| f.boot_id == facts.boot_id))
        .map(|n| n.name.as_str())
        .collect();
    let interfaces: Vec<String> = facts
        .interfaces
        .iter()
        .map(|i| {
            let speed = match i.speed_mbit_per_second {
                Some(mbit) if mbit >= 1000 => format!(", {} Gbit/s", mbit / 1000),
                Some(mbit) => format!(", {mbit} Mbit/s"),
                None => String::new(),
            };
            format!("{} (MTU {}{speed})", i.name, i.mtu_bytes)
        })
        .collect();
    let nvme: Vec<String> = facts
        .nvme_devices
        .iter()
        .map(|d| {
            let contents = match &d.contents {
                Contents::Ours => "ours".to_owned(),
                Contents::Blank => "blank".to_owned(),
                Contents::Other(what) => format!("not ours: {what}"),
                Contents::Unknown(why) => format!("cannot be read: {why}"),
            };
            format!("{} {} {}, {contents}", d.name, d.model, Quantity::Bytes(d.bytes as f64))
        })
        .collect();
    let or_none = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join("; ") };
    let _ = write!(out, "<h3>Machine {}</h3><dl>", escape(&facts.host));
    for (what, value) in [
        ("Nodes", on_it.join(", ")),
        ("Processors", format!("{} × {}", facts.processors, facts.processor_model)),
        (
            "Memory",
            format!(
                "{}, {} available",
                Quantity::Bytes(facts.memory_bytes as f64),
                Quantity::Bytes(facts.memory_available_bytes as f64)
            ),
        ),
        ("Kernel", facts.kernel.clone()),
        ("System", facts.system.clone()),
        ("Isobar", facts.version.clone()),
        ("Open files", facts.files_max.map_or("unlimited".to_owned(), |n| n.to_string())),
        ("Network", or_none(interfaces)),
        ("RDMA", or_none(facts.rdma_devices.clone())),
        ("NVMe", or_none(nvme)),
    ] {
        let _ = write!(out, "<dt>{what}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str("</dl>");
}
