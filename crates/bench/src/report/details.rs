//! What no standard table shows: percentiles of latency, and CPU time.

use std::collections::BTreeMap;

use crate::latency::Latency;
use crate::phase::{Cpu, Phase};
use crate::record::Call;

/// Latency percentiles of every kind of call and the CPU cost of every phase. Phases of the same name (of
/// several iterations) are joined.
pub fn details<'a>(phases: impl IntoIterator<Item = &'a Phase>) -> String {
    let mut joined: Vec<Joined> = Vec::new();
    for phase in phases {
        match joined.iter_mut().find(|j| j.name == phase.name) {
            Some(found) => found.add(phase),
            None => joined.push(Joined::of(phase)),
        }
    }
    format!("{}\n{}", latencies(&joined), costs(&joined))
}

#[derive(Default)]
struct Joined {
    name: String,
    bytes: u64,
    operations: u64,
    cpu: Cpu,
    latency: BTreeMap<Call, Latency>,
}

impl Joined {
    fn of(phase: &Phase) -> Joined {
        let mut new = Joined { name: phase.name.clone(), ..Joined::default() };
        new.add(phase);
        new
    }

    fn add(&mut self, phase: &Phase) {
        self.bytes += phase.bytes();
        self.operations += phase.operations();
        self.cpu.callers_seconds += phase.cpu.callers_seconds;
        self.cpu.content_seconds += phase.cpu.content_seconds;
        self.cpu.mounts_seconds += phase.cpu.mounts_seconds;
        self.cpu.servers_seconds += phase.cpu.servers_seconds;
        self.cpu.watched_mounts = phase.cpu.watched_mounts;
        self.cpu.watched_servers = phase.cpu.watched_servers;
        for (call, latency) in &phase.latency {
            self.latency.entry(*call).or_default().merge(latency);
        }
    }
}

fn latencies(phases: &[Joined]) -> String {
    let mut out = format!(
        "{:<17} {:<10} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8}\n",
        "Latency (ms)", "call", "count", "p50", "p90", "p99", "p99.9", "max"
    );
    for phase in phases {
        for (call, of) in &phase.latency {
            let ms = |percent: f64| of.percentile_ns(percent) as f64 / 1e6;
            out += &format!(
                "{:<17} {:<10} {:>8} {:>7.3} {:>7.3} {:>7.3} {:>7.3} {:>8.3}\n",
                phase.name,
                name(*call),
                of.count(),
                ms(50.0),
                ms(90.0),
                ms(99.0),
                ms(99.9),
                of.max_ns() as f64 / 1e6
            );
        }
    }
    out
}

fn name(call: Call) -> String {
    serde_json::to_value(call).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn costs(phases: &[Joined]) -> String {
    let mut out = format!(
        "{:<17} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "CPU (s)", "callers", "contents", "mounts", "servers", "s/GiB", "us/op"
    );
    for phase in phases {
        let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.2}"));
        out += &format!(
            "{:<17} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9} {:>9}\n",
            phase.name,
            phase.cpu.callers_seconds,
            phase.cpu.content_seconds,
            phase.cpu.mounts_seconds,
            phase.cpu.servers_seconds,
            or_dash(phase.cpu.per_gib(phase.bytes)),
            or_dash(phase.cpu.micros_per_operation(phase.operations)),
        );
    }
    let most = |of: fn(&Cpu) -> u32| phases.iter().map(|p| of(&p.cpu)).max().unwrap_or(0);
    let (mounts, servers) = (most(|c| c.watched_mounts), most(|c| c.watched_servers));
    out += &format!(
        "Counted besides the callers: {mounts} mounts, {servers} servers.\nContents are part of callers.\n"
    );
    if servers == 0 {
        out += "CPU time of servers is missing: name them with --pids or --pids-from.\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Counts;

    #[test]
    fn iterations_of_a_phase_are_joined() {
        let mut phase = Phase { name: "write".to_owned(), ..Phase::default() };
        phase.written = Counts { bytes: 1 << 30, operations: 1024 };
        phase.cpu.callers_seconds = 0.5;
        phase.latency.entry(Call::Write).or_default().record_ns(1_000_000);
        let text = details([&phase, &phase.clone()]);
        let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("write")).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].split_whitespace().nth(2) == Some("2"), "{}", rows[0]);
        assert!(rows[1].contains("0.50") && rows[1].contains("488.28"), "{}", rows[1]);
        assert!(text.contains("--pids"));
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
