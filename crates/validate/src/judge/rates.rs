//! Rates of the workloads, each beside its target and beside what the model predicts of it.

use isobar_bench::{Overlap, SideRates};
use isobar_plan::{OperationRate, Prediction, Rate};

use super::table::Table;
use crate::check::{Check, Outcome, Predicted, Unmeasured, Want};
use crate::measure::Measured;
use crate::quantity::Quantity;
use crate::report::Report;
use crate::targets::{MetadataTargets, SmallFiles, Streams};
use crate::verdict::Group;

/// All of them, in the order they are shown.
pub(super) fn checks(report: &Report) -> Vec<Check> {
    let Some(measured) = &report.measured else {
        let none = Check::new("streams", Group::Streams, "Reading and writing", "isobar bench");
        return vec![none.note("the benchmarks were skipped")];
    };
    let (model, targets) = (Model::of(report), &report.targets);
    let mut all = streams(measured, &model, &targets.streams, f64::from(report.cluster.nodes));
    all.extend(small_files(measured, &model, &targets.small_files));
    all.extend(metadata(measured, &model, &targets.metadata));
    all
}

/// What rates are compared with beside their own targets.
struct Model<'a> {
    prediction: Option<&'a Prediction>,
    share_min: Option<f64>,
    /// Why the prediction is of something else.
    not_the_model: Option<&'static str>,
}

impl<'a> Model<'a> {
    fn of(report: &'a Report) -> Model<'a> {
        let sharing = &report.preflight.sharing;
        Model {
            prediction: report.prediction.as_ref(),
            share_min: report.targets.of_model_min,
            not_the_model: (sharing.with_clients && sharing.is_shared()).then_some(
                "clients, nodes and all else share the processors, and the model counts nodes and mount only",
            ),
        }
    }

    fn bytes(&self, of: fn(&Prediction) -> Option<Rate>) -> Predicted {
        let rate = of(self.prediction?)?;
        Some((Quantity::Rate(rate.bytes_per_second.0), rate.limit.describe()))
    }

    fn operations(&self, of: fn(&Prediction) -> Option<OperationRate>) -> Predicted {
        let rate = of(self.prediction?)?;
        Some((Quantity::Operations(rate.per_second.0), rate.limit.describe()))
    }

    /// A least value, and the share of the prediction that every rate must reach.
    fn want(&self, at_least: Option<Quantity>) -> Want {
        Want { of_model: self.share_min, not_the_model: self.not_the_model, ..Want::at_least(at_least) }
    }
}

/// The slower direction while both were at work.
fn slower(overlap: Option<&Overlap>, of: fn(&SideRates) -> Quantity) -> Outcome<Quantity> {
    match overlap.map(|both| (of(&both.read), of(&both.written))) {
        Some((read, written)) => Ok(read.with(read.value().min(written.value()))),
        None => {
            Err(Unmeasured::from("readers and writers were never at work at the same time: raise --seconds"))
        }
    }
}

fn bytes(side: &SideRates) -> Quantity {
    Quantity::mib_per_second(side.mib_per_second)
}

fn files(side: &SideRates) -> Quantity {
    Quantity::Operations(side.operations_per_second)
}

fn streams(measured: &Measured, model: &Model, wanted: &Streams, nodes: f64) -> Vec<Check> {
    let (table, ior, mixed) = (Table(Group::Streams), &measured.commands.ior, &measured.commands.mixed);
    let both = model.bytes(|p| p.both_each_way);
    let each = slower(measured.both.as_ref(), bytes);
    let per_node = |rate: Quantity| rate.with(rate.value() / nodes);
    vec![
        table
            .row(
                "streams.each_way_min",
                "Reading and writing at once, the slower direction",
                mixed,
                both,
                each.clone(),
                model.want(wanted.each_way_min.map(Quantity::from)),
            )
            .note(measured.both.as_ref().map_or(String::new(), describe_sides)),
        table.row(
            "streams.each_way_per_node_min",
            "The same for each node",
            mixed,
            both.map(|(rate, limit)| (per_node(rate), limit)),
            each.map(per_node),
            Want::at_least(wanted.each_way_per_node_min.map(Quantity::from)),
        ),
        table.row(
            "streams.read_min",
            "Reading alone",
            ior,
            model.bytes(|p| p.read),
            Ok(Quantity::Rate(measured.read_bytes_per_second)),
            model.want(wanted.read_min.map(Quantity::from)),
        ),
        table.row(
            "streams.write_min",
            "Writing alone, with fsync",
            ior,
            model.bytes(|p| p.write),
            Ok(Quantity::Rate(measured.write_bytes_per_second)),
            model.want(wanted.write_min.map(Quantity::from)),
        ),
    ]
}

/// Both directions, each with its worst second where that is known.
fn describe_sides(both: &Overlap) -> String {
    let worst = |side: &SideRates| {
        let worst = side.worst_second_mib.map(Quantity::mib_per_second);
        worst.map_or(String::new(), |rate| format!(" (worst second {rate})"))
    };
    format!(
        "{} read{}, {} written{}",
        bytes(&both.read),
        worst(&both.read),
        bytes(&both.written),
        worst(&both.written)
    )
}

fn small_files(measured: &Measured, model: &Model, wanted: &SmallFiles) -> Vec<Check> {
    let (table, command) = (Table(Group::SmallFiles), &measured.commands.smallfile);
    let predicted = model.prediction.and_then(|p| p.small_both_each_way);
    let small = measured.small.as_ref();
    let size = Quantity::Bytes(measured.small_file_bytes as f64);
    vec![
        table
            .row(
                "small_files.each_way_min",
                &format!("Small files ({size} on average) made and read at once, the slower direction"),
                command,
                predicted.map(|r| (Quantity::Rate(r.bytes_per_second.0), r.limit.describe())),
                slower(small, bytes),
                model.want(wanted.each_way_min.map(Quantity::from)),
            )
            .note(small.map_or(String::new(), |both| {
                format!("{} read, {} written", bytes(&both.read), bytes(&both.written))
            })),
        table.row(
            "small_files.files_each_way_per_second_min",
            "The same in files",
            command,
            predicted.map(|r| (Quantity::Operations(r.files_per_second.0), r.limit.describe())),
            slower(small, files),
            Want::at_least(wanted.files_each_way_per_second_min.map(Quantity::Operations)),
        ),
    ]
}

fn metadata(measured: &Measured, model: &Model, wanted: &MetadataTargets) -> Vec<Check> {
    let (table, command) = (Table(Group::Metadata), &measured.commands.mdtest);
    let row = |id, title, predicted, rate, least: Option<f64>| {
        let want = model.want(least.map(Quantity::Operations));
        table.row(id, title, command, predicted, Ok(Quantity::Operations(rate)), want)
    };
    vec![
        row(
            "metadata.creates_per_second_min",
            "Empty files made",
            model.operations(|p| p.creates),
            measured.creates_per_second,
            wanted.creates_per_second_min,
        ),
        row(
            "metadata.stats_per_second_min",
            "Attributes read",
            model.operations(|p| p.stats),
            measured.stats_per_second,
            wanted.stats_per_second_min,
        ),
        row(
            "metadata.removes_per_second_min",
            "Files removed",
            model.operations(|p| p.removes),
            measured.removes_per_second,
            wanted.removes_per_second_min,
        ),
    ]
}
