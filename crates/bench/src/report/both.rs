//! Reading and writing at once: both rates over the window they share.

use isobar_base::quantity::binary_bytes;

use crate::location::Location;
use crate::mixed::MixedReport;
use crate::sides::{Overlap, SideRates};
use crate::smallfile::SmallfileReport;

/// A table for people.
pub fn mixed(report: &MixedReport) -> String {
    let (readers, writers) = report.options.sides();
    let mut out = place("mixed", &report.place);
    out += &format!(
        "{readers} reader(s), {writers} writer(s), files of {}, transfers of {}{}\n",
        binary_bytes(report.options.file_bytes),
        binary_bytes(report.options.transfer_bytes),
        if report.options.fsync { ", fsync at the end of each file" } else { "" }
    );
    out += &window(report.overlap.as_ref(), "MiB");
    if let Some(passes) = report.passes.iter().copied().reduce(f64::max).filter(|p| *p > 1.0) {
        out +=
            &format!("Readers went through their files up to {passes:.1} times: caches may have helped.\n");
    }
    out + &super::verdict(&super::total(report.phases())) + "\n"
}

/// A table for people.
pub fn smallfile(report: &SmallfileReport) -> String {
    let (readers, writers) = report.options.sides();
    let mut out = place("smallfile", &report.place);
    let mix: Vec<String> = report
        .options
        .mix
        .sizes
        .iter()
        .map(|(bytes, weight)| format!("{} x{weight}", binary_bytes(*bytes)))
        .collect();
    out += &format!("{readers} reader(s), {writers} writer(s), mix {}\n", mix.join(", "));
    out += &window(report.overlap.as_ref(), "files");
    out += &format!("Removal: {:.0} files/s\n", report.remove.operations_per_second());
    out + &super::verdict(&super::total(report.phases())) + "\n"
}

fn place(what: &str, place: &Location) -> String {
    let mount =
        place.mount.as_ref().map_or(String::new(), |m| format!(" on {} ({})", m.point.display(), m.kind));
    format!("{what} of {}{mount}, {}, {}\n", place.path.display(), place.api, place.began)
}

fn window(overlap: Option<&Overlap>, unit: &str) -> String {
    let Some(overlap) = overlap else {
        return "Readers and writers were never all at work at the same time: measure for longer (-D, -b, -n).\n"
            .to_owned();
    };
    let mut out = format!(
        "Overlap window: {:.2} s, from {:.2} s\n{:<8} {:>12} {:>12} {:>18} {:>18}\n",
        overlap.seconds,
        overlap.begin_seconds,
        "side",
        "MiB/s",
        "ops/s",
        "worst second MiB",
        "worst second ops"
    );
    for (name, side) in [("read", &overlap.read), ("write", &overlap.written)] {
        out += &row(name, side);
    }
    if unit == "files" {
        out += "An operation is a whole file: open or create, read or write, close.\n";
    }
    out
}

fn row(name: &str, side: &SideRates) -> String {
    let worst = side.worst_second_mib.map_or("-".to_owned(), |v| format!("{v:.1}"));
    let worst_ops = side.worst_second_operations.map_or("-".to_owned(), |v| v.to_string());
    format!(
        "{name:<8} {:>12.1} {:>12.1} {worst:>18} {worst_ops:>18}\n",
        side.mib_per_second, side.operations_per_second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_too_short_for_a_worst_second_says_so_with_a_dash() {
        let side = SideRates { mib_per_second: 12.0, operations_per_second: 12.0, ..SideRates::default() };
        assert_eq!(
            row("read", &side).split_whitespace().collect::<Vec<_>>(),
            ["read", "12.0", "12.0", "-", "-"]
        );
        assert!(window(None, "MiB").contains("-D"));
    }
}
