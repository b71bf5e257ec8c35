//! A stand-in for machines and for the clusters on them: a world that outlives control planes, in which
//! calls can fail, and at each of which a control plane can die.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_config::{ClusterSpec, NodeSpec};
use isobar_control::{
    AskClusters, AskRefusal, Asking, HealthState, MeasureReadiness, Measuring, NodeObservation, NodeState,
    Observation, Readiness, ReadinessCheck, ReadinessOrder, ReadinessVerdict, ServedByNode,
    TargetObservation,
};
use isobar_provider::{Doing, Misfit, Plan, Provider, ProviderError, Secrets, Size};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::market::Market;

/// The name of the provider.
pub const NAME: &str = "machines";
/// Bytes of a node of the smaller size.
pub const SMALL_BYTES: u64 = 64 << 20;
/// How long an election takes.
const ELECTION: Duration = Duration::from_millis(400);
/// More nodes than this do not fit.
pub const NODES_THAT_FIT: u32 = 20;

#[derive(Default)]
struct Node {
    runs: bool,
    /// It has disks that the cluster does not know.
    blank: bool,
    /// Looks until all rows are back.
    looks_left: u64,
    blanked_for: Vec<String>,
    served: u64,
    process: u64,
}

struct Made {
    spec: ClusterSpec,
    nodes: BTreeMap<String, Node>,
}

#[derive(Default)]
struct State {
    made: BTreeMap<String, Made>,
    faults: BTreeMap<&'static str, ProviderError>,
    calls: Vec<String>,
    number: u64,
    /// A call after which nobody leads for a moment, and when that was.
    elects_after: Option<(&'static str, Option<Instant>)>,
    /// Measurements do not end by themselves.
    measures_for_ever: bool,
}

/// What there is. A clone is another handle.
#[derive(Clone, Default)]
pub struct Machines(Arc<Mutex<State>>, Market);

/// What one control plane is given of it, with the points at which it can die.
#[derive(Clone)]
pub struct Hands {
    machines: Machines,
    passed: Arc<Mutex<Vec<String>>>,
    dies_at: usize,
    is_dead: watch::Sender<bool>,
    sizes: Arc<Vec<Size>>,
}

impl Machines {
    pub fn hands(&self) -> Hands {
        self.dying_at(usize::MAX)
    }

    /// Hands whose control plane gets no further than to the point with this number.
    pub fn dying_at(&self, number: usize) -> Hands {
        let size = |name: &str, target_bytes| Size {
            name: name.to_owned(),
            description: format!("A node with {target_bytes} bytes."),
            targets: 1,
            target_bytes,
        };
        Hands {
            machines: self.clone(),
            passed: Arc::default(),
            dies_at: number,
            is_dead: watch::Sender::new(false),
            sizes: Arc::new(vec![size("Small", SMALL_BYTES), size("Large", 1 << 30)]),
        }
    }

    /// The marketplace.
    pub fn market(&self) -> Market {
        self.1.clone()
    }

    /// The clusters that are made, with the nodes of each that run.
    pub fn there_is(&self) -> Vec<(String, Vec<String>)> {
        let state = self.0.lock();
        let running = |made: &Made| {
            made.nodes.iter().filter(|(_, node)| node.runs).map(|(name, _)| name.clone()).collect()
        };
        state.made.values().map(|made| (made.spec.name.clone(), running(made))).collect()
    }

    /// Every call from now on of this name fails.
    pub fn breaks(&self, call: &'static str, error: ProviderError) {
        self.0.lock().faults.insert(call, error);
    }

    /// No call fails any more.
    pub fn is_mended(&self) {
        self.0.lock().faults.clear();
    }

    /// After every call of this name nobody leads any cluster for a moment.
    pub fn elects_after(&self, call: &'static str) {
        self.0.lock().elects_after = Some((call, None));
    }

    /// From now on, measurements end when they are called off.
    pub fn measures_for_ever(&self, for_ever: bool) {
        self.0.lock().measures_for_ever = for_ever;
    }

    /// A node of the only cluster of this name dies.
    pub fn kill(&self, cluster: &str, node: &str) {
        self.node(cluster, node, |node| node.runs = false);
    }

    /// A node has written so many bytes more.
    pub fn serves(&self, cluster: &str, node: &str, bytes: u64) {
        self.node(cluster, node, |node| node.served += bytes);
    }

