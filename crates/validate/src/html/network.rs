//! Throughput and MTU of every pair, as tables that show at a glance what differs.

use std::fmt::Write as _;

use super::text::escape;
use crate::matrix::Matrix;
use crate::preflight::Preflight;
use crate::quantity::{Quantity, seconds};

/// The section.
pub(super) fn section(out: &mut String, preflight: &Preflight) {
    out.push_str("<h2>Network</h2>");
    let throughput = &preflight.throughput;
    if throughput.sorted().is_empty() && throughput.failures.is_empty() {
        out.push_str("<p>Not measured: skipped.</p>");
        return;
    }
    let at_once = preflight.ring_bytes_per_second.map_or(String::new(), |rate| {
        format!(" While all nodes sent and received at once, each did {}.", Quantity::Rate(rate))
    });
    let _ = write!(
        out,
        "<h3>Throughput, MB/s</h3><p>From the node of the row to the node of the column, one {} after the other, 1 MiB messages of Isobar's own protocol.{at_once} Darker is faster.</p>",
        if preflight.sharing.is_shared() { "pair" } else { "round of pairs" }
    );
    let most = throughput.sorted().last().copied().unwrap_or(1.0);
    table(
        out,
        "throughput-matrix",
        throughput,
        |rate| {
            (format!("{:.0}", rate / 1e6), format!("background:rgba(var(--heat),{:.2})", 0.45 * rate / most))
        },
        &[],
    );
    let trips = &preflight.round_trip_seconds;
    if let Some(median) = trips.median() {
        let slowest = trips.sorted().last().copied().unwrap_or(median);
        let _ = write!(
            out,
            "<p>Round trip of an empty message, the shortest of twenty: median {}, slowest pair {}.</p>",
            seconds(median),
            seconds(slowest)
        );
    }
    let mtu = &preflight.mtu_bytes;
    let _ = write!(out, "<h3>Path MTU, bytes</h3><p>{}</p>", escape(&preflight.mtu_note));
    let odd: Vec<(String, String)> =
        mtu.dissenters().iter().map(|(from, to, _)| ((*from).to_owned(), (*to).to_owned())).collect();
    table(out, "mtu-matrix", mtu, |bytes| (bytes.to_string(), String::new()), &odd);
    let failures = throughput.failures.iter().chain(&mtu.failures);
    let said: Vec<String> = failures.map(|(from, to, why)| format!("{from} to {to}: {why}")).collect();
    if !said.is_empty() {
        out.push_str("<h3>Pairs that could not be measured</h3><ul class=\"notes\">");
        said.iter().for_each(|line| {
            let _ = write!(out, "<li>{}</li>", escape(line));
        });
        out.push_str("</ul>");
    }
}

/// A matrix; pairs in `odd` are framed.
fn table<T: Copy + PartialOrd>(
    out: &mut String,
    id: &str,
    matrix: &Matrix<T>,
    cell: impl Fn(T) -> (String, String),
    odd: &[(String, String)],
) {
    let _ = write!(out, "<div class=\"scroll\"><table class=\"matrix\" id=\"{id}\"><tr><th>from \\ to</th>");
    for name in &matrix.nodes {
        let _ = write!(out, "<th>{}</th>", escape(name));
    }
    out.push_str("</tr>");
    for (from, row) in matrix.cells.iter().enumerate() {
        let _ = write!(out, "<tr><th>{}</th>", escape(&matrix.nodes[from]));
        for (to, value) in row.iter().enumerate() {
            let is_odd = odd.iter().any(|(f, t)| *f == matrix.nodes[from] && *t == matrix.nodes[to]);
            match value {
                Some(value) => {
                    let (text, style) = cell(*value);
                    let class = if is_odd { " class=\"odd\"" } else { "" };
                    let _ = write!(out, "<td{class} style=\"{style}\">{text}</td>");
                }
                None if from == to => out.push_str("<td class=\"self\"></td>"),
                None => out.push_str("<td class=\"odd\">–</td>"),
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div>");
}
