//! Targets, placement groups and replacement. Every change sets the epoch to its log index.
//!
//! A target is a disk by its random identity (I13), in a slot of a node. A blank disk in a taken slot is
//! a stranger until an operator allows the node's replacement; it then takes over the positions of the
//! old target, unclean until it has been rebuilt. The permission is for one disk: it ends with the take-over,
//! or when the old disk is registered again.

use std::ops::ControlFlow;

use isobar_base::{Errno, PgId, TargetId};
use isobar_wire::message::cluster::TargetInfo;
use isobar_wire::message::ops::{OpError, OpReply, OpResult};

use crate::codec::{decode, encode};
use crate::key;
use crate::limits::{LABEL_BYTES_MAX, PLACEMENT_GROUPS_MAX, TARGETS_MAX};
use crate::placement::{self, Candidate};
use crate::record::{Group, Holder, Target};
use crate::state::State;

pub(super) fn register(state: &mut State, info: &TargetInfo) -> OpResult {
    let labels = [&info.node, &info.addr.to_string(), &info.domain];
    if info.node.is_empty() || labels.iter().any(|label| label.len() > LABEL_BYTES_MAX) {
        return Err(Errno::EINVAL.into());
    }
    if let Some(known) = state.kv.get(&key::target(info.id)).map(|bytes| decode::<Target>(&bytes)) {
        if (&known.node, known.slot) != (&info.node, info.slot) {
            return Err(Errno::EEXIST.into());
        }
        let new = Target::new(info.clone(), known.node_number);
        if known != new {
            state.kv.put(&key::target(info.id), encode(&new));
            state.cluster_changed();
        }
        // The disk is in its place after all: nothing is to replace it.
        if end_permission(state, &info.node, info.slot) {
            state.cluster_changed();
        }
        return Ok(OpReply::Done);
    }
    let taken = targets(state).into_iter().find(|t| t.node == info.node && t.slot == info.slot);
    if let Some(old) = taken {
        return take_over(state, &old, info);
    }
    if state.counters.targets >= TARGETS_MAX {
        return Err(Errno::ENOSPC.into());
    }
    let node = node_number(state, &info.node);
    state.counters.targets += 1;
    state.kv.put(&key::target(info.id), encode(&Target::new(info.clone(), node)));
    state.cluster_changed();
    Ok(OpReply::Done)
}

/// A blank disk takes the place of an old one, where that was allowed.
fn take_over(state: &mut State, old: &Target, info: &TargetInfo) -> OpResult {
    if !end_permission(state, &info.node, info.slot) {
        return Err(Errno::EEXIST.into());
    }
    let since = state.index;
    change_holders(state, |holder| {
        if holder.target != old.id {
            return false;
        }
        *holder = Holder { target: info.id, since, clean: false, ..*holder };
        true
    });
    state.kv.delete(&key::target(old.id));
    state.kv.put(&key::target(info.id), encode(&Target::new(info.clone(), old.node_number)));
    state.cluster_changed();
    Ok(OpReply::Done)
}

/// Takes back that a blank disk may take this slot; gives whether that was allowed.
fn end_permission(state: &mut State, node: &str, slot: u32) -> bool {
    let key = key::replacing(node);
    let slots = state.kv.get(&key).map(|bytes| decode::<Vec<u32>>(&bytes)).unwrap_or_default();
    if !slots.contains(&slot) {
        return false;
    }
    let left: Vec<u32> = slots.into_iter().filter(|&other| other != slot).collect();
    match left.is_empty() {
        true => state.kv.delete(&key),
        false => state.kv.put(&key, encode(&left)),
    }
    true
}

pub(super) fn allow_replace(state: &mut State, node: &str) -> OpResult {
    let targets = targets(state).into_iter().filter(|target| target.node == node);
    let mut slots: Vec<u32> = targets.map(|target| target.slot).collect();
    if slots.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    slots.sort_unstable();
    let (key, value) = (key::replacing(node), encode(&slots));
    if state.kv.get(&key).as_ref() != Some(&value) {
        state.kv.put(&key, value);
        state.cluster_changed();
    }
    Ok(OpReply::Done)
}

pub(super) fn rebuilt(state: &mut State, target: TargetId, since: u64) -> OpResult {
    if !state.kv.contains(&key::target(target)) {
        return Err(Errno::ENOENT.into());
    }
    let changed = change_holders(state, |holder| {
        let cleaned = holder.target == target && holder.since <= since && !holder.clean;
        holder.clean |= cleaned;
        cleaned
    });
    if changed {
        state.cluster_changed();
    }
    Ok(OpReply::Done)
}

pub(super) fn build_placement(state: &mut State, groups: u32) -> OpResult {
    let settings = state.settings()?;
    let (data, parity) = (usize::from(settings.data_rows), usize::from(settings.parity_rows));
    if state.kv.contains(&key::group(PgId(0))) {
        return Ok(OpReply::Done);
    }
    if groups == 0 || groups > PLACEMENT_GROUPS_MAX {
        return Err(Errno::EINVAL.into());
    }
    let targets = targets(state);
    let candidates: Vec<Candidate> = targets
        .iter()
        .map(|t| Candidate { id: t.id, node: t.node_number, domain: t.domain.clone() })
        .collect();
    let chosen =
        placement::place(&candidates, groups, data + parity, parity).ok_or(OpError::Errno(Errno::EINVAL))?;
    for (number, members) in chosen.into_iter().enumerate() {
        let holders = members.into_iter().map(|member| {
            let Candidate { id, node, .. } = candidates[member];
            Holder { target: id, node, since: state.index, clean: true }
        });
        let group = Group { holders: holders.collect() };
        assert!(group.nodes_are_distinct(), "I2: placement group {number} has a node twice");
        state.kv.put(&key::group(PgId(number as u32)), encode(&group));
    }
    state.cluster_changed();
    Ok(OpReply::Done)
}

fn targets(state: &State) -> Vec<Target> {
    let (prefix, mut targets) = (key::targets(), Vec::new());
    state.kv.range(&prefix, &prefix.clone().end(), &mut |_, value| {
        targets.push(decode(value));
        ControlFlow::Continue(())
    });
    targets
}

/// The number of a node, a new one for a new node.
fn node_number(state: &mut State, node: &str) -> u32 {
    let key = key::node(node);
    if let Some(bytes) = state.kv.get(&key) {
        return decode(&bytes);
    }
    state.counters.last_node += 1;
    state.kv.put(&key, encode(&state.counters.last_node));
    state.counters.last_node
}

/// Changes positions of all groups; gives whether any was.
fn change_holders(state: &mut State, mut change: impl FnMut(&mut Holder) -> bool) -> bool {
    let (prefix, mut changed) = (key::groups(), Vec::new());
    state.kv.range(&prefix, &prefix.clone().end(), &mut |key, value| {
        let mut group: Group = decode(value);
        let any = group.holders.iter_mut().fold(false, |any, holder| change(holder) | any);
        if any {
            changed.push((key.to_vec(), group));
        }
        ControlFlow::Continue(())
    });
    let any = !changed.is_empty();
    for (key, group) in changed {
        state.kv.put(&key, encode(&group));
    }
    any
}
