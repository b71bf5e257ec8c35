//! IOR's output, in the layout of its version 4.0 (source: `ior-output.c` of github.com/hpc/ior): parsers
//! split lines of the table and of the summary at blanks, and the options at the colon.

use crate::ior::{IorReport, IorSummary};
use crate::phase::Phase;
use crate::units::{ior_size, mib};

const HEADING: &str =
    "access    bw(MiB/s)  IOPS       Latency(s)  block(KiB) xfer(KiB)  open(s)    wr/rd(s)   close(s)   total(s)   iter
------    ---------  ----       ----------  ---------- ---------  --------   --------   --------   --------   ----
";
const SUMMARY: &str = "Operation   Max(MiB)   Min(MiB)  Mean(MiB)     StdDev   Max(OPs)   Min(OPs)  Mean(OPs)     StdDev    \
Mean(s) Stonewall(s) Stonewall(MiB) Test# #Tasks tPN reps fPP reord reordoff reordrand seed segcnt   blksiz    \
xsize aggs(MiB)   API RefNum\n";

/// IOR's output for a report.
pub fn ior(report: &IorReport) -> String {
    let mut out = "IOR-4.0.0: its layout, measured by isobar bench\n".to_owned();
    begin(&mut out, report);
    options(&mut out, report);
    results(&mut out, report);
    out.push_str("\nSummary of all tests:\n");
    out.push_str(SUMMARY);
    for (name, of) in [("write", &report.write), ("read", &report.read)] {
        if let Some(of) = of {
            out += &summary(report, name, of);
        }
    }
    line(&mut out, "Finished", &report.place.finished);
    out + &super::verdict(&super::total(report.phases())) + "\n"
}

/// What is measured, where and when.
fn begin(out: &mut String, report: &IorReport) {
    let place = &report.place;
    line(out, "Began", &place.began);
    line(out, "Command line", &place.command);
    line(out, "Machine", &place.machine);
    line(out, "TestID", "0");
    line(out, "StartTime", &place.began);
    line(out, "Path", &place.path.display().to_string());
    line(out, "FS", &super::mdtest::space(&place.space));
    if let Some(mount) = &place.mount {
        line(out, "Mount", &format!("{} ({}, {})", mount.point.display(), mount.kind, mount.source));
    }
    line(out, "Participating tasks", &place.processes.to_string());
}

fn options(out: &mut String, report: &IorReport) {
    let (place, options) = (&report.place, &report.options);
    out.push_str("\nOptions: \n");
    line(out, "api", &place.api);
    line(out, "apiVersion", "");
    line(out, "test filename", &place.path.display().to_string());
    line(out, "access", if options.file_per_process { "file-per-process" } else { "single-shared-file" });
    line(out, "type", "independent");
    line(out, "segments", &options.segments.to_string());
    line(out, "ordering in a file", if options.random { "random" } else { "sequential" });
    if options.reorder_random {
        line(out, "ordering inter file", "random task offset");
        line(out, "reorder random seed", &options.reorder_seed.to_string());
    } else if options.reorder {
        line(out, "ordering inter file", "constant task offset");
        line(out, "task offset", &options.task_offset.to_string());
    } else {
        line(out, "ordering inter file", "no tasks offsets");
    }
    line(out, "nodes", "1");
    line(out, "tasks", &place.processes.to_string());
    line(out, "clients per node", &place.processes.to_string());
    line(out, "repetitions", &options.iterations.to_string());
    line(out, "xfersize", &ior_size(options.transfer_bytes));
    line(out, "blocksize", &ior_size(options.block_bytes));
    line(out, "aggregate filesize", &ior_size(options.aggregate_bytes()));
    if options.deadline_seconds > 0 {
        line(out, "stonewallingTime", &options.deadline_seconds.to_string());
        line(out, "stoneWallingWearOut", "0");
    }
}

