//! Every target beside its measurement and the model's figure.

use isobar_client::ClusterSpec;
use isobar_plan::Prediction;

use crate::measure::{Measured, Percentiles};
use crate::preflight::Preflight;
use crate::quantity::Quantity;
use crate::report::Report;
use crate::targets::{Rate, Targets, Time};
use crate::verdict::{Check, Group, Want};

const FACTS: &str =
    "asked of each node, which reads its kernel's tables (isobar validate --skip benchmarks,drill)";
const PAIRS: &str = "1 MiB messages from node to node over Isobar's own protocol, pair by pair (isobar validate --skip benchmarks,drill)";
const MIB: f64 = 1_048_576.0;

/// All of them, in the order they are shown.
pub(crate) fn checks(report: &Report, spec: &ClusterSpec) -> Vec<Check> {
    let targets = &report.targets;
    let mut all = Vec::new();
    nodes(&mut all, &report.preflight, targets);
    network(&mut all, &report.preflight, targets);
    survives(&mut all, spec, targets);
    let skipped = "the benchmarks were skipped".to_owned();
    match &report.measured {
        Some(m) => rates(&mut all, m, report, targets),
        None => all.push(
            Check::new("streams", Group::Streams, "Reading and writing", "isobar bench").note(&skipped),
        ),
    }
    latency(&mut all, report.measured.as_ref(), targets);
    efficiency(&mut all, report, spec, targets);
    recovery(&mut all, report, targets);
    contents(&mut all, report);
    all
}

