//! All there is to say about so many of one machine.

use isobar_base::quantity::{grouped, percent};

use super::alternative::Alternative;
use super::reach::{self, cluster, narrowed, usable, work};
use crate::assumptions::Assumptions;
use crate::code::{Code, CodingPath};
use crate::inputs::{Request, SMALL_FILE_BYTES};
use crate::limits::{METADATA_GROUPS, TARGETS_MAX, TEST_NODES};
use crate::machine::{Machine, Status};
use crate::model::{self, Limit, Work};
use crate::predict::{ClusterFacts, predict};
use crate::rebuild::rebuild;
use crate::survive::survival;
use crate::units::Bytes;

/// All there is to say about so many of one machine.
pub(super) fn describe(
    request: &Request,
    machine: Machine,
    code: Code,
    asked: Code,
    nodes: u32,
    a: &Assumptions,
) -> Alternative {
    let facts = &machine.facts;
    let line = a.at_line_rate();
    let reach = reach::reach(&Work::of(request), &cluster(&machine, nodes, code, request.path), a);
    let work = work(request, reach.as_ref());
    let count =
        |path, a: &Assumptions| request.nodes.unwrap_or_else(|| model::nodes(&work, facts, code, path, a).0);
    let metadata_groups = model::whole(model::metadata_groups(&work, facts, code, a)).max(METADATA_GROUPS);
    let limit = match request.nodes {
        Some(_) => reach.map_or(Limit::Width, |r| r.limit),
        None if metadata_groups > METADATA_GROUPS => Limit::Metadata,
        None => model::nodes(&work, facts, code, request.path, a).1,
    };
    let left = nodes.saturating_sub(u32::from(code.parity_rows()));
    let degraded = narrowed(code, left)
        .and_then(|narrow| reach::reach(&work, &cluster(&machine, left, narrow, request.path), a));
    let file_bytes = request.small_files.map_or(SMALL_FILE_BYTES, |s| s.file_bytes);
    let files = |cluster| ClusterFacts { small_file_bytes: file_bytes, ..cluster };
    let eight = code.on(TEST_NODES).map(|code| files(cluster(&machine, TEST_NODES, code, request.path)));
    let vcpus = facts.vcpus.map(|each| each as u64 * u64::from(nodes));
    let quota = request.quota_vcpus.map_or(u64::MAX, u64::from);
    let mut alternative = Alternative {
        code,
        nodes,
        limit,
        nodes_at_line_rate: count(request.path, &line),
        nodes_coded_in_clients: count(CodingPath::Clients, a),
        nodes_through_gateways: count(CodingPath::Gateways, a),
        needs: model::needs(&work, facts, code, request.path, a),
        vcpus,
        over_quota_vcpus: vcpus.map_or(0, |v| v.saturating_sub(quota)),
        raw_bytes: facts.nvme_bytes.map(|raw| Bytes(raw.0.saturating_mul(u64::from(nodes)))),
        usable_bytes: usable(&work, &machine, nodes, code, a),
        reach,
        reach_at_line_rate: reach::reach(&work, &cluster(&machine, nodes, code, request.path), &line),
        reach_degraded: degraded,
        prediction: predict(&files(cluster(&machine, nodes, code, request.path)), a).ok(),
        meets_targets: metadata_groups <= METADATA_GROUPS
            && vcpus.is_none_or(|v| v <= quota)
            && u64::from(nodes) <= TARGETS_MAX,
        metadata_groups,
        survival: survival(code, nodes, request.fault_domains),
        rebuild: rebuild(facts, nodes, code, a),
        eight_nodes: eight.and_then(|cluster| predict(&cluster, a).ok()),
        eight_nodes_at_line_rate: eight.and_then(|cluster| predict(&cluster, &line).ok()),
        unknown: facts.unknown(),
        notes: Vec::new(),
        machine,
    };
    alternative.notes = notes(request, &alternative, asked, &work, a);
    alternative
}

fn notes(request: &Request, alt: &Alternative, asked: Code, work: &Work, a: &Assumptions) -> Vec<String> {
    let mut notes = Vec::new();
    if alt.machine.status == Status::Unconfirmed {
        notes.push(format!("unconfirmed: {}", alt.machine.source));
    }
    if !alt.unknown.is_empty() {
        let consequence = match request.nodes {
            Some(_) => "so it may reach less",
            None => "so more nodes may be needed",
        };
        notes.push(format!("{} not known, {consequence}", alt.unknown.join(", ")));
    }
    if alt.code != asked {
        notes.push(format!("{asked} does not survive a fault domain: planned with {}", alt.code));
    }
    if alt.over_quota_vcpus > 0 {
        notes.push(format!("{} vCPUs over the quota", grouped(alt.over_quota_vcpus)));
    }
    let devices = u64::from(alt.nodes) * u64::from(alt.machine.nvme_count.unwrap_or(0));
    if alt.has_too_many_nodes() {
        notes.push(format!(
            "{} nodes are more than a cluster can have: each has a storage target, and there are at most {}",
            grouped(u64::from(alt.nodes)),
            grouped(TARGETS_MAX)
        ));
    } else if devices > TARGETS_MAX {
        notes.push(format!(
            "{} NVMe devices are more than the {} storage targets of a cluster: several devices have to form one target",
            grouped(devices),
            grouped(TARGETS_MAX)
        ));
    }
    if alt.metadata_groups > METADATA_GROUPS {
        let share = 1.0 / model::metadata_groups(work, &alt.machine.facts, alt.code, &a.without_headroom());
        notes.push(format!(
            "one metadata group, all that this version has, does {} of the metadata work, and more machines do not help; {} groups would do it",
            percent(share),
            alt.metadata_groups
        ));
        notes.push(
            "metadata costs were measured on a small shared machine: measure such machines with isobar bench and give --assume create-core-ms=…"
                .to_owned(),
        );
    }
    notes
}