/// A row for every access, and the best of each kind.
fn results(out: &mut String, report: &IorReport) {
    out.push_str("\nResults: \n\n");
    out.push_str(HEADING);
    for (number, iteration) in report.iterations.iter().enumerate() {
        for (name, phase) in [("write", &iteration.write), ("read", &iteration.read)] {
            if let Some(phase) = phase {
                *out += &access(report, name, phase, number);
            }
        }
        if let Some(seconds) = iteration.remove_seconds {
            *out += &format!(
                "remove    -          -          -           -          -          -          -          -          {} {number:<4}\n",
                number_of_ior(seconds)
            );
        }
    }
    for (name, summary) in [("Write:", &report.write), ("Read: ", &report.read)] {
        if let Some(IorSummary { mib_per_second, .. }) = summary {
            let mib = mib_per_second.max;
            *out += &format!("Max {name} {mib:.2} MiB/sec ({:.2} MB/sec)\n", mib * 1.048_576);
        }
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    *out += &format!("{key:<20}: {value}\n");
}

/// A number as IOR prints it in ten columns.
fn number_of_ior(number: f64) -> String {
    match number {
        n if n < 1.0 => format!("{n:<10.6}"),
        n if n < 3600.0 => format!("{n:<10.2}"),
        n => format!("{n:<10.0}"),
    }
}

fn access(report: &IorReport, name: &str, phase: &Phase, number: usize) -> String {
    let call = if name == "write" { crate::Call::Write } else { crate::Call::Read };
    // IOR divides the time of all transfers by their number; here every transfer has been timed.
    let latency = phase.latency.get(&call).map_or(0.0, |l| l.mean_ns() / 1e9);
    let transfer = phase.transfer_seconds.unwrap_or(phase.seconds).max(1e-9);
    let columns = [
        phase.mib_per_second(),
        phase.operations() as f64 / transfer,
        latency,
        report.options.block_bytes as f64 / 1024.0,
        report.options.transfer_bytes as f64 / 1024.0,
        phase.open_seconds.unwrap_or(0.0),
        transfer,
        phase.close_seconds.unwrap_or(0.0),
        phase.seconds,
    ];
    let mut text = format!("{name:<10}");
    for (at, column) in columns.into_iter().enumerate() {
        text += &number_of_ior(column);
        text += if at == 2 { "  " } else { " " };
    }
    format!("{text}{number:<4}\n")
}

fn summary(report: &IorReport, name: &str, of: &IorSummary) -> String {
    let (options, tasks) = (&report.options, report.place.processes);
    let (bw, ops) = (of.mib_per_second, of.operations_per_second);
    let stonewall = if options.deadline_seconds > 0 {
        format!("{:>10.2} {:>13.2}", of.mean_seconds, mib(of.bytes))
    } else {
        format!("{:>10} {:>13}", "NA", "NA")
    };
    format!(
        "{name:<9} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>10.2} {:>10.5} {stonewall} \
         {:>5} {tasks:>6} {tasks:>3} {:>4} {:>3} {:>5} {:>8} {:>9} {:>4} {:>6} {:>8} {:>8} {:>9.1} {:>3} {:>6}\n",
        bw.max,
        bw.min,
        bw.mean,
        bw.deviation,
        ops.max,
        ops.min,
        ops.mean,
        ops.deviation,
        of.mean_seconds,
        0,
        options.iterations,
        u8::from(options.file_per_process),
        u8::from(options.reorder),
        options.task_offset,
        u8::from(options.reorder_random),
        options.reorder_seed,
        options.segments,
        options.block_bytes,
        options.transfer_bytes,
        mib(of.bytes),
        report.place.api,
        0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ior::{IorIteration, IorOptions};
    use crate::stats::Stats;
    use crate::window::Counts;

    fn report() -> IorReport {
        let write = Phase {
            seconds: 2.0,
            written: Counts { bytes: 8 << 20, operations: 32 },
            open_seconds: Some(0.001_203),
            transfer_seconds: Some(1.9),
            close_seconds: Some(0.05),
            ..Phase::default()
        };
        let stats = Stats { max: 4.0, min: 4.0, mean: 4.0, deviation: 0.0 };
        let ops = Stats { max: 16.0, min: 16.0, mean: 16.0, deviation: 0.0 };
        let mut report = IorReport {
            place: Default::default(),
            options: IorOptions::default(),
            iterations: vec![IorIteration {
                write: Some(write),
                remove_seconds: Some(0.006),
                ..IorIteration::default()
            }],
            write: Some(IorSummary {
                mib_per_second: stats,
                operations_per_second: ops,
                mean_seconds: 2.0,
                bytes: 8 << 20,
            }),
            read: None,
            wrong: 0,
        };
        report.place.processes = 8;
        report.place.api = "POSIX".to_owned();
        report
    }

    /// How the parsers in use read it: columns by the names of the heading.
    fn column(text: &str, heading: &str, row: &str, name: &str) -> String {
        let mut lines = text.lines().skip_while(|l| !l.starts_with(heading));
        let names: Vec<&str> = lines.next().expect("a heading").split_whitespace().collect();
        let values: Vec<&str> =
            lines.find(|l| l.starts_with(row)).expect("a row").split_whitespace().collect();
        values[names.iter().position(|n| *n == name).expect("a column")].to_owned()
    }

    #[test]
    fn rows_stand_under_the_heading_parsers_look_for() {
        let text = ior(&report());
        let results = |name| column(&text, "access    bw", "write", name);
        assert_eq!(results("bw(MiB/s)"), "4.00");
        assert_eq!(results("IOPS"), "16.84");
        assert_eq!(results("block(KiB)"), "1024.00");
        assert_eq!(results("open(s)"), "0.001203");
        assert_eq!(results("total(s)"), "2.00");
        assert_eq!(results("iter"), "0");
        let summary = |name| column(&text, "Operation ", "write", name);
        assert_eq!(summary("Max(MiB)"), "4.00");
        assert_eq!(summary("Mean(s)"), "2.00000");
        assert_eq!(summary("#Tasks"), "8");
        assert_eq!(summary("aggs(MiB)"), "8.0");
        assert_eq!(summary("API"), "POSIX");
        assert_eq!(summary("RefNum"), "0");
        assert!(text.contains("\nMax Write: 4.00 MiB/sec (4.19 MB/sec)\n"));
        assert!(text.contains("\naggregate filesize  : 2 MiB\n"));
        assert!(!text.contains("Max Read"));
    }

    #[test]
    fn columns_are_as_wide_as_ior_makes_them() {
        let text = ior(&report());
        let line = |starts: &str| text.lines().find(|l| l.starts_with(starts)).expect("a line").to_owned();
        assert_eq!(
            line("remove"),
            "remove    -          -          -           -          -          -          -          -          0.006000   0   "
        );
        assert_eq!(
            line("write    "),
            "write     4.00       16.84      0.000000    1024.00    256.00     0.001203   1.90       0.050000   2.00       0   "
        );
        let row = text.lines().rev().find(|l| l.starts_with("write ")).expect("the summary");
        assert_eq!(
            row,
            "write           4.00       4.00       4.00       0.00      16.00      16.00      16.00       0.00    2.00000         NA            NA     0      8   8    1   0     0        1         0    0      1  1048576   262144       8.0 POSIX      0"
        );
    }
}