fn nodes(all: &mut Vec<Check>, preflight: &Preflight, targets: &Targets) {
    let total = preflight.nodes.len();
    let silent: Vec<String> = preflight
        .nodes
        .iter()
        .filter_map(|n| Some(format!("{}: {}", n.name, n.facts.as_ref().err()?)))
        .collect();
    all.push(Check::new("nodes.answer", Group::Nodes, "Every node answers", FACTS).holds(
        Some("all"),
        Ok(silent.is_empty()),
        match silent.is_empty() {
            true => format!("{total} of {total}"),
            false => format!("{} of {total}; {}", total - silent.len(), silent.join("; ")),
        },
    ));
    let facts = preflight.facts();
    let mut versions: Vec<&str> = facts.values().map(|f| f.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    all.push(Check::new("nodes.version", Group::Nodes, "All of one release", FACTS).holds(
        Some("the same"),
        Ok(versions.len() <= 1),
        versions.join(", "),
    ));
    let mut wrong = Vec::new();
    let mut ours = 0;
    for (name, f) in &facts {
        if f.targets.is_empty() {
            wrong.push(format!("{name} has no target"));
        }
        for target in &f.targets {
            match (target.failed, target.stranger) {
                (true, _) => wrong.push(format!("{name}: {} failed", target.path)),
                (_, true) => {
                    wrong.push(format!("{name}: {} is blank: isobar node replace {name}", target.path))
                }
                _ => ours += 1,
            }
        }
    }
    all.push(
        Check::new("nodes.targets", Group::Nodes, "Storage targets are this cluster's and in use", FACTS)
            .holds(
                Some("all"),
                Ok(wrong.is_empty()),
                if wrong.is_empty() { format!("{ours} targets") } else { wrong.join("; ") },
            ),
    );
    let files = facts.values().map(|f| f.files_max.map_or(f64::INFINITY, |n| n as f64)).reduce(f64::min);
    let want = |least: Option<Quantity>| Want { at_least: least, ..Want::default() };
    let open_files = Check::new("nodes.open_files_min", Group::Nodes, "Open files allowed (fewest)", FACTS);
    all.push(match files {
        Some(most) if most.is_infinite() => open_files.holds(
            targets.nodes.open_files_min.map(|n| format!("≥ {n}")).as_deref(),
            Ok(true),
            "unlimited".to_owned(),
        ),
        files => open_files.measured(
            files.map(Quantity::Count).ok_or("no node answers".to_owned()),
            want(targets.nodes.open_files_min.map(|n| Quantity::Count(n as f64))),
        ),
    });
    let share = |f: &&isobar_wire::message::probe::NodeFacts| {
        let on_it = facts.values().filter(|other| other.boot_id == f.boot_id).count().max(1);
        f.memory_bytes as f64 / on_it as f64
    };
    all.push(Check::new("nodes.memory_min", Group::Nodes, "Memory for each node (least)", FACTS).measured(
        facts.values().map(share).reduce(f64::min).map(Quantity::Bytes).ok_or("no node answers".to_owned()),
        want(targets.nodes.memory_min.map(|size| Quantity::Bytes(size.0))),
    ));
    let rdma: Vec<String> = facts
        .iter()
        .filter(|(_, f)| !f.rdma_devices.is_empty())
        .map(|(name, f)| format!("{name}: {}", f.rdma_devices.join(" ")))
        .collect();
    all.push(
        Check::new("nodes.rdma", Group::Nodes, "RDMA devices", "names in /sys/class/infiniband of each node")
            .note(match rdma.is_empty() {
                true => "none on any node; this version uses TCP".to_owned(),
                false => format!("{}; this version uses TCP and leaves them alone", rdma.join("; ")),
            }),
    );
    let nvme: usize = facts.values().map(|f| f.nvme_devices.len()).sum();
    let files = facts.values().flat_map(|f| &f.targets).filter(|t| !t.block_device).count();
    all.push(
        Check::new(
            "nodes.nvme",
            Group::Nodes,
            "NVMe devices",
            "/sys/class/block/nvme* of each node; the first MiB is read",
        )
        .note(match nvme {
            0 => format!("none on any node; {files} targets are files"),
            n => format!(
                "{n} seen by all nodes; what is on each is in the table of nodes; {files} targets are files"
            ),
        }),
    );
}

fn network(all: &mut Vec<Check>, preflight: &Preflight, targets: &Targets) {
    let wanted = &targets.network;
    let loopback = preflight.sharing.machines == 1;
    let no_network = || "all nodes are on one machine: there is no network between them".to_owned();
    let failures = |list: &[(String, String, String)]| {
        list.first().map_or("skipped".to_owned(), |(from, to, why)| format!("{from} to {to}: {why}"))
    };
    let mtu = &preflight.mtu_bytes;
    let how = "datagrams that may not be fragmented, confirmed by the peer, sizes by bisection (isobar validate --skip benchmarks,drill)";
    let least = mtu.worst().map(|(_, _, bytes)| Quantity::Count(f64::from(bytes)));
    let mut smallest =
        Check::new("network.mtu_min", Group::Network, "Path MTU, smallest of all pairs (bytes)", how)
            .measured(
                least.ok_or_else(|| failures(&mtu.failures)),
                Want { at_least: wanted.mtu_min.map(|n| Quantity::Count(f64::from(n))), ..Want::default() },
            );
    if loopback && smallest.measured.is_some() {
        smallest = smallest.not_measurable(format!(
            "{}; the loopback's MTU is 65,536, of which UDP fills 65,535",
            no_network()
        ));
    }
    all.push(smallest);
    let dissenters = mtu.dissenters();
    let named: Vec<String> =
        dissenters.iter().take(4).map(|(from, to, bytes)| format!("{from} to {to}: {bytes}")).collect();
    let agrees = match (loopback, mtu.is_complete(), mtu.sorted().is_empty()) {
        (_, _, true) => Err(failures(&mtu.failures)),
        (true, true, _) if dissenters.is_empty() => {
            Err(format!("{}; all pairs of processes agree", no_network()))
        }
        (_, complete, _) => Ok(complete && dissenters.is_empty()),
    };
    all.push(
        Check::new("network.mtu_agrees", Group::Network, "Every pair has the same path MTU", how).holds(
            wanted.mtu_agrees.filter(|agrees| *agrees).map(|_| "the same"),
            agrees,
            match (dissenters.is_empty(), mtu.is_complete()) {
                (true, true) => "all pairs agree".to_owned(),
                (true, false) => failures(&mtu.failures),
                (false, _) => format!("{} pairs differ: {}", dissenters.len(), named.join(", ")),
            },
        ),
    );
    let throughput = &preflight.throughput;
    let worst = throughput.worst().map(|(from, to, rate)| (format!("{from} to {to}"), rate));
    let slowest = Check::new("network.pair_min", Group::Network, "Throughput of the slowest pair", PAIRS)
        .measured(
            worst.clone().map(|(_, rate)| Quantity::Rate(rate)).ok_or_else(|| failures(&throughput.failures)),
            Want { at_least: rate(wanted.pair_min), ..Want::default() },
        );
    all.push(slowest.note(worst.as_ref().map_or("", |(pair, _)| pair)));
    let share = worst.as_ref().zip(throughput.median()).map(|((_, worst), median)| worst / median);
    let mut even = Check::new(
        "network.pair_of_median_min",
        Group::Network,
        "Slowest pair, as a share of the median pair",
        PAIRS,
    )
    .measured(
        share.map(Quantity::Share).ok_or_else(|| failures(&throughput.failures)),
        Want { at_least: wanted.pair_of_median_min.map(Quantity::Share), ..Want::default() },
    );
    if loopback && even.measured.is_some() {
        even = even.not_measurable(no_network());
    }
    all.push(even);
    let spread = preflight.clock_spread_seconds();
    let clock = Check::new(
        "network.clock_spread_max",
        Group::Network,
        "Clocks of the nodes, earliest to latest",
        "midpoint of the shortest of nine round trips to each node",
    )
    .measured(
        spread.map(Quantity::Seconds).ok_or("fewer than two nodes answer".to_owned()),
        Want { at_most: time(wanted.clock_spread_max), ..Want::default() },
    );
    all.push(match loopback && clock.measured.is_some() {
        true => clock.note("one machine has one clock: this is the error of the method"),
        false => clock,
    });
}

fn survives(all: &mut Vec<Check>, spec: &ClusterSpec, targets: &Targets) {
    const METHOD: &str =
        "rows and voters counted in fault domains as placement spreads them (isobar plan's arithmetic)";
    let count = spec.node.len() as u32;
    let Ok(code) = isobar_plan::Code::new(spec.data_rows, spec.parity_rows) else { return };
    let mut domains: Vec<&str> = spec.node.iter().map(|n| n.domain.as_str()).collect();
    domains.sort_unstable();
    domains.dedup();
    let known = !domains.contains(&"");
    let survival = isobar_plan::survival(code, count, domains.len() as u32);
    let voters = spec.node.iter().filter(|n| n.voter).count();
    let survived = u32::from(code.parity_rows()).min((voters.saturating_sub(1) / 2) as u32);
    all.push(
        Check::new("survives.nodes_min", Group::Survives, "Nodes that may be lost at once, any", METHOD)
            .measured(
                Ok(Quantity::Count(f64::from(survived))),
                Want {
                    at_least: targets.survives.nodes_min.map(|n| Quantity::Count(f64::from(n))),
                    ..Want::default()
                },
            )
            .note(format!("{code} with {voters} metadata voters")),
    );
    let holds = match known {
        true => Ok(survival.fault_domain),
        false => {
            Err("the cluster file names no fault domain for some nodes: isobar init NAME=HOST:PORT@DOMAIN"
                .to_owned())
        }
    };
    all.push(
        Check::new("survives.fault_domain", Group::Survives, "A whole fault domain may be lost", METHOD)
            .holds(
                targets.survives.fault_domain.filter(|wanted| *wanted).map(|_| "yes"),
                holds,
                format!("{} nodes in {} domains: {}", count, domains.len(), survival.description),
            ),
    );
}

fn rate(value: Option<Rate>) -> Option<Quantity> {
    value.map(|rate| Quantity::Rate(rate.0))
}

fn time(value: Option<Time>) -> Option<Quantity> {
    value.map(|time| Quantity::Seconds(time.0))
}

fn rates(all: &mut Vec<Check>, measured: &Measured, report: &Report, targets: &Targets) {
    let prediction: Option<&Prediction> = report.prediction.as_ref();
    let (nodes, sharing) = (report.cluster.nodes, &report.preflight.sharing);
    let of_model = targets.of_model_min;
    let model = |rate: Option<isobar_plan::Rate>| {
        rate.map(|r| (Quantity::Rate(r.bytes_per_second.0), r.limit.describe()))
    };
    let not_the_model = (sharing.with_clients && sharing.is_shared()).then_some(
        "clients, nodes and all else share the processors, and the model counts nodes and mount only",
    );
    let want = |at_least: Option<Quantity>| Want { at_least, of_model, not_the_model, ..Want::default() };
    let no_overlap = || "readers and writers were never at work at the same time: raise --seconds".to_owned();
    let commands = &measured.commands;

    let predicted = prediction.and_then(|p| model(p.both_each_way));
    let each = measured
        .both
        .map(|o| o.read.mib_per_second.min(o.written.mib_per_second) * MIB)
        .ok_or_else(no_overlap);
    let words = measured.both.map_or(String::new(), |o| {
        let side = |side: isobar_bench::SideRates| Quantity::Rate(side.mib_per_second * MIB);
        let worst = |side: isobar_bench::SideRates| {
            side.worst_second_mib
                .map_or(String::new(), |mib| format!(" (worst second {})", Quantity::Rate(mib * MIB)))
        };
        format!("{} read{}, {} written{}", side(o.read), worst(o.read), side(o.written), worst(o.written))
    });
    let streams = &targets.streams;
    all.push(
        Check::new(
            "streams.each_way_min",
            Group::Streams,
            "Reading and writing at once, the slower direction",
            &commands.mixed,
        )
        .predicted(predicted)
        .measured(each.clone().map(Quantity::Rate), want(rate(streams.each_way_min)))
        .note(words),
    );
    let per_node =
        |(value, limit): (Quantity, &'static str)| (value.with(value.value() / f64::from(nodes)), limit);
    all.push(
        Check::new(
            "streams.each_way_per_node_min",
            Group::Streams,
            "The same for each node",
            &commands.mixed,
        )
        .predicted(predicted.map(per_node))
        .measured(
            each.map(|rate| Quantity::Rate(rate / f64::from(nodes))),
            Want { at_least: rate(streams.each_way_per_node_min), ..Want::default() },
        ),
    );
    all.push(
        Check::new("streams.read_min", Group::Streams, "Reading alone", &commands.ior)
            .predicted(prediction.and_then(|p| model(p.read)))
            .measured(Ok(Quantity::Rate(measured.read_bytes_per_second)), want(rate(streams.read_min))),
    );
    all.push(
        Check::new("streams.write_min", Group::Streams, "Writing alone, with fsync", &commands.ior)
            .predicted(prediction.and_then(|p| model(p.write)))
            .measured(Ok(Quantity::Rate(measured.write_bytes_per_second)), want(rate(streams.write_min))),
    );

    let small = prediction.and_then(|p| p.small_both_each_way);
    let limit = |r: &isobar_plan::FileRate| r.limit.describe();
    let slower = |of: fn(&isobar_bench::SideRates) -> f64| {
        measured.small.map(|o| of(&o.read).min(of(&o.written))).ok_or_else(no_overlap)
    };
    let size = Quantity::Bytes(measured.small_file_bytes as f64);
    all.push(
        Check::new(
            "small_files.each_way_min",
            Group::SmallFiles,
            format!("Small files ({size} on average) made and read at once, the slower direction"),
            &commands.smallfile,
        )
        .predicted(small.as_ref().map(|r| (Quantity::Rate(r.bytes_per_second.0), limit(r))))
        .measured(
            slower(|s| s.mib_per_second * MIB).map(Quantity::Rate),
            want(rate(targets.small_files.each_way_min)),
        )
        .note(measured.small.map_or(String::new(), |o| {
            format!(
                "{} read, {} written",
                Quantity::Rate(o.read.mib_per_second * MIB),
                Quantity::Rate(o.written.mib_per_second * MIB)
            )
        })),
    );
    all.push(
        Check::new(
            "small_files.files_each_way_per_second_min",
            Group::SmallFiles,
            "The same in files",
            &commands.smallfile,
        )
        .predicted(small.as_ref().map(|r| (Quantity::Operations(r.files_per_second.0), limit(r))))
        .measured(
            slower(|s| s.operations_per_second).map(Quantity::Operations),
            Want {
                at_least: targets.small_files.files_each_way_per_second_min.map(Quantity::Operations),
                ..Want::default()
            },
        ),
    );
    let operations = [
        (
            "metadata.creates_per_second_min",
            "Empty files made",
            measured.creates_per_second,
            prediction.and_then(|p| p.creates),
            targets.metadata.creates_per_second_min,
        ),
        (
            "metadata.stats_per_second_min",
            "Attributes read",
            measured.stats_per_second,
            prediction.and_then(|p| p.stats),
            targets.metadata.stats_per_second_min,
        ),
        (
            "metadata.removes_per_second_min",
            "Files removed",
            measured.removes_per_second,
            prediction.and_then(|p| p.removes),
            targets.metadata.removes_per_second_min,
        ),
    ];
    for (id, title, value, predicted, target) in operations {
        all.push(
            Check::new(id, Group::Metadata, title, &commands.mdtest)
                .predicted(predicted.map(|r| (Quantity::Operations(r.per_second.0), r.limit.describe())))
                .measured(Ok(Quantity::Operations(value)), want(target.map(Quantity::Operations))),
        );
    }
}

fn latency(all: &mut Vec<Check>, measured: Option<&Measured>, targets: &Targets) {
    let wanted = &targets.latency;
    let calls = [
        ("latency.read_p99_max", "read 1 MiB", "mixed", wanted.read_p99_max),
        ("latency.write_p99_max", "write 1 MiB", "mixed", wanted.write_p99_max),
        ("latency.sync_p99_max", "fsync", "mixed", wanted.sync_p99_max),
        ("latency.create_p99_max", "create", "mdtest", wanted.create_p99_max),
        ("latency.stat_p99_max", "stat", "mdtest", wanted.stat_p99_max),
    ];
    for (id, call, workload, target) in calls {
        let method = measured.map_or("isobar bench".to_owned(), |m| match workload {
            "mixed" => m.commands.mixed.clone(),
            _ => m.commands.mdtest.clone(),
        });
        let found: Option<&Percentiles> =
            measured.and_then(|m| m.latency.iter().find(|l| l.call == call && l.workload == workload));
        let why = if measured.is_some() { "no such call was made" } else { "the benchmarks were skipped" };
        let check = Check::new(id, Group::Latency, call, method).measured(
            found.map(|l| Quantity::Seconds(l.p99_seconds)).ok_or(why.to_owned()),
            Want { at_most: time(target), ..Want::default() },
        );
        all.push(match found {
            Some(l) => check.note(format!(
                "half within {}, longest {}, of {} calls",
                Quantity::Seconds(l.p50_seconds),
                Quantity::Seconds(l.max_seconds),
                l.count
            )),
            None => check,
        });
    }
}

/// Streams at once against what network and devices showed when all nodes used them at once.
fn efficiency(all: &mut Vec<Check>, report: &Report, spec: &ClusterSpec, targets: &Targets) {
    let sharing = &report.preflight.sharing;
    let method = |what: &str| {
        let command = report.measured.as_ref().map_or("isobar bench mixed", |m| m.commands.mixed.as_str());
        format!(
            "{command}, bytes that {what} in each node, over the rate of the pre-flight with all nodes at work"
        )
    };
    let rates = report.measured.as_ref().and_then(|m| m.both).map(|o| {
        let rows = f64::from(spec.data_rows) + f64::from(spec.parity_rows);
        let stored = o.written.mib_per_second * MIB * rows / f64::from(spec.data_rows);
        (o.read.mib_per_second * MIB, stored)
    });
    let nodes = f64::from(report.cluster.nodes);
    let facts = crate::preflight::cluster_facts(spec, &report.preflight, 1 << 20).ok().map(|f| f.machine);
    let no_rates = || "the streams were not measured".to_owned();
    let network = rates.ok_or_else(no_rates).and_then(|(read, stored)| {
        let line = report.preflight.ring_bytes_per_second.ok_or("the network was not measured".to_owned())?;
        // Reading leaves a node, what is stored enters it: the busier direction decides.
        Ok(Quantity::Share(read.max(stored) / nodes / line))
    });
    let device = rates.ok_or_else(no_rates).and_then(|(read, stored)| {
        let reads = facts.and_then(|f| f.nvme_read_bytes_per_second);
        let writes = facts.and_then(|f| f.nvme_write_bytes_per_second);
        let (Some(reads), Some(writes)) = (reads, writes) else {
            let why = report.preflight.nodes.iter().find_map(|n| n.device.as_ref().err().cloned());
            return Err(why.unwrap_or("the devices were not measured".to_owned()));
        };
        Ok(Quantity::Share(read / nodes / reads.0 + stored / nodes / writes.0))
    });
    for (id, title, value, least, what) in [
        (
            "efficiency.network_min",
            "Of the network's rate, the busier direction",
            network,
            targets.efficiency.network_min,
            "cross the network",
        ),
        (
            "efficiency.device_min",
            "Of the devices' time, reading and writing",
            device,
            targets.efficiency.device_min,
            "reach the devices",
        ),
    ] {
        let mut check = Check::new(id, Group::Efficiency, title, method(what))
            .measured(value, Want { at_least: least.map(Quantity::Share), ..Want::default() });
        if sharing.is_shared() && check.measured.is_some() {
            check = check.not_measurable(format!(
                "{} nodes{} share {} processors: those limit, not the {}",
                sharing.nodes_on_one,
                if sharing.with_clients { " and the clients" } else { "" },
                sharing.processors,
                if id.contains("network") { "network" } else { "devices" }
            ));
        }
        all.push(check);
    }
}

fn recovery(all: &mut Vec<Check>, report: &Report, targets: &Targets) {
    let wanted = &targets.recovery;
    let why = report.no_drill.clone().unwrap_or_else(|| "no drill".to_owned());
    let drill = report.drill.as_ref();
    let method = drill.map_or("fault drill".to_owned(), |d| {
        format!("{} while {} runs, then {}", d.stop_command, d.command, d.start_command)
    });
    let check = |id, title: &str| Check::new(id, Group::Recovery, title, &method);
    let at_most = |most: Option<Quantity>| Want { at_most: most, ..Want::default() };

    let errors = check("recovery.client_errors_max", "Calls that failed").measured(
        drill.map(|d| Quantity::Count(d.client_errors as f64)).ok_or(why.clone()),
        at_most(wanted.client_errors_max.map(|n| Quantity::Count(n as f64))),
    );
    all.push(errors.note(drill.and_then(|d| d.error.as_deref()).unwrap_or_default()));

    let sides = drill.map(|d| [("reading", d.read), ("writing", d.written)]);
    let unclear = || "the load was too uneven or too short to tell".to_owned();
    let deepest = sides.ok_or(why.clone()).and_then(|sides| {
        let [(_, Some(read)), (_, Some(written))] = sides else { return Err(unclear()) };
        Ok(read.drop.max(written.drop))
    });
    let words = sides.map_or(String::new(), |sides| {
        sides
            .iter()
            .filter_map(|(name, side)| {
                let side = (*side)?;
                Some(format!(
                    "{name}: {} before, {} in the worst second",
                    Quantity::Rate(side.before_bytes_per_second),
                    Quantity::Rate(side.least_bytes_per_second)
                ))
            })
            .collect::<Vec<_>>()
            .join("; ")
    });
    all.push(
        check("recovery.drop_max", "Deepest drop of a direction in a second")
            .measured(deepest.map(Quantity::Share), at_most(wanted.drop_max.map(Quantity::Share)))
            .note(words),
    );
    let mut back = check("recovery.recover_max", "Until both directions have recovered");
    back = match sides {
        Some([(_, Some(read)), (_, Some(written))]) => {
            match (read.recover_seconds, written.recover_seconds) {
                (Some(a), Some(b)) => {
                    back.measured(Ok(Quantity::Seconds(a.max(b))), at_most(time(wanted.recover_max)))
                }
                (a, _) => back.holds(
                    time(wanted.recover_max).map(|most| format!("≤ {most}")).as_deref(),
                    Ok(false),
                    format!(
                        "{} did not recover before the load ended",
                        if a.is_none() { "reading" } else { "writing" }
                    ),
                ),
            }
        }
        Some(_) => back.measured(Err(unclear()), at_most(time(wanted.recover_max))),
        None => back.measured(Err(why.clone()), at_most(time(wanted.recover_max))),
    };
    all.push(back);
    let whole = check("recovery.whole_again_max", "Until full redundancy, from the node's return");
    all.push(match drill {
        Some(d) if d.whole_again_seconds.is_none() => whole.holds(
            time(wanted.whole_again_max).map(|most| format!("≤ {most}")).as_deref(),
            Ok(false),
            "not within three minutes: isobar status says more".to_owned(),
        ),
        _ => whole.measured(
            drill.and_then(|d| d.whole_again_seconds).map(Quantity::Seconds).ok_or(why),
            at_most(time(wanted.whole_again_max)),
        ),
    });
}

fn contents(all: &mut Vec<Check>, report: &Report) {
    let (measured, drill) = (report.measured.as_ref(), report.drill.as_ref());
    let wrong = measured.map_or(0, |m| m.wrong) + drill.map_or(0, |d| d.wrong);
    let bytes = measured.map_or(0, |m| m.verified_bytes) + drill.map_or(0, |d| d.verified_bytes);
    let outcome = match bytes {
        0 => Err("nothing was read".to_owned()),
        _ => Ok(Quantity::Count(wrong as f64)),
    };
    all.push(
        Check::new("contents.wrong", Group::Contents, "Reads that gave wrong bytes", "every byte (or the stamp of every 4 KiB) that isobar bench reads is compared with what was written")
            .measured(outcome, Want { at_most: Some(Quantity::Count(0.0)), ..Want::default() })
            .note(format!("{} compared", Quantity::Bytes(bytes as f64))),
    );
}
