//! One validation from beginning to end.

use std::time::{Duration, Instant};

use isobar_bench::CivilTime;

use crate::caveats::caveats;
use crate::client_machine::{ClientMachine, load_average};
use crate::command::Command;
use crate::drill::{self, Drill, NoDrill};
use crate::error::{Result, ValidateError};
use crate::judge;
use crate::measure::{self, Load, Measured};
use crate::options::Options;
use crate::overall::Overall;
use crate::prediction::predict;
use crate::preflight::{self, Preflight, Wanted};
use crate::report::{ClusterFile, Report};
use crate::watcher::Watcher;

/// Share of the rate before a fault that counts as recovered where no target says.
const RECOVERED_SHARE: f64 = 0.5;

/// Validates. Blocks; what is written to the file system is removed again.
///
/// # Errors
/// What [`ValidateError::is_refusal`] tells before anything is done, others when nothing can be measured. A
/// missed target is no error: see [`Report::overall`].
pub fn run(options: &Options, watcher: &dyn Watcher) -> Result<Report> {
    options.check()?;
    let begun = Instant::now();
    let began = CivilTime::now().to_string();
    let load_before = load_average();
    let preflight = look_at_nodes(options, watcher)?;
    options.go_on()?;
    let (prediction, prediction_method) = predict(options, &preflight);
    let load = options.load();
    let measured = match options.skip.benchmarks {
        true => None,
        false => Some(measure::run(&load, watcher)?),
    };
    options.go_on()?;
    let (drill, no_drill) = stop_a_node(options, &load, &preflight, watcher)?;

    let mut report = Report {
        schema: 1,
        version: env!("CARGO_PKG_VERSION"),
        began,
        seconds: begun.elapsed().as_secs_f64(),
        cluster: cluster_file(options),
        client: ClientMachine::this(),
        overall: Overall::of(&[]),
        verdict: "",
        checks: Vec::new(),
        caveats: caveats(options, &preflight, measured.as_ref(), load_before),
        commands: commands(options, measured.as_ref(), drill.as_ref()),
        preflight,
        prediction,
        prediction_method,
        measured,
        drill,
        no_drill,
        targets: options.targets.clone(),
        targets_from: options.targets_from.clone(),
    };
    report.checks = judge::checks(&report, &options.spec);
    report.overall = Overall::of(&report.checks);
    report.verdict = report.overall.describe();
    Ok(report)
}

/// The pre-flight, on a runtime of its own.
fn look_at_nodes(options: &Options, watcher: &dyn Watcher) -> Result<Preflight> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| ValidateError::Process(format!("cannot start a runtime: {e}")))?;
    let wanted = Wanted { network: !options.skip.network, devices: !options.skip.devices };
    let preflight = runtime.block_on(preflight::measure(&options.spec, wanted, watcher))?;
    // Connections of the runtime are of no more use.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(preflight)
}

/// The drill, or why there is none.
fn stop_a_node(
    options: &Options,
    load: &Load,
    preflight: &Preflight,
    watcher: &dyn Watcher,
) -> Result<(Option<Drill>, Option<String>)> {
    let share = options.targets.recovery.recovered_share.unwrap_or(RECOVERED_SHARE);
    match drill::choose(options, preflight, watcher) {
        Ok(chosen) => {
            let drill = drill::conduct(&chosen, load, options.drill_seconds, share, watcher)?;
            Ok((Some(drill), None))
        }
        Err(NoDrill::CalledOff) => Err(ValidateError::CalledOff),
        Err(why) => Ok((None, Some(why.to_string()))),
    }
}

fn cluster_file(options: &Options) -> ClusterFile {
    let spec = &options.spec;
    ClusterFile {
        id: spec.cluster.clone(),
        name: spec.name.clone(),
        code: format!("{}+{}", spec.data_rows, spec.parity_rows),
        nodes: spec.node.len() as u32,
        reached_by: match &options.dir {
            Some(dir) => format!("the mount, {}", dir.display()),
            None => "the client library, without a mount".to_owned(),
        },
    }
}

/// Command lines that give the numbers again.
fn commands(options: &Options, measured: Option<&Measured>, drill: Option<&Drill>) -> Vec<Command> {
    let cluster = options.cluster_path.display();
    let mut all = vec![
        Command::new("All of this again", &options.command),
        Command::new(
            "Pre-flight only: nodes, pairs, devices",
            format!("isobar validate --cluster {cluster} --skip benchmarks,drill"),
        ),
        Command::new("How the cluster is", format!("isobar status --cluster {cluster}")),
    ];
    all.extend(measured.map(|m| m.commands.all()).unwrap_or_default());
    if let Some(drill) = drill {
        all.push(Command::new("The load of the drill", &drill.command));
        all.push(Command::new("The fault", &drill.stop_command));
        all.push(Command::new("The return", &drill.start_command));
    }
    all
}
