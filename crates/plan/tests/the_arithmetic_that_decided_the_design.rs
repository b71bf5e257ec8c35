//! The figures worked out by hand when the design was made, from the documented rates of the machines:
//! 8+2, all of the line rate, nothing left free.

use isobar_plan::model::{self, Work};
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, Catalogue, ClusterFacts, Code, CodingPath, Limit, MachineFacts,
    Request, plan, predict,
};

const L96: &str = "Standard_L96s_v4";
const L160I: &str = "Standard_L160ias_v5";
const L160IAO: &str = "Standard_L160iaos_v5";

fn facts(size: &str) -> MachineFacts {
    Catalogue::built_in().resolve(size).expect("a size").facts
}

fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

/// Reading and writing 1 TB/s at once.
fn terabyte() -> Work {
    Work { read_bytes: 1e12, write_bytes: 1e12, ..Work::default() }
}

fn nodes(work: &Work, size: &str, path: CodingPath) -> (u32, Limit) {
    model::nodes(work, &facts(size), code("8+2"), path, &Assumptions::built_in().at_line_rate())
}

#[test]
fn clients_that_code_cost_one_byte_out_and_one_and_a_quarter_in() {
    let at = |read, write, path| {
        let work = Work { read_bytes: read, write_bytes: write, ..Work::default() };
        model::network(&work, code("8+2"), path)
    };
    assert_eq!(at(1.0, 0.0, CodingPath::Clients), (1.0, 0.0));
    assert_eq!(at(0.0, 1.0, CodingPath::Clients), (0.0, 1.25));
    assert_eq!(at(1.0, 1.0, CodingPath::Gateways), (3.25, 3.25));
}

#[test]
fn a_terabyte_each_way_takes_244_or_73_or_50_machines() {
    assert_eq!(nodes(&terabyte(), L96, CodingPath::Clients), (244, Limit::NetworkIn));
    assert_eq!(nodes(&terabyte(), L160I, CodingPath::Clients), (73, Limit::Nvme));
    assert_eq!(nodes(&terabyte(), L160IAO, CodingPath::Clients), (50, Limit::NetworkIn));
}

#[test]
fn forwarding_the_same_takes_635_or_130_or_130() {
    assert_eq!(nodes(&terabyte(), L96, CodingPath::Gateways).0, 635);
    assert_eq!(nodes(&terabyte(), L160I, CodingPath::Gateways).0, 130);
    assert_eq!(nodes(&terabyte(), L160IAO, CodingPath::Gateways).0, 130);
}

#[test]
fn a_petabyte_takes_60_or_10_machines_and_73_percent_of_the_raw_capacity() {
    let work = Work { large_capacity_bytes: 1e15, ..Work::default() };
    assert_eq!(nodes(&work, L96, CodingPath::Clients), (60, Limit::Capacity));
    // Ten machines are also the fewest that hold ten rows.
    assert_eq!(nodes(&work, L160IAO, CodingPath::Clients).0, 10);
    let a = Assumptions::built_in();
    assert!(((1.0 - a.reserve) / code("8+2").amplification() - 0.73).abs() < 1e-12);
}

#[test]
fn eight_nodes_reach_33_to_160_gigabytes_each_way_at_the_amplification_of_eight_plus_two() {
    for (size, each_way) in [(L96, "32.8 GB/s"), (L160IAO, "160 GB/s")] {
        let a = Assumptions::built_in();
        let (times, _) = model::multiple(
            &terabyte(),
            &facts(size),
            8,
            code("8+2"),
            CodingPath::Clients,
            &a.at_line_rate(),
        )
        .expect("known facts");
        assert_eq!(BytesPerSecond(times * 1e12).to_string(), each_way);
    }
}

#[test]
fn eight_nodes_are_written_with_six_plus_two_which_reaches_a_little_less() {
    let cluster = |code| ClusterFacts {
        machine: facts(L96),
        nodes: 8,
        code,
        path: CodingPath::Clients,
        metadata_groups: 1,
        small_file_bytes: Bytes(32 << 10),
        clients: None,
    };
    let line = Assumptions::built_in().at_line_rate();
    assert!(predict(&cluster(code("8+2")), &line).is_err(), "ten rows do not fit eight nodes");
    let reached = predict(&cluster(code("6+2")), &line).expect("a prediction").both_each_way;
    assert_eq!(reached.map(|r| r.bytes_per_second.to_string()).as_deref(), Some("30.8 GB/s"));
}

#[test]
fn the_plan_shows_the_nodes_at_line_rate_beside_those_it_recommends() {
    let request = Request {
        read_bytes_per_second: BytesPerSecond(1e12),
        write_bytes_per_second: BytesPerSecond(1e12),
        sizes: [L96, L160I, L160IAO].map(str::to_owned).to_vec(),
        ..Request::nothing()
    };
    let plan = plan(&request, &Catalogue::built_in(), &Assumptions::built_in()).expect("a plan");
    let shown: Vec<(u32, u32)> = plan.alternatives.iter().map(|a| (a.nodes_at_line_rate, a.nodes)).collect();
    // 80 % efficiency and 10 % headroom: 244/0.72, 73/0.72, 50/0.72.
    assert_eq!(shown, [(244, 339), (73, 102), (50, 70)]);
}
