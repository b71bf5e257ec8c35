//! From requests to ranked alternatives.

use isobar_plan::{
    Alternative, Assumptions, Bytes, BytesPerSecond, Catalogue, Code, Limit, MetadataRates, Order, PerSecond,
    Plan, PlanError, Request, SMALL_FILE_BYTES, SmallFiles, explain, plan, report,
};

fn terabyte() -> Request {
    Request {
        read_bytes_per_second: BytesPerSecond(1e12),
        write_bytes_per_second: BytesPerSecond(1e12),
        ..Request::nothing()
    }
}

fn with_sizes(request: Request, sizes: &[&str]) -> Request {
    Request { sizes: sizes.iter().map(|s| (*s).to_owned()).collect(), ..request }
}

fn planned(request: &Request) -> Plan {
    plan(request, &Catalogue::built_in(), &Assumptions::built_in()).expect("a plan")
}

fn refused(request: &Request, with: &str) {
    let said =
        plan(request, &Catalogue::built_in(), &Assumptions::built_in()).expect_err("no plan").to_string();
    assert!(said.contains(with) && !said.contains('\n'), "{said}");
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.alternatives.iter().map(|alt| alt.machine.name.as_str()).collect()
}

#[test]
fn alternatives_are_ranked_by_nodes_or_by_vcpus_and_each_names_its_limit() {
    let by_nodes = planned(&terabyte());
    assert_eq!(by_nodes.alternatives[0].machine.name, "Standard_L160iaos_v5");
    assert!(by_nodes.alternatives.windows(2).all(|pair| pair[0].nodes <= pair[1].nodes));
    let by_vcpus = planned(&Request { order: Order::Vcpus, ..terabyte() });
    let fit =
        |plan: &Plan| plan.alternatives.iter().filter(|alt| alt.nodes <= 4096).cloned().collect::<Vec<_>>();
    assert!(fit(&by_vcpus).windows(2).all(|pair| pair[0].vcpus <= pair[1].vcpus));
    for alt in &fit(&by_nodes) {
        assert_eq!(alt.needs.first().map(|need| need.limit), Some(alt.limit), "{}", alt.machine.name);
        assert!(alt.meets_targets);
        let reach = alt.reach.expect("known facts");
        // Headroom is left: at least a ninth more than was asked.
        assert!(reach.read_bytes_per_second.0 >= 1e12 / 0.9 * (1.0 - 1e-6), "{}", alt.machine.name);
    }
}

#[test]
fn named_sizes_keep_their_order_and_those_without_facts_come_last_and_marked() {
    let plan = planned(&with_sizes(terabyte(), &["LS192", "L96s_v4", "L160ias_v5", "LS96"]));
    assert_eq!(names(&plan), ["Standard_L96s_v4", "Standard_L160ias_v5", "LS192"]);
    let last = &plan.alternatives[2];
    assert!(last.machine.label().contains("unconfirmed"));
    assert!(last.notes.iter().any(|n| n.starts_with("unconfirmed: customer meeting")));
    assert!(last.notes.iter().any(|n| n.contains("NVMe read rate") && n.contains("more nodes")));
    assert!(report::title(&plan.request, last).starts_with("at least "));
    assert!(report::table(&plan, 9)[3].iter().any(|cell| cell.ends_with('+')));
}

#[test]
fn unconfirmed_sizes_are_left_out_unless_named_and_the_plan_says_so() {
    let plan = planned(&terabyte());
    assert!(!names(&plan).iter().any(|name| name.starts_with("LS")));
    assert!(plan.left_out.iter().any(|left| left.size == "LS192 (unconfirmed)" && left.why.contains("NVMe")));
}