    /// How often a node's disks were blanked.
    pub fn blanked(&self, cluster: &str, node: &str) -> usize {
        let mut count = 0;
        self.node(cluster, node, |node| count = node.blanked_for.len());
        count
    }

    fn node(&self, cluster: &str, node: &str, change: impl FnOnce(&mut Node)) {
        let mut state = self.0.lock();
        let made = state.made.values_mut().find(|made| made.spec.name == cluster).expect("a cluster");
        change(made.nodes.get_mut(node).expect("a node"));
    }

    /// The names of calls so far.
    pub fn calls(&self) -> Vec<String> {
        self.0.lock().calls.clone()
    }
}

impl Hands {
    /// The marketplace.
    pub(super) fn market(&self) -> Market {
        self.machines.1.clone()
    }

    pub(super) async fn pass(&self, name: String) {
        let may = {
            let mut passed = self.passed.lock();
            let may = passed.len() < self.dies_at;
            if may {
                passed.push(name);
            }
            may
        };
        if !may {
            self.is_dead.send_replace(true);
            pending().await
        }
    }

    /// The points that were passed.
    pub fn passed(&self) -> Vec<String> {
        self.passed.lock().clone()
    }

    /// Waits until the last point is reached.
    pub async fn death(&self) {
        let mut dead = self.is_dead.subscribe();
        dead.wait_for(|dead| *dead).await.expect("points");
    }

    /// A call, with a point before and after what it does.
    fn call<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        does: impl FnOnce(&mut State) -> Result<T, ProviderError> + Send + 'a,
    ) -> Doing<'a, T> {
        Box::pin(async move {
            self.pass(format!("before {name}")).await;
            let done = {
                let mut state = self.machines.0.lock();
                state.calls.push(name.to_owned());
                if let Some((_, since)) = state.elects_after.as_mut().filter(|(call, _)| *call == name) {
                    *since = Some(Instant::now());
                }
                match state.faults.get(name).cloned() {
                    Some(error) => Err(error),
                    None => does(&mut state),
                }
            };
            self.pass(format!("after {name}")).await;
            done
        })
    }
}

fn spec_of(plan: &Plan, number: u64) -> ClusterSpec {
    let node = |at: u32| NodeSpec {
        name: format!("n{}", at + 1),
        addr: format!("h{}:{}", at + 1, 7000 + number).parse().expect("an address"),
        voter: at < 2 * u32::from(plan.parity_rows) + 1,
        domain: format!("rack{}", at % 2),
    };
    ClusterSpec {
        version: 1,
        cluster: format!("{number:016x}"),
        name: plan.name.clone(),
        data_rows: plan.data_rows,
        parity_rows: plan.parity_rows,
        credentials: ".".into(),
        encrypt: false,
        node: (0..plan.nodes).map(node).collect(),
        base: plan.cluster.clone().into(),
    }
}

fn made_of<'s>(state: &'s mut State, cluster: &str) -> Result<&'s mut Made, ProviderError> {
    state.made.get_mut(cluster).ok_or_else(|| ProviderError::cannot(format!("there is no {cluster}")))
}

impl Provider for Hands {
    fn name(&self) -> &str {
        NAME
    }

    fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    fn check<'a>(&'a self, plan: &'a Plan) -> Doing<'a, Vec<Misfit>> {
        self.call("check", move |_| {
            let why = format!("{NODES_THAT_FIT} nodes fit, not {}.", plan.nodes);
            let misfit = Misfit { of: "nodes".into(), why };
            Ok(if plan.nodes > NODES_THAT_FIT { vec![misfit] } else { Vec::new() })
        })
    }

    fn make<'a>(&'a self, plan: &'a Plan) -> Doing<'a, ClusterSpec> {
        self.call("make", move |state| {
            if let Some(made) = state.made.get(&plan.cluster) {
                return Ok(made.spec.clone());
            }
            state.number += 1;
            let spec = spec_of(plan, state.number);
            let nodes = spec.node.iter().map(|node| (node.name.clone(), Node::default())).collect();
            state.made.insert(plan.cluster.clone(), Made { spec: spec.clone(), nodes });
            Ok(spec)
        })
    }

