//! mdtest's output, in the layout of its version 4.0.

use crate::backend::Space;
use crate::mdtest::{MdtestReport, MdtestStep};
use crate::stats::Stats;

const HEADING: &str = "   Operation                     Max            Min           Mean        Std Dev
   ---------                     ---            ---           ----        -------
";

/// mdtest's output for a report.
pub fn mdtest(report: &MdtestReport) -> String {
    let (place, options) = (&report.place, &report.options);
    let tasks = place.processes;
    let mut out = format!("-- started at {} --\n\n", place.began);
    out += &format!("mdtest-4.0.0 was launched with {tasks} total task(s) on 1 node(s)\n");
    out += &format!("Command line used: {}\n", place.command);
    out += "The layout is mdtest's; isobar bench measured.\n\n";
    out += &format!("Path                : {}\n", place.path.display());
    out += &format!("FS                  : {}\n", space(&place.space));
    if let Some(mount) = &place.mount {
        out +=
            &format!("Mount               : {} ({}, {})\n", mount.point.display(), mount.kind, mount.source);
    }
    let all = u64::from(tasks) * report.items;
    let kind = match (options.files_only, options.dirs_only) {
        (true, false) => "files",
        (false, true) => "directories",
        _ => "files/directories",
    };
    out += &format!("{tasks} tasks, {all} {kind}\n");
    if options.print_both || !options.print_time {
        out += &table(report, "rate (in ops/sec)", &report.rates);
    }
    if options.print_both || options.print_time {
        out += &table(report, "time (in sec)", &report.times);
    }
    if options.write_bytes > 0 || options.read_bytes > 0 {
        out += &format!("\n{}\n", super::verdict(&super::total(report.phases())));
    }
    out + &format!("-- finished at {} --\n", place.finished)
}

fn table(report: &MdtestReport, what: &str, rows: &[(MdtestStep, Stats)]) -> String {
    let mut out = format!("\nSUMMARY {what}: (of {} iterations)\n{HEADING}", report.options.iterations);
    for (step, stats) in rows {
        out += &format!(
            "   {:<22} {:>14.3} {:>14.3} {:>14.3} {:>14.3}\n",
            step.title(),
            stats.max,
            stats.min,
            stats.mean,
            stats.deviation
        );
    }
    out
}

/// Space of a file system as IOR and mdtest print it.
pub fn space(space: &Space) -> String {
    let gib = crate::units::gib(space.total_bytes);
    let (size, unit) = if gib > 1024.0 { (gib / 1024.0, "TiB") } else { (gib, "GiB") };
    // Some file systems count no inodes, some say that more are free than there are.
    let used = |free: u64, total: u64| match total {
        0 => "-".to_owned(),
        total => format!("{:.1}%", 100.0 * (1.0 - free.min(total) as f64 / total as f64)),
    };
    format!(
        "{size:.1} {unit}   Used FS: {}   Inodes: {:.1} Mi   Used Inodes: {}",
        used(space.free_bytes, space.total_bytes),
        space.files as f64 / (1 << 20) as f64,
        used(space.free_files, space.files)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mdtest::MdtestOptions;

    #[test]
    fn what_is_used_is_never_negative() {
        let said = |files, free_files| {
            space(&Space { total_bytes: 4 << 30, free_bytes: 1 << 30, files, free_files })
        };
        let inodes = |text: String| text.rsplit("Used Inodes: ").next().unwrap_or_default().to_owned();
        assert!(said(1 << 20, 1 << 18).starts_with("4.0 GiB   Used FS: 75.0%   Inodes: 1.0 Mi"));
        assert_eq!(inodes(said(1 << 20, 1 << 18)), "75.0%");
        assert_eq!(inodes(said(12, 1 << 40)), "0.0%");
        assert_eq!(inodes(said(0, 0)), "-");
    }

    #[test]
    fn the_table_is_mdtests_own() {
        let stats = Stats { max: 24_392.579, min: 24_392.579, mean: 24_392.579, deviation: 0.0 };
        let mut report = MdtestReport {
            place: Default::default(),
            options: MdtestOptions { iterations: 1, files_only: true, ..MdtestOptions::default() },
            items: 100,
            iterations: Vec::new(),
            rates: vec![(MdtestStep::FileCreation, stats), (MdtestStep::TreeRemoval, stats)],
            times: Vec::new(),
            wrong: 0,
        };
        report.place.processes = 2;
        let text = mdtest(&report);
        let table = text.split("\nSUMMARY ").nth(1).expect("a summary");
        assert_eq!(
            table.lines().take(5).collect::<Vec<_>>(),
            [
                "rate (in ops/sec): (of 1 iterations)",
                "   Operation                     Max            Min           Mean        Std Dev",
                "   ---------                     ---            ---           ----        -------",
                "   File creation               24392.579      24392.579      24392.579          0.000",
                "   Tree removal                24392.579      24392.579      24392.579          0.000",
            ]
        );
        assert!(text.contains("\n2 tasks, 200 files\n"));
    }
}
