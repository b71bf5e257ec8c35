//! What was found, in sentences.

use isobar_admin::{Attention, Health, founding_text};
use isobar_wire::Role;
use serde_json::json;

use super::Shown;
use crate::output;

/// The metadata: who votes, and how many of them may still be lost.
pub fn metadata(shown: &Shown<'_>) -> String {
    let Health { voters, leader, founding, voters_may_be_lost, .. } = shown.health;
    if let Some(founding) = founding {
        return format!("metadata: {}", founding_text(founding));
    }
    let (live, all) = (shown.health.voters_live(), voters.len());
    let may_be_lost = match voters_may_be_lost {
        Some(0) => "none of them may be lost".to_owned(),
        Some(count) => format!("{count} more may be lost"),
        None => {
            return format!("metadata: no quorum: {live} of {all} voters live; calls wait, then give EIO");
        }
    };
    let leads = match leader {
        Some(leader) => {
            let own = shown.nodes.iter().flatten().find(|s| s.node == *leader);
            let meta = own.and_then(|s| s.meta.as_ref());
            let (term, applied) = meta.map_or((0, 0), |meta| (meta.term, meta.applied));
            format!("leader {leader}, term {term}, {applied} entries applied")
        }
        None => "no leader".to_owned(),
    };
    let error = shown.view.err().map(|e| format!(" ({e})")).unwrap_or_default();
    format!("metadata: {live} of {all} voters live, {may_be_lost}; {leads}{error}")
}

/// The data: how many nodes may still be lost, and what redundancy is left.
pub fn data(shown: &Shown<'_>) -> String {
    let Some(redundancy) = shown.redundancy else {
        return match shown.view.is_ok() && !shown.spec.has_credential(Role::Administrator) {
            true => "data: only administrators are told the redundancy (admin.pem)".to_owned(),
            false => "data: redundancy unknown without metadata".to_owned(),
        };
    };
    let left = redundancy_text(redundancy);
    match redundancy.spare_rows {
        None => format!("data: {left}"),
        Some(0) => format!("data: no more nodes may be lost; {left}"),
        Some(1) => format!("data: 1 more node may be lost; {left}"),
        Some(count) => format!("data: {count} more nodes may be lost; {left}"),
    }
}

/// What needs somebody, and what to do about it here.
pub fn attention(attention: &Attention, health: &Health) -> String {
    isobar_admin::attention_text(attention, health, |node| format!("isobar node replace {node}"))
}

/// What redundancy is left, in words.
pub fn redundancy_text(redundancy: &isobar_admin::Redundancy) -> String {
    let total = redundancy.total();
    if total.segments == 0 {
        return "no segments".to_owned();
    }
    if redundancy.worst() == 0 {
        return format!(
            "all {} segments ({}) have all their rows",
            total.segments,
            output::bytes(total.bytes)
        );
    }
    let mut parts: Vec<String> = Vec::new();
    for (missing, count) in redundancy.by_missing.iter().enumerate().filter(|(_, c)| c.segments > 0) {
        let rows = match missing {
            0 => "complete".to_owned(),
            1 => "with 1 row missing".to_owned(),
            more => format!("with {more} rows missing"),
        };
        parts.push(format!("{} segments ({}) {rows}", count.segments, output::bytes(count.bytes)));
    }
    if redundancy.lost.segments > 0 {
        parts.push(format!("{} of them cannot be read now", redundancy.lost.segments));
    }
    parts.join(", ")
}

/// The same for programs.
pub fn redundancy_json(redundancy: &isobar_admin::Redundancy) -> serde_json::Value {
    json!({
        "by_missing_rows": redundancy.by_missing.iter().map(|c| json!({ "segments": c.segments, "bytes": c.bytes })).collect::<Vec<_>>(),
        "unreadable": { "segments": redundancy.lost.segments, "bytes": redundancy.lost.bytes },
        "full": redundancy.worst() == 0,
    })
}