    fn access<'a>(&'a self, cluster: &'a str) -> Doing<'a, ClusterSpec> {
        let state = self.machines.0.clone();
        // The watch calls it at any time: it is no point.
        Box::pin(async move { made_of(&mut state.lock(), cluster).map(|made| made.spec.clone()) })
    }

    fn start<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        self.call("start", move |state| {
            state.number += 1;
            let number = state.number;
            let made = made_of(state, cluster)?;
            let node = made.nodes.get_mut(node).ok_or_else(|| ProviderError::cannot("no such node"))?;
            if !node.runs {
                (node.runs, node.process, node.served) = (true, number, 0);
            }
            Ok(())
        })
    }

    fn stop<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        self.call("stop", move |state| {
            if let Some(node) = state.made.get_mut(cluster).and_then(|made| made.nodes.get_mut(node)) {
                node.runs = false;
            }
            Ok(())
        })
    }

    fn cut_power<'a>(&'a self, cluster: &'a str, node: &'a str) -> Doing<'a, ()> {
        self.call("cut power", move |state| {
            made_of(state, cluster)?.nodes.get_mut(node).expect("a node").runs = false;
            Ok(())
        })
    }

    fn running<'a>(&'a self, cluster: &'a str) -> Doing<'a, BTreeSet<String>> {
        self.call("running", move |state| {
            let nodes = state.made.get(cluster).into_iter().flat_map(|made| &made.nodes);
            Ok(nodes.filter(|(_, node)| node.runs).map(|(name, _)| name.clone()).collect())
        })
    }

    fn blank<'a>(&'a self, cluster: &'a str, node: &'a str, mark: &'a str) -> Doing<'a, ()> {
        self.call("blank", move |state| {
            let made = made_of(state, cluster)?;
            let node = made.nodes.get_mut(node).ok_or_else(|| ProviderError::cannot("no such node"))?;
            assert!(!node.runs, "disks of a node that runs are never blanked");
            if !node.blanked_for.iter().any(|other| other == mark) {
                node.blanked_for.push(mark.to_owned());
                (node.blank, node.looks_left) = (true, 2);
            }
            Ok(())
        })
    }

    fn remove<'a>(&'a self, cluster: &'a str) -> Doing<'a, ()> {
        self.call("remove", move |state| {
            state.made.remove(cluster);
            Ok(())
        })
    }

    fn secrets<'a>(&'a self, cluster: &'a str) -> Doing<'a, Secrets> {
        self.call("secrets", move |state| {
            let name = made_of(state, cluster)?.spec.name.clone();
            Ok(Secrets {
                cluster_file: format!("name = \"{name}\"\n"),
                client_credential: "TOP SECRET CREDENTIAL".to_owned(),
            })
        })
    }

    fn mount_command(&self, cluster: &str, name: &str) -> String {
        format!("mount {cluster} /mnt/{name}")
    }
}

impl MeasureReadiness for Hands {
    fn check_targets(&self, targets: &str) -> Result<(), String> {
        if targets.contains("speed") { Err("line 1: there is no 'speed'.".to_owned()) } else { Ok(()) }
    }

    /// Leaves the node of the drill behind where it is called off.
    fn measure(&self, order: ReadinessOrder) -> Measuring<'_> {
        Box::pin(async move {
            let ReadinessOrder { spec, provider, deployment, load, file_bytes, tell, called_off, .. } = order;
            let words = |error: ProviderError| error.to_string();
            let node = spec.node.last().expect("a node").name.clone();
            self.call("measure", |_| Ok(())).await.map_err(words)?;
            tell(40, "large files");
            if load.drill {
                provider.cut_power(&deployment, &node).await.map_err(words)?;
                tell(80, &format!("drill: {node} stopped"));
            }
            if self.machines.0.lock().measures_for_ever {
                called_off.await;
                return Err("It was called off.".to_owned());
            }
            if load.drill {
                provider.start(&deployment, &node).await.map_err(words)?;
            }
            let check = ReadinessCheck {
                name: "Large files, written".to_owned(),
                measured: format!("{file_bytes} B/s"),
                predicted: "-".to_owned(),
                target: load.targets.unwrap_or_else(|| "-".to_owned()),
                verdict: "pass".to_owned(),
                reason: format!("in {} s", load.seconds),
            };
            Ok(Readiness {
                verdict: ReadinessVerdict::Passed,
                statement: "Ready: 1 passed".to_owned(),
                passed: 1,
                failed: 0,
                not_measurable: 2,
                checks: vec![check],
                html: format!("<!doctype html><title>{}</title>", spec.name),
            })
        })
    }
}

