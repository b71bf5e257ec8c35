//! Properties of the model for any machine and any work.

use isobar_plan::model::{self, Work};
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, ClusterFacts, Code, CodingPath, MachineFacts, predict, rebuild,
};
use proptest::prelude::*;

fn machine() -> impl Strategy<Value = MachineFacts> {
    (1u32..400, 100u64..400_000, 100f64..150_000.0, 100f64..80_000.0, 1_000f64..1_000_000.0).prop_map(
        |(vcpus, gb, read, write, mbit)| MachineFacts {
            vcpus: Some(f64::from(vcpus)),
            nvme_bytes: Some(Bytes(gb * 1_000_000_000)),
            nvme_read_bytes_per_second: Some(BytesPerSecond::from_mb(read)),
            nvme_write_bytes_per_second: Some(BytesPerSecond::from_mb(write)),
            network_out_bytes_per_second: Some(BytesPerSecond::from_mbit(mbit)),
            network_in_bytes_per_second: Some(BytesPerSecond::from_mbit(mbit)),
        },
    )
}

fn work() -> impl Strategy<Value = Work> {
    let rate = || 0f64..2e12;
    ((rate(), rate(), rate(), rate()), 5_000f64..2e6, (0f64..1e6, 0f64..1e6, 0f64..1e6), 0f64..1e16).prop_map(
        |((read, write, small_read, small_write), file, (creates, stats, removes), capacity)| Work {
            read_bytes: read,
            write_bytes: write,
            small_read_bytes: small_read / 100.0,
            small_write_bytes: small_write / 100.0,
            small_file_bytes: file,
            creates,
            stats,
            removes,
            large_capacity_bytes: capacity,
            small_capacity_bytes: capacity / 10.0,
        },
    )
}

fn code() -> impl Strategy<Value = Code> {
    (1u8..=16, 1u8..=4).prop_map(|(n, k)| Code::new(n, k).expect("within the format"))
}

fn path() -> impl Strategy<Value = CodingPath> {
    prop_oneof![Just(CodingPath::Clients), Just(CodingPath::Gateways)]
}

/// The machine with one of its resources multiplied.
fn with_more(facts: &MachineFacts, which: usize, times: f64) -> MachineFacts {
    let mut more = *facts;
    let rate = |r: &mut Option<BytesPerSecond>| *r = r.map(|r| BytesPerSecond(r.0 * times));
    match which {
        0 => more.vcpus = more.vcpus.map(|v| v * times),
        1 => more.nvme_bytes = more.nvme_bytes.map(|b| Bytes((b.0 as f64 * times) as u64)),
        2 => rate(&mut more.nvme_read_bytes_per_second),
        3 => rate(&mut more.nvme_write_bytes_per_second),
        4 => rate(&mut more.network_out_bytes_per_second),
        _ => rate(&mut more.network_in_bytes_per_second),
    }
    more
}

proptest! {
    #[test]
    fn more_of_any_resource_never_needs_more_nodes(
        facts in machine(), work in work(), code in code(), path in path(), which in 0usize..6, times in 1.0f64..50.0
    ) {
        let a = Assumptions::built_in();
        let more = with_more(&facts, which, times);
        let nodes = |facts: &MachineFacts| model::nodes(&work, facts, code, path, &a).0;
        prop_assert!(nodes(&more) <= nodes(&facts));
        let groups = |facts: &MachineFacts| model::metadata_groups(&work, facts, code, &a);
        prop_assert!(groups(&more) <= groups(&facts));
    }

    #[test]
    fn more_work_never_needs_fewer_nodes(
        facts in machine(), work in work(), code in code(), path in path(), which in 0usize..9, more in 1.0f64..10.0
    ) {
        let a = Assumptions::built_in();
        let mut larger = work;
        *[
            &mut larger.read_bytes, &mut larger.write_bytes, &mut larger.small_read_bytes,
            &mut larger.small_write_bytes, &mut larger.creates, &mut larger.stats, &mut larger.removes,
            &mut larger.large_capacity_bytes, &mut larger.small_capacity_bytes,
        ][which] *= more;
        let nodes = |work: &Work| model::nodes(work, &facts, code, path, &a).0;
        prop_assert!(nodes(&larger) >= nodes(&work));
    }

    #[test]
    fn efficiency_helps_and_headroom_costs(facts in machine(), work in work(), code in code(), path in path(), share in 0.1f64..1.0) {
        let nodes = |text: &str| {
            let mut a = Assumptions::built_in();
            a.set(text).expect("an assumption");
            model::nodes(&work, &facts, code, path, &a).0
        };
        let (efficiency, headroom) = (format!("efficiency={share}"), format!("headroom={}", share * 0.9));
        prop_assert!(nodes(&efficiency) >= nodes("efficiency=1"));
        prop_assert!(nodes(&headroom) >= nodes("headroom=0"));
    }

    #[test]
    fn the_planned_nodes_suffice_and_one_fewer_does_not(facts in machine(), work in work(), code in code(), path in path()) {
        let mut a = Assumptions::built_in();
        a.set("headroom=0").expect("an assumption");
        let (nodes, _) = model::nodes(&work, &facts, code, path, &a);
        let carried = |nodes: u32| {
            model::needs(&work, &facts, code, path, &a).iter().all(|need| need.per_node * f64::from(nodes) >= need.demand * (1.0 - 2e-9))
        };
        prop_assert!(carried(nodes));
        prop_assert!(nodes == code.nodes_min() || !carried(nodes - 1));
    }

    #[test]
    fn a_prediction_is_the_plan_the_other_way_round(facts in machine(), code in code(), path in path(), nodes in 20u32..500) {
        let a = Assumptions::built_in();
        let cluster = ClusterFacts {
            machine: facts, nodes, code, path, metadata_groups: 1_000_000, small_file_bytes: Bytes(32 << 10), clients: None,
        };
        let both = predict(&cluster, &a).expect("enough nodes").both_each_way.expect("known facts");
        let rate = both.bytes_per_second.0;
        let work = Work { read_bytes: rate, write_bytes: rate, ..Work::default() };
        let mut exact = a.clone();
        exact.set("headroom=0").expect("an assumption");
        prop_assert_eq!(model::nodes(&work, &facts, code, path, &exact), (nodes, both.limit));
        // Reading alone is at least as fast as reading while writing.
        let alone = predict(&cluster, &a).expect("enough nodes").read.expect("known facts");
        prop_assert!(alone.bytes_per_second.0 >= rate * (1.0 - 1e-9));
    }

    #[test]
    fn more_nodes_never_rebuild_more_slowly(facts in machine(), code in code(), nodes in 2u32..500) {
        let a = Assumptions::built_in();
        let seconds = |nodes| rebuild(&facts, nodes, code, &a).expect("known facts").seconds;
        prop_assert!(seconds(nodes + 1) <= seconds(nodes));
    }
}