#[test]
fn a_quota_moves_what_is_over_it_to_the_end_and_refuses_when_everything_is() {
    let sizes = ["L96s_v4", "L160iaos_v5"];
    let plan = planned(&Request { quota_vcpus: Some(12_000), ..with_sizes(terabyte(), &sizes) });
    assert_eq!(names(&plan), ["Standard_L160iaos_v5", "Standard_L96s_v4"]);
    assert_eq!(plan.alternatives[1].over_quota_vcpus, 32_544 - 12_000);
    assert!(!plan.alternatives[1].meets_targets);
    let request = Request { quota_vcpus: Some(768), ..with_sizes(terabyte(), &["L96s_v4"]) };
    refused(&request, "32,544 (339 x L96s_v4); the quota is 8 of them, which read and write 24.6 GB/s each");
}

#[test]
fn a_fault_domain_that_must_be_survived_changes_the_code_and_says_so() {
    let request = Request { survive_domain: true, ..with_sizes(terabyte(), &["L96s_v4"]) };
    let plan = planned(&request);
    let alt = &plan.alternatives[0];
    assert!(alt.survival.fault_domain && alt.code.parity_rows() >= 2);
    assert!(alt.notes.iter().any(|n| n.contains("8+2 does not survive a fault domain")), "{:?}", alt.notes);
    refused(&Request { fault_domains: 1, ..request }, "--fault-domains 3");
}

#[test]
fn eight_given_nodes_say_what_they_reach_with_the_code_that_fits_them() {
    let request = Request { nodes: Some(8), ..with_sizes(Request::nothing(), &["LS96"]) };
    let plan = planned(&request);
    let alt = &plan.alternatives[0];
    assert_eq!((alt.nodes, alt.code), (8, Code::new(6, 2).expect("a code")));
    assert!(alt.survival.description.starts_with("any two VMs; not a fault domain of three; 5+3 would"));
    let reach = alt.reach.expect("known facts");
    assert_eq!(reach.read_bytes_per_second.to_string(), "24.6 GB/s");
    assert_eq!(reach.limit, Limit::NetworkIn);
    // Two nodes fewer write 4+2.
    let degraded = alt.reach_degraded.expect("known facts");
    assert_eq!(degraded.write_bytes_per_second.to_string(), "16.4 GB/s");
}

#[test]
fn small_files_are_limited_by_metadata_that_more_machines_do_not_help() {
    let small = SmallFiles {
        capacity_bytes: Bytes(1_000_000_000_000_000),
        each_way_bytes_per_second: BytesPerSecond(25e9),
        file_bytes: SMALL_FILE_BYTES,
        file_bytes_assumed: true,
    };
    let request =
        with_sizes(Request { small_files: Some(small), ..Request::nothing() }, &["L96s_v4", "L160iaos_v5"]);
    let plan = planned(&request);
    for alt in &plan.alternatives {
        // Capacity decides how many machines, one metadata group decides what they reach.
        assert_eq!(alt.needs[0].limit, Limit::Capacity);
        assert_eq!((alt.limit, alt.meets_targets), (Limit::Metadata, false));
        assert!(alt.metadata_groups > 1);
        let reach = alt.reach.expect("known facts");
        assert_eq!(reach.limit, Limit::Metadata);
        assert!(reach.small_each_way_bytes_per_second.0 < 25e9);
        assert!(alt.usable_bytes.is_some_and(|usable| usable.0 >= 1_000_000_000_000_000));
    }
    // Files of 8 MiB cost few operations: then the same tier is reached.
    let large = SmallFiles { file_bytes: Bytes(8 << 20), ..small };
    let plan = planned(&Request { small_files: Some(large), ..request });
    assert!(plan.alternatives.iter().all(|alt| alt.meets_targets && alt.limit == Limit::Capacity));
    assert_eq!(plan.alternatives[0].nodes, 60);
}

#[test]
fn metadata_operations_alone_can_be_asked_for() {
    let metadata = MetadataRates { creates_per_second: PerSecond(5_000.0), ..MetadataRates::default() };
    let plan = planned(&with_sizes(Request { metadata, ..Request::nothing() }, &["L96s_v4"]));
    let alt = &plan.alternatives[0];
    assert_eq!((alt.nodes, alt.limit, alt.meets_targets), (10, Limit::Width, true));
}