impl AskClusters for Hands {
    fn look<'a>(&'a self, spec: &'a ClusterSpec) -> Asking<'a, Observation> {
        Box::pin(async move {
            let mut state = self.machines.0.lock();
            let elects = state.elects_after.and_then(|(_, since)| since);
            let is_led = elects.is_none_or(|since| since.elapsed() > ELECTION);
            match state.made.values_mut().find(|made| made.spec.cluster == spec.cluster) {
                Some(made) if is_led => observe(made),
                Some(made) => without_leader(observe(made)),
                None => Observation::unknown("There is no such cluster."),
            }
        })
    }

    fn admit<'a>(&'a self, spec: &'a ClusterSpec, node: &'a str) -> Asking<'a, Result<(), AskRefusal>> {
        Box::pin(async move {
            self.pass("before admit".to_owned()).await;
            {
                let mut state = self.machines.0.lock();
                state.calls.push("admit".to_owned());
                let made = state.made.values_mut().find(|made| made.spec.cluster == spec.cluster);
                let made = made.ok_or_else(|| AskRefusal::Cannot("it is gone".to_owned()))?;
                made.nodes.get_mut(node).expect("a node").blank = false;
            }
            self.pass("after admit".to_owned()).await;
            Ok(())
        })
    }
}

/// What is seen while nobody leads: which disks are part of the cluster nobody knows, nor what may be lost.
fn without_leader(seen: Observation) -> Observation {
    let not_known =
        |node| NodeObservation { whole: false, blank: false, rebuild: None, spare_without: None, ..node };
    Observation {
        state: HealthState::Unhealthy,
        statement: "No majority has a leader.".to_owned(),
        nodes_may_be_lost: None,
        leader: None,
        nodes: seen.nodes.into_iter().map(not_known).collect(),
        ..seen
    }
}

fn observe(made: &mut Made) -> Observation {
    let is_whole = |node: &Node| node.runs && !node.blank && node.looks_left == 0;
    let parity = i64::from(made.spec.parity_rows);
    let missing = made.nodes.values().filter(|node| !is_whole(node)).count() as i64;
    let all = made.nodes.len();
    let nodes = made.nodes.iter().map(|(name, node)| {
        let whole = is_whole(node);
        NodeObservation {
            name: name.clone(),
            state: if node.runs { NodeState::Up } else { NodeState::Down },
            statement: if node.runs { "It is up.".into() } else { "It does not answer.".into() },
            version: node.runs.then(|| "1.2.3".to_owned()),
            votes: Some(true),
            targets: vec![TargetObservation {
                id: format!("t-{name}"),
                state: if node.runs { NodeState::Up } else { NodeState::Down },
                total_bytes: 1000,
                used_bytes: 10,
            }],
            served: node.runs.then_some(ServedByNode {
                process: node.process,
                written_bytes: node.served,
                read_bytes: 2 * node.served,
                requests: node.served / 1000,
            }),
            whole,
            blank: node.blank,
            rebuild: (!node.blank && node.looks_left > 0).then_some((2 - node.looks_left, 2)),
            spare_without: Some(parity - missing - i64::from(whole)),
        }
    });
    let nodes: Vec<NodeObservation> = nodes.collect();
    let down: Vec<&str> = nodes.iter().filter(|node| !node.whole).map(|node| node.name.as_str()).collect();
    let (state, statement) = match missing {
        0 => (HealthState::Healthy, format!("All {all} nodes are up.")),
        some if some <= parity => (HealthState::Degraded, format!("{} is missing.", down.join(", "))),
        _ => (HealthState::Unhealthy, "Too much is missing.".to_owned()),
    };
    let attention = down.iter().map(|name| format!("{name} does not answer")).collect();
    for node in made.nodes.values_mut().filter(|node| node.runs && !node.blank) {
        node.looks_left = node.looks_left.saturating_sub(1);
    }
    Observation {
        state,
        statement,
        attention,
        nodes_may_be_lost: Some(u32::try_from(parity - missing).unwrap_or(0)),
        leader: Some("n1".to_owned()),
        nodes,
    }
}
