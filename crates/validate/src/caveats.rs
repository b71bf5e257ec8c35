//! What a reader should know before comparing the numbers of a report with others.

use crate::measure::Measured;
use crate::options::Options;
use crate::preflight::{Preflight, Sharing};

/// What a mount caches of bytes read unless told otherwise.
const CLIENT_CACHE_BYTES: u64 = 256 << 20;
/// Workloads that are shorter do not show what lasts.
const LASTING_SECONDS: f64 = 30.0;

/// All that applies, a sentence or two each. `load_before` is how busy this machine was when measuring began.
pub(crate) fn caveats(
    options: &Options,
    preflight: &Preflight,
    measured: Option<&Measured>,
    load_before: f64,
) -> Vec<String> {
    let sharing = &preflight.sharing;
    let all = [
        one_machine(sharing),
        measured.and_then(|m| caches(m, options.file_bytes)),
        busy_machine(sharing, load_before),
        measured.and_then(|_| short(options.seconds)),
    ];
    all.into_iter().flatten().collect()
}

fn one_machine(sharing: &Sharing) -> Option<String> {
    sharing.is_shared().then(|| {
        format!(
            "{} nodes{} share one machine with {} processors, one disk and no network between them: the rates say what this machine can do, not what a cluster of such nodes would. Correctness, recovery and the software's own costs are real.",
            sharing.nodes_on_one,
            if sharing.with_clients { " and the clients" } else { "" },
            sharing.processors
        )
    })
}

fn caches(measured: &Measured, file_bytes: u64) -> Option<String> {
    let most = measured.both_passes.iter().copied().reduce(f64::max).filter(|most| *most > 1.0)?;
    let cached = match file_bytes <= CLIENT_CACHE_BYTES {
        true => {
            "they fit into a client's cache, so later reads may not have been of the nodes: raise --file-size"
        }
        false => {
            "they are larger than what a client caches (256 MiB unless isobar mount --cache-mib says otherwise), so every time is read from the nodes"
        }
    };
    Some(format!("Each reader went through its file up to {most:.1} times; {cached}."))
}

fn busy_machine(sharing: &Sharing, load_before: f64) -> Option<String> {
    let is_busy = sharing.with_clients && load_before > f64::from(sharing.processors) / 2.0;
    is_busy.then(|| {
        format!(
            "Something else was at work on this machine when measuring began: load {load_before:.1} on {} processors.",
            sharing.processors
        )
    })
}

fn short(seconds: f64) -> Option<String> {
    (seconds < LASTING_SECONDS).then(|| {
        format!(
            "Workloads of {seconds} s show what is possible, not what lasts: devices slow down when they are full. For an acceptance use --seconds 300."
        )
    })
}
