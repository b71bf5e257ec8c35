//! Between nodes: path MTU, throughput of the slowest pair, clocks.

use crate::check::{Check, Unmeasured, Want};
use crate::matrix::Matrix;
use crate::preflight::Preflight;
use crate::quantity::Quantity;
use crate::targets::Network;
use crate::verdict::Group;

const DATAGRAMS: &str = "datagrams that may not be fragmented, confirmed by the peer, sizes by bisection (isobar validate --skip benchmarks,drill)";
const PAIRS: &str = "1 MiB messages from node to node over Isobar's own protocol, pair by pair (isobar validate --skip benchmarks,drill)";
const CLOCKS: &str = "midpoint of the shortest of nine round trips to each node";
const NO_NETWORK: &str = "all nodes are on one machine: there is no network between them";
/// Pairs that are named where some differ.
const NAMED_MAX: usize = 4;

/// All of them, in the order they are shown.
pub(super) fn checks(preflight: &Preflight, wanted: &Network) -> Vec<Check> {
    let loopback = preflight.sharing.machines == 1;
    vec![
        smallest_mtu(&preflight.mtu_bytes, loopback, wanted.mtu_min),
        mtu_agrees(&preflight.mtu_bytes, loopback, wanted.mtu_agrees),
        slowest_pair(&preflight.throughput, wanted),
        slowest_of_median(&preflight.throughput, loopback, wanted.pair_of_median_min),
        clock_spread(preflight, loopback, wanted),
    ]
}

fn check(id: &'static str, title: &str, method: &str) -> Check {
    Check::new(id, Group::Network, title, method)
}

/// Why a matrix has no value: the first pair's reason, or that none was wanted.
fn missing<T>(matrix: &Matrix<T>) -> Unmeasured {
    match matrix.failures.first() {
        None => "skipped".into(),
        Some((from, to, why)) => format!("{from} to {to}: {why}").into(),
    }
}

fn smallest_mtu(mtu: &Matrix<u32>, loopback: bool, wanted: Option<u32>) -> Check {
    let count = |n: u32| Quantity::Count(f64::from(n));
    let smallest = mtu.worst().map(|(_, _, bytes)| count(bytes));
    let check = check("network.mtu_min", "Path MTU, smallest of all pairs (bytes)", DATAGRAMS)
        .measured(smallest.ok_or_else(|| missing(mtu)), Want::at_least(wanted.map(count)));
    match loopback && check.measured.is_some() {
        true => check
            .not_measurable(format!("{NO_NETWORK}; the loopback's MTU is 65,536, of which UDP fills 65,535")),
        false => check,
    }
}

fn mtu_agrees(mtu: &Matrix<u32>, loopback: bool, wanted: Option<bool>) -> Check {
    let dissenters = mtu.dissenters();
    let agrees = match (loopback, mtu.is_complete(), mtu.sorted().is_empty()) {
        (_, _, true) => Err(missing(mtu)),
        (true, true, _) if dissenters.is_empty() => {
            Err(format!("{NO_NETWORK}; all pairs of processes agree").into())
        }
        (_, complete, _) => Ok(complete && dissenters.is_empty()),
    };
    let reason = match (dissenters.is_empty(), mtu.is_complete()) {
        (true, true) => "all pairs agree".to_owned(),
        (true, false) => missing(mtu).to_string(),
        (false, _) => {
            let named: Vec<String> = dissenters
                .iter()
                .take(NAMED_MAX)
                .map(|(from, to, bytes)| format!("{from} to {to}: {bytes}"))
                .collect();
            format!("{} pairs differ: {}", dissenters.len(), named.join(", "))
        }
    };
    check("network.mtu_agrees", "Every pair has the same path MTU", DATAGRAMS).holds(
        wanted.filter(|agrees| *agrees).map(|_| "the same"),
        agrees,
        reason,
    )
}

fn slowest_pair(throughput: &Matrix<f64>, wanted: &Network) -> Check {
    let slowest = throughput.worst();
    check("network.pair_min", "Throughput of the slowest pair", PAIRS)
        .measured(
            slowest.map(|(_, _, rate)| Quantity::Rate(rate)).ok_or_else(|| missing(throughput)),
            Want::at_least(wanted.pair_min.map(Quantity::from)),
        )
        .note(slowest.map_or(String::new(), |(from, to, _)| format!("{from} to {to}")))
}

fn slowest_of_median(throughput: &Matrix<f64>, loopback: bool, wanted: Option<f64>) -> Check {
    let share = throughput.worst().zip(throughput.median()).map(|((_, _, worst), median)| worst / median);
    let title = "Slowest pair, as a share of the median pair";
    let check = check("network.pair_of_median_min", title, PAIRS).measured(
        share.map(Quantity::Share).ok_or_else(|| missing(throughput)),
        Want::at_least(wanted.map(Quantity::Share)),
    );
    if loopback && check.measured.is_some() { check.not_measurable(NO_NETWORK) } else { check }
}

fn clock_spread(preflight: &Preflight, loopback: bool, wanted: &Network) -> Check {
    let spread = preflight.clock_spread_seconds().map(Quantity::Seconds);
    let check = check("network.clock_spread_max", "Clocks of the nodes, earliest to latest", CLOCKS)
        .measured(
            spread.ok_or("fewer than two nodes answer".into()),
            Want::at_most(wanted.clock_spread_max.map(Quantity::from)),
        );
    match loopback && check.measured.is_some() {
        true => check.note("one machine has one clock: this is the error of the method"),
        false => check,
    }
}
