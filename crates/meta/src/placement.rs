//! The placement function: which targets form each placement group. Integers only, written out here,
//! and frozen by test vectors: the same targets give the same groups on every machine and release.
//!
//! For each group in turn, one target after another: among those whose node is not in the group yet and
//! whose fault domain has room, the one that
//! 1. is in the fewest groups so far (equal load),
//! 2. shares the fewest groups with those already chosen (a lost node's load spreads over all others),
//! 3. has the lowest hash of (version, group, target).
//!
//! A domain has room for K rows, so that losing it loses no data; where there are too few domains for
//! that, for the smallest larger number that works. Nodes within domains form a laminar matroid: a
//! partial choice can always be completed, so nothing is ever tried twice. Then the chosen are put in
//! order so that each target holds each position about equally often.

use std::collections::BTreeMap;

use isobar_base::TargetId;

/// Version of the function. Another function gets another number; groups once built are never rebuilt.
pub const PLACEMENT_VERSION: u64 = 1;

/// A target that can be placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its identity.
    pub id: TargetId,
    /// Number of its node.
    pub node: u32,
    /// Its fault domain.
    pub domain: String,
}

/// Members of each of `groups` groups, by index into `targets`, in order of positions: `width` each,
/// on distinct nodes, at most `parity` in one fault domain where the domains allow. `None` when there are
/// fewer than `width` nodes.
///
/// The order of `targets` matters only in that the result refers to it: pass them in order of their ids.
pub fn place(targets: &[Candidate], groups: u32, width: usize, parity: usize) -> Option<Vec<Vec<usize>>> {
    // A node's domain is that of its first target.
    let mut node_domain: BTreeMap<u32, &str> = BTreeMap::new();
    for target in targets {
        node_domain.entry(target.node).or_insert(&target.domain);
    }
    if node_domain.len() < width || width == 0 {
        return None;
    }
    let mut domain_nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for domain in node_domain.values() {
        *domain_nodes.entry(domain).or_default() += 1;
    }
    let room = |cap: usize| domain_nodes.values().map(|&nodes| nodes.min(cap)).sum::<usize>();
    let cap = (parity.max(1)..=width).find(|&cap| room(cap) >= width)?;
    let domain_numbers: BTreeMap<&str, usize> =
        domain_nodes.keys().enumerate().map(|(number, domain)| (*domain, number)).collect();
    let domains: Vec<usize> = targets.iter().map(|t| domain_numbers[node_domain[&t.node]]).collect();

    let count = targets.len();
    let mut load = vec![0u64; count];
    let mut shared = vec![0u64; count * count];
    let mut held = vec![0u64; count * width];
    let mut result = Vec::with_capacity(groups as usize);
    for group in 0..groups {
        let mut chosen: Vec<usize> = Vec::with_capacity(width);
        let mut in_domain = vec![0usize; domain_nodes.len()];
        let mut together = vec![0u64; count];
        while chosen.len() < width {
            let free = |&t: &usize| {
                in_domain[domains[t]] < cap && chosen.iter().all(|&c| targets[c].node != targets[t].node)
            };
            let next = (0..count).filter(free).min_by_key(|&t| {
                (load[t], together[t], hash(u64::from(group), targets[t].id), targets[t].id)
            })?;
            in_domain[domains[next]] += 1;
            for (t, sum) in together.iter_mut().enumerate() {
                *sum += shared[next * count + t];
            }
            chosen.push(next);
        }
        for &a in &chosen {
            load[a] += 1;
            for &b in &chosen {
                shared[a * count + b] += 1;
            }
        }
        order(&mut chosen, &held, width, group);
        for (position, &t) in chosen.iter().enumerate() {
            held[t * width + position] += 1;
        }
        result.push(chosen);
    }
    Some(result)
}

/// Orders the members so that each comes to positions it has held least: any order, then exchanges of
/// two as long as one helps. Each lowers a sum of squares, so this ends.
fn order(chosen: &mut [usize], held: &[u64], width: usize, group: u32) {
    chosen.sort_unstable();
    chosen.rotate_left(group as usize % width);
    loop {
        let mut better = false;
        for a in 0..width {
            for b in a + 1..width {
                let at = |t: usize, position: usize| held[chosen[t] * width + position];
                // Adding 1 to a count c raises the sum of squares by 2c + 1.
                if at(a, b) + at(b, a) < at(a, a) + at(b, b) {
                    chosen.swap(a, b);
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014) over the version, the group and the target.
fn hash(group: u64, target: TargetId) -> u64 {
    let mut state = 0;
    for word in [PLACEMENT_VERSION, group, target.0] {
        state = mix(state ^ word);
    }
    state
}

fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_is_splitmix64() {
        // First output of the published generator seeded with 0.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }
}
