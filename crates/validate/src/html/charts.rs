//! Plots as SVG text. Colours are names that the style sheet gives their meaning, for light and dark.
//!
//! Every plot is drawn for two widths: text in a picture that is scaled to a phone cannot be read.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::text::escape;
use crate::drill::Drill;
use crate::measure::Percentiles;
use crate::quantity::seconds;

/// Colours that `style.css` replaces by its own.
const INK: RGBColor = RGBColor(0x10, 0x10, 0x10);
const SOFT: RGBColor = RGBColor(0x70, 0x70, 0x70);
const GRID: RGBColor = RGBColor(0xD0, 0xD0, 0xD0);
const READ: RGBColor = RGBColor(0x17, 0x69, 0xAA);
const WRITE: RGBColor = RGBColor(0xB9, 0x54, 0x0C);
const BAND: RGBColor = RGBColor(0xFB, 0xE9, 0xE7);
const FAULT: RGBColor = RGBColor(0xB3, 0x26, 0x1E);

/// For a desk and for a phone.
const WIDTHS: [(&str, u32); 2] = [("wide", 1040), ("narrow", 380)];

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws one plot for both widths; empty when it cannot be drawn.
fn both(height: u32, alt: &str, draw: impl Fn(&Area<'_>, bool) -> Outcome) -> String {
    let mut all = String::new();
    for (class, width) in WIDTHS {
        let mut svg = String::new();
        let outcome = {
            let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
            draw(&area, class == "narrow").and_then(|()| Ok(area.present()?))
        };
        if outcome.is_err() {
            return String::new();
        }
        // Within HTML no name space is said, and so the page names no address at all.
        let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
        let labelled = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(alt));
        all += &format!("<div class=\"{class}\">{}</div>", svg.replacen("<svg ", &labelled, 1));
    }
    all
}

/// Both directions in each second of the drill, with the fault and the return marked.
pub(super) fn throughput(drill: &Drill) -> String {
    let read: Vec<f64> = drill.by_second.iter().map(|s| s.read.bytes as f64).collect();
    let written: Vec<f64> = drill.by_second.iter().map(|s| s.written.bytes as f64).collect();
    let most = read.iter().chain(&written).copied().fold(0.0, f64::max);
    if drill.by_second.len() < 2 || most <= 0.0 {
        return String::new();
    }
    let (divisor, unit) = match most {
        m if m >= 1e12 => (1e12, "TB/s"),
        m if m >= 1e9 => (1e9, "GB/s"),
        _ => (1e6, "MB/s"),
    };
    let top = most / divisor * 1.18;
    let end = drill.by_second.len() as f64;
    let alt = format!(
        "Bytes read and written in each second; {} is away from second {:.0} to {:.0}",
        drill.node, drill.stopped_seconds, drill.started_seconds
    );
    both(320, &alt, |area, narrow| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(8)
            .margin_right(12)
            .x_label_area_size(42)
            .y_label_area_size(if narrow { 46 } else { 58 })
            .build_cartesian_2d(0.0..end, 0.0..top)?;
        chart.draw_series([Rectangle::new(
            [(drill.stopped_seconds, 0.0), (drill.started_seconds.min(end), top)],
            BAND.filled(),
        )])?;
        let text = ("sans-serif", 13).into_font().color(&SOFT);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(1))
            .axis_style(SOFT)
            .label_style(text.clone())
            .axis_desc_style(text.clone())
            .x_labels(if narrow { 6 } else { 11 })
            .y_labels(5)
            .x_desc("seconds since reading and writing began")
            .y_desc(unit)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| if top < 10.0 { format!("{y:.1}") } else { format!("{y:.0}") })
            .draw()?;
        for (at, label) in [
            (drill.stopped_seconds, format!("{} killed", drill.node)),
            (drill.started_seconds, format!("{} back", drill.node)),
        ] {
            chart.draw_series([PathElement::new([(at, 0.0), (at, top)], FAULT.stroke_width(2))])?;
            let style = ("sans-serif", 13).into_font().color(&FAULT);
            chart.draw_series([Text::new(label, (at + end * 0.008, top * 0.985), style)])?;
        }
        for (rates, colour) in [(&read, READ), (&written, WRITE)] {
            // A second's mean belongs to its middle.
            let points: Vec<(f64, f64)> =
                rates.iter().enumerate().map(|(at, rate)| (at as f64 + 0.5, rate / divisor)).collect();
            chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
            chart.draw_series(points.into_iter().map(|point| Circle::new(point, 2, colour.filled())))?;
        }
        Ok(())
    })
}