#[test]
fn streams_go_on_where_metadata_operations_wait() {
    let metadata = MetadataRates { creates_per_second: PerSecond(100_000.0), ..MetadataRates::default() };
    let plan = planned(&with_sizes(Request { metadata, ..terabyte() }, &["L96s_v4"]));
    let alt = &plan.alternatives[0];
    assert_eq!((alt.nodes, alt.limit, alt.meets_targets), (339, Limit::Metadata, false));
    let reach = alt.reach.expect("known facts");
    assert!(reach.write_bytes_per_second.0 > 1e12 && reach.limit == Limit::NetworkIn);
}

#[test]
fn more_machines_than_a_cluster_takes_come_last() {
    let plan = planned(&terabyte());
    let too_many = |alt: &Alternative| alt.nodes > 4096;
    let first = plan.alternatives.iter().position(too_many).expect("the smallest machines are too many");
    assert!(plan.alternatives[first..].iter().all(|alt| too_many(alt) && !alt.meets_targets));
    let by_vcpus = planned(&Request { order: Order::Vcpus, ..terabyte() });
    assert!(!too_many(&by_vcpus.alternatives[0]));
}

#[test]
fn every_limit_and_every_shown_number_is_explained() {
    let plan = planned(&with_sizes(terabyte(), &["L160ias_v5"]));
    let alt: &Alternative = &plan.alternatives[0];
    let lines = explain::explain(&plan.request, alt, &Assumptions::built_in());
    for what in [
        "network in",
        "network out",
        "NVMe",
        "processors",
        "rows",
        "metadata",
        "at line rate",
        "by gateways",
        "quota",
        "usable",
        "reaches",
        "rebuild",
        "survives",
        "eight nodes",
    ] {
        assert!(lines.iter().any(|line| line.what == what), "{what}");
    }
    let nvme = lines.iter().find(|line| line.what == "NVMe").expect("a line");
    assert!(nvme.how.contains("1 TB/s / 48 GB/s read + 1.25 TB/s / 24 GB/s written"), "{}", nvme.how);
    assert!(nvme.how.contains("80 %") && nvme.how.ends_with("= 101.3 nodes"), "{}", nvme.how);
}

#[test]
fn what_contradicts_itself_is_refused_in_a_line() {
    refused(&Request::nothing(), "--read 1TB/s");
    refused(&Request { nodes: Some(8), ..terabyte() }, "either targets or --nodes");
    refused(&Request { nodes: Some(4), ..Request::nothing() }, "at least 5 nodes");
    refused(&Request { nodes: Some(5000), ..Request::nothing() }, "at most 4096");
    refused(&Request { read_bytes_per_second: BytesPerSecond(1e18), ..terabyte() }, "at most 4,096 nodes");
    refused(&Request { fault_domains: u32::MAX, ..terabyte() }, "at most 4096");
    refused(&Request { fault_domains: 0, ..terabyte() }, "use 1 or more");
    refused(&Request { quota_vcpus: Some(0), ..terabyte() }, "quota of 0");
    refused(&with_sizes(terabyte(), &["L96_v4"]), "perhaps L96s_v4");
    let tiny = SmallFiles {
        capacity_bytes: Bytes(1 << 40),
        each_way_bytes_per_second: BytesPerSecond(1e9),
        file_bytes: Bytes(4096),
        file_bytes_assumed: false,
    };
    refused(&Request { small_files: Some(tiny), ..Request::nothing() }, "above 4KiB");
    let huge = SmallFiles { file_bytes: Bytes(1 << 41), ..tiny };
    refused(&Request { small_files: Some(huge), ..Request::nothing() }, "do not fit");
    assert!(matches!(Code::new(20, 2), Err(PlanError::Request(_))));
}
