//! What a control plane measures readiness with: the same as `isobar validate`, from the machine that the
//! control plane runs on. A provider stops and starts the node of the drill.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use isobar_admin::Local;
use isobar_bench::{Cancel, Launcher};
use isobar_client::ClusterSpec;
use isobar_control::{
    MeasureReadiness, Measuring, Readiness, ReadinessCheck, ReadinessOrder, ReadinessVerdict, Tell,
};
use isobar_provider::Provider;
use isobar_validate::{NodeControl, Options, Overall, Report, Skip, Targets, Watcher, html, summary};
use tokio::runtime::Handle;

use super::control::is_whole;
use super::default_targets;

/// Worker processes.
const PROCESSES: u32 = 2;
/// A drill has three parts, each as long as a workload, and this long at least.
const DRILL_SECONDS_MIN: f64 = 9.0;
/// What is told to be done, at most: nodes, pairs, devices, four workloads, the drill.
const STEPS: u8 = 8;

/// Measures with this program.
pub struct ThisProgram;

impl MeasureReadiness for ThisProgram {
    fn check_targets(&self, targets: &str) -> Result<(), String> {
        Targets::parse(targets, "targets").map(drop).map_err(|error| error.to_string())
    }

    fn measure(&self, order: ReadinessOrder) -> Measuring<'_> {
        Box::pin(async move {
            let cancel = Cancel::default();
            let _held = CalledOffWithIt(cancel.clone());
            let (of_thread, runtime) = (cancel.clone(), Handle::current());
            let ReadinessOrder { spec, provider, deployment, load, file_bytes, files, tell, called_off } =
                order;
            let machines = Machines { provider, deployment, spec: spec.clone(), runtime };
            let mut thread = tokio::task::spawn_blocking(move || {
                let (targets, targets_from) = targets(load.targets.as_deref())?;
                let seconds = f64::from(load.seconds);
                let options = Options {
                    cluster_path: spec.base.clone(),
                    command: command(&spec, &load, (file_bytes, files)),
                    spec,
                    dir: None,
                    targets,
                    targets_from,
                    processes: PROCESSES,
                    seconds,
                    drill_seconds: (3.0 * seconds).max(DRILL_SECONDS_MIN),
                    file_bytes,
                    files,
                    skip: Skip { drill: !load.drill, ..Skip::default() },
                    drill_node: None,
                    control: Ok(&machines),
                    launcher: Launcher::this_binary(["bench", "worker"]).map_err(|e| e.to_string())?,
                    cancel: of_thread,
                };
                let hears = Hears { tell, done: AtomicU8::new(0) };
                let report = isobar_validate::run(&options, &hears).map_err(|error| error.to_string())?;
                Ok(readiness(&report))
            });
            let ended = tokio::select! {
                ended = &mut thread => ended,
                () = called_off => {
                    cancel.call_off();
                    thread.await
                }
            };
            ended.unwrap_or_else(|error| Err(format!("the measurement broke off: {error}")))
        })
    }
}

/// Calls off what nobody waits for any more.
struct CalledOffWithIt(Cancel);

impl Drop for CalledOffWithIt {
    fn drop(&mut self) {
        self.0.call_off();
    }
}

fn targets(text: Option<&str>) -> Result<(Targets, String), String> {
    Ok(match text {
        None => default_targets(),
        Some(text) => {
            let targets = Targets::parse(text, "targets").map_err(|error| error.to_string())?;
            (targets, "whoever asked for the validation".to_owned())
        }
    })
}

/// What measures the same at the machine of the control plane.
fn command(
    spec: &ClusterSpec,
    load: &isobar_control::ReadinessLoad,
    (file_bytes, files): (u64, u64),
) -> String {
    let skip = if load.drill { "" } else { " --skip drill" };
    format!(
        "isobar validate --cluster {} --seconds {} --files {} --file-size {}MiB{skip}",
        spec.base.display(),
        load.seconds,
        files,
        file_bytes >> 20
    )
}

fn readiness(report: &Report) -> Readiness {
    let Overall { passed, failed, not_measurable } = report.overall;
    let checks = summary::table(report).into_iter().skip(1).zip(&report.checks);
    let checks = checks.map(|(row, check)| {
        let mut cells = row.into_iter();
        let mut cell = || cells.next().unwrap_or_default();
        ReadinessCheck {
            name: cell(),
            measured: cell(),
            predicted: cell(),
            target: cell(),
            verdict: cell(),
            reason: check.reason.clone(),
        }
    });
    Readiness {
        verdict: match (failed, passed) {
            (0, 0) => ReadinessVerdict::NotJudged,
            (0, _) => ReadinessVerdict::Passed,
            _ => ReadinessVerdict::Failed,
        },
        statement: format!("{} in {:.0} s", summary::line(report), report.seconds),
        passed,
        failed,
        not_measurable,
        checks: checks.collect(),
        html: html::page(report),
    }
}

/// Says how much is done.
struct Hears {
    tell: Tell,
    done: AtomicU8,
}

impl Watcher for Hears {
    fn now(&self, text: &str) {
        let done = self.done.load(Ordering::Relaxed).min(STEPS - 1);
        (self.tell)(done * (100 / STEPS), text);
    }

    fn done(&self, text: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.now(text);
    }
}

/// Nodes of a provider.
struct Machines {
    provider: Arc<dyn Provider>,
    deployment: String,
    spec: ClusterSpec,
    runtime: Handle,
}

impl NodeControl for Machines {
    fn stop(&self, node: &str) -> Result<(), String> {
        self.runtime.block_on(self.provider.cut_power(&self.deployment, node)).map_err(|e| e.to_string())
    }

    fn start(&self, node: &str) -> Result<(), String> {
        self.runtime.block_on(self.provider.start(&self.deployment, node)).map_err(|e| e.to_string())
    }

    fn commands(&self, node: &str) -> (String, String) {
        let dir = self.spec.base.display();
        match Local::is_in(&self.spec.base) {
            true => (
                format!("isobar dev kill {node} --data {dir}"),
                format!("isobar dev start {node} --data {dir}"),
            ),
            false => {
                let provider = self.provider.name();
                (format!("{provider}: power of {node} off"), format!("{provider}: power of {node} on"))
            }
        }
    }

    fn is_whole(&self) -> Result<bool, String> {
        is_whole(&self.spec)
    }
}