/// A row for each call: a bar from the half to 99 of 100, a thin line to the longest.
pub(super) fn latency(calls: &[Percentiles]) -> String {
    let least = calls.iter().map(|c| c.p50_seconds).fold(f64::INFINITY, f64::min);
    let most = calls.iter().map(|c| c.max_seconds).fold(0.0, f64::max);
    if calls.is_empty() || least <= 0.0 || most <= least {
        return String::new();
    }
    // Whole decades.
    let range = 10f64.powf(least.log10().floor())..10f64.powf(most.log10().ceil());
    let rows = calls.len() as f64;
    let height = 64 + 30 * calls.len() as u32;
    both(height, "Latency of each kind of call: half, 99 of 100, longest", |area, narrow| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(8)
            .margin_right(if narrow { 18 } else { 30 })
            .x_label_area_size(42)
            .y_label_area_size(if narrow { 108 } else { 130 })
            .build_cartesian_2d(range.clone().log_scale(), 0.0..rows)?;
        let text = ("sans-serif", 13).into_font().color(&SOFT);
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(1))
            .axis_style(SOFT)
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_labels(if narrow { 5 } else { 9 })
            .y_labels(0)
            .x_desc("time of a call, logarithmic")
            .x_label_formatter(&|x| seconds(*x).replace(".0 ", " "))
            .draw()?;
        let name = ("sans-serif", if narrow { 12 } else { 14 }).into_font().color(&INK);
        for (at, call) in calls.iter().enumerate() {
            let y = rows - at as f64 - 0.5;
            let bar = [(call.p50_seconds, y - 0.14), (call.p99_seconds, y + 0.14)];
            chart.draw_series([PathElement::new(
                [(call.p99_seconds, y), (call.max_seconds, y)],
                SOFT.stroke_width(1),
            )])?;
            chart.draw_series([Rectangle::new(bar, READ.filled())])?;
            chart.draw_series([Circle::new((call.p50_seconds, y), 5, READ.filled())])?;
            chart.draw_series([Circle::new((call.p99_seconds, y), 5, WRITE.filled())])?;
            chart.draw_series([Circle::new((call.max_seconds, y), 3, SOFT.filled())])?;
            // Beside the plot: the axis has numbers, these are names.
            let (_, row) = chart.backend_coord(&(range.start, y));
            area.draw(&Text::new(call.call.clone(), (4, row - 7), name.clone()))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_bench::{Counts, Second};

    fn drill() -> Drill {
        let second = |read, written| Second {
            read: Counts { bytes: read, operations: 1 },
            written: Counts { bytes: written, operations: 1 },
        };
        Drill {
            node: "n<8>".to_owned(),
            led: false,
            stopped_seconds: 3.0,
            started_seconds: 6.0,
            by_second: (0..9).map(|at| second(at * 10_000_000, 80_000_000 - at * 1_000_000)).collect(),
            live: false,
            read: None,
            written: None,
            client_errors: 0,
            error: None,
            wrong: 0,
            verified_bytes: 1,
            whole_again_seconds: Some(2.0),
            command: String::new(),
            stop_command: String::new(),
            start_command: String::new(),
        }
    }

    #[test]
    fn the_fault_is_marked_and_both_directions_are_drawn_for_both_widths() {
        let svg = throughput(&drill());
        assert_eq!(svg.matches("<svg ").count(), 2);
        assert_eq!(svg.matches("killed").count(), 2);
        assert!(svg.contains("#1769AA") && svg.contains("#B9540C") && svg.contains("#FBE9E7"));
        assert!(!svg.contains("n<8>"), "names are escaped");
        assert!(!svg.contains("http"), "nothing is loaded from anywhere");
        assert_eq!(svg.matches("<circle").count(), 2 * 2 * 9, "a point for each second and direction");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let mut none = drill();
        none.by_second.clear();
        assert_eq!(throughput(&none), "");
        assert_eq!(latency(&[]), "");
    }

    #[test]
    fn every_call_has_a_row() {
        let call = |name: &str, p50: f64| Percentiles {
            call: name.to_owned(),
            workload: "mixed",
            count: 10,
            p50_seconds: p50,
            p90_seconds: p50 * 2.0,
            p99_seconds: p50 * 5.0,
            p999_seconds: p50 * 6.0,
            max_seconds: p50 * 9.0,
        };
        let svg = latency(&[call("stat", 0.000_02), call("fsync", 0.2)]);
        assert_eq!((svg.matches("stat").count(), svg.matches("fsync").count()), (2, 2));
    }
}
