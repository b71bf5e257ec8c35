//! Targets, placement groups and replacement.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, TargetId};
use isobar_meta::cluster_map;
use isobar_meta::placement::{Candidate, place};
use isobar_wire::message::ops::{ClusterOp, OpReply};

fn candidates(nodes: u64, per_node: u64, domains: u64) -> Vec<Candidate> {
    (0..nodes * per_node)
        .map(|i| Candidate {
            id: TargetId(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            node: (i / per_node) as u32,
            domain: format!("d{}", i / per_node % domains),
        })
        .collect()
}

#[test]
fn groups_have_distinct_nodes_balanced_loads_and_positions() {
    for (nodes, per_node, width) in [(8, 1, 8), (8, 1, 6), (10, 2, 8), (50, 1, 8), (7, 3, 3)] {
        let targets = candidates(nodes, per_node, nodes);
        let groups = place(&targets, 256, width, 2).unwrap();
        let (mut load, mut held) = (vec![0; targets.len()], vec![vec![0; width]; targets.len()]);
        for group in &groups {
            for (position, &t) in group.iter().enumerate() {
                load[t] += 1;
                held[t][position] += 1;
                assert!(group[..position].iter().all(|&o| targets[o].node != targets[t].node), "I2");
            }
        }
        assert!(load.iter().max().unwrap() - load.iter().min().unwrap() <= 1, "{nodes} {width}: {load:?}");
        for counts in held {
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            assert!(spread <= 3, "{nodes} {width}: {counts:?}");
        }
    }
}

#[test]
fn the_load_of_a_lost_node_spreads_over_all_others() {
    let targets = candidates(20, 1, 20);
    let groups = place(&targets, 512, 8, 2).unwrap();
    let mut shared = vec![0; 20];
    for group in groups.iter().filter(|group| group.contains(&3)) {
        group.iter().for_each(|&t| shared[t] += 1);
    }
    shared.remove(3);
    let (least, most) = (*shared.iter().min().unwrap(), *shared.iter().max().unwrap());
    assert!(least > 0 && most <= least * 3 / 2, "{shared:?}");
}

#[test]
fn a_fault_domain_holds_at_most_k_rows_where_the_domains_allow() {
    for (domains, cap) in [(4, 2), (5, 2), (3, 3), (2, 4), (1, 8)] {
        let targets = candidates(20, 1, domains);
        for group in place(&targets, 64, 8, 2).unwrap() {
            for domain in 0..domains {
                let rows = group.iter().filter(|&&t| targets[t].domain == format!("d{domain}")).count();
                assert!(rows <= cap, "{rows} of {domains} domains");
            }
        }
    }
    assert_eq!(place(&candidates(7, 2, 7), 4, 8, 2), None);
}

#[test]
fn the_function_is_frozen() {
    let groups = place(&candidates(10, 1, 5), 6, 6, 2).unwrap();
    let frozen = [
        [0, 3, 4, 6, 8, 9],
        [1, 2, 3, 5, 7, 0],
        [6, 7, 8, 9, 1, 2],
        [5, 6, 7, 2, 3, 4],
        [8, 9, 0, 1, 4, 5],
        [3, 8, 5, 0, 6, 7],
    ];
    assert_eq!(groups, frozen, "groups that exist were built with this function: never change it");
}

#[test]
fn targets_are_admitted_by_identity() {
    let mut w = World::new();
    let epoch = cluster_map(&w.kv).epoch;
    w.cluster(ClusterOp::RegisterTarget(target(3))).unwrap();
    assert_eq!(cluster_map(&w.kv).epoch, epoch, "nothing changed");
    let mut moved = target(3);
    moved.addr = "elsewhere:1".parse().unwrap();
    w.cluster(ClusterOp::RegisterTarget(moved.clone())).unwrap();
    assert_eq!(cluster_map(&w.kv).target(moved.id), Some(&moved));
    let mut blank = target(3);
    blank.id = TargetId(900);
    assert_eq!(w.cluster(ClusterOp::RegisterTarget(blank.clone())), Err(errno(Errno::EEXIST)));
    assert_eq!(w.cluster(ClusterOp::AllowReplace { node: "nobody".into() }), Err(errno(Errno::ENOENT)));
    w.cluster(ClusterOp::AllowReplace { node: "node3".into() }).unwrap();
    assert_eq!(cluster_map(&w.kv).replacing, ["node3"]);
    let before = cluster_map(&w.kv);
    w.cluster(ClusterOp::RegisterTarget(blank.clone())).unwrap();
    let map = cluster_map(&w.kv);
    assert_eq!((map.epoch, map.replacing.len(), map.target(moved.id)), (w.index, 0, None));
    for (old, new) in before.groups.iter().zip(&map.groups) {
        for (old, new) in old.positions.iter().zip(&new.positions) {
            if old.target == moved.id {
                assert_eq!((new.target, new.since, new.clean), (blank.id, w.index, false));
            } else {
                assert_eq!(old, new);
            }
        }
    }
    let unclean = |w: &World| {
        let map = cluster_map(&w.kv);
        map.groups.iter().flat_map(|g| &g.positions).filter(|p| !p.clean).count()
    };
    let since = w.index;
    w.cluster(ClusterOp::TargetRebuilt { target: blank.id, since: since - 1 }).unwrap();
    assert!(unclean(&w) > 0);
    w.cluster(ClusterOp::TargetRebuilt { target: blank.id, since }).unwrap();
    assert_eq!(unclean(&w), 0);
    assert_eq!(w.cluster(ClusterOp::TargetRebuilt { target: moved.id, since }), Err(errno(Errno::ENOENT)));
    assert_eq!(
        w.cluster(ClusterOp::RegisterTarget(moved)),
        Err(errno(Errno::EEXIST)),
        "the old disk is a stranger"
    );
}

#[test]
fn a_node_with_several_targets_is_replaced_slot_by_slot() {
    let mut w = World::new();
    let mut second = target(2);
    (second.id, second.slot) = (TargetId(200), 1);
    w.cluster(ClusterOp::RegisterTarget(second.clone())).unwrap();
    w.cluster(ClusterOp::AllowReplace { node: "node2".into() }).unwrap();
    for (id, slot, left) in [(300, 1, 1), (301, 0, 0)] {
        (second.id, second.slot) = (TargetId(id), slot);
        w.cluster(ClusterOp::RegisterTarget(second.clone())).unwrap();
        assert_eq!(cluster_map(&w.kv).replacing.len(), left);
    }
}

#[test]
fn a_permission_to_replace_ends_when_the_old_disk_is_registered_again() {
    let mut w = World::new();
    w.cluster(ClusterOp::AllowReplace { node: "node2".into() }).unwrap();
    w.cluster(ClusterOp::RegisterTarget(target(2))).unwrap();
    assert_eq!((cluster_map(&w.kv).replacing.len(), cluster_map(&w.kv).epoch), (0, w.index));
    let mut blank = target(2);
    blank.id = TargetId(300);
    assert_eq!(w.cluster(ClusterOp::RegisterTarget(blank)), Err(errno(Errno::EEXIST)));
}

#[test]
fn placement_is_built_once_and_needs_enough_nodes() {
    let mut w = World::blank();
    w.cluster(ClusterOp::Format(settings())).unwrap();
    for i in 0..5 {
        w.cluster(ClusterOp::RegisterTarget(target(i))).unwrap();
    }
    let build = |w: &mut World, groups| w.cluster(ClusterOp::BuildPlacement { groups });
    assert_eq!(build(&mut w, 8), Err(errno(Errno::EINVAL)));
    w.cluster(ClusterOp::RegisterTarget(target(5))).unwrap();
    assert_eq!(build(&mut w, 0), Err(errno(Errno::EINVAL)));
    assert_eq!(build(&mut w, 8), Ok(OpReply::Done));
    let map = cluster_map(&w.kv);
    assert_eq!(build(&mut w, 9), Ok(OpReply::Done));
    w.cluster(ClusterOp::RegisterTarget(target(6))).unwrap();
    assert_eq!(cluster_map(&w.kv).groups, map.groups, "a spare is in no group");
    assert_eq!(cluster_map(&w.kv).targets.len(), 7);
}
