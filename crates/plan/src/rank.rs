//! From a request to ranked alternatives, one for each size that may be used.

use isobar_base::quantity::{grouped, percent};
use serde::Serialize;

use crate::assumptions::Assumptions;
use crate::catalogue::{Catalogue, Status};
use crate::code::{Code, CodingPath};
use crate::error::PlanError;
use crate::inputs::{Order, Request, SMALL_FILE_BYTES};
use crate::machine::Machine;
use crate::model::{self, Limit, Need, Work};
use crate::predict::{self, ClusterFacts, Prediction, predict};
use crate::rebuild::{Rebuild, rebuild};
use crate::survive::{Survival, codes_that_survive_a_domain, survival};
use crate::units::{Bytes, BytesPerSecond};

/// The test cluster whose numbers are shown beside every alternative.
pub const TEST_NODES: u32 = 8;
/// Metadata groups a cluster of this version has.
pub const METADATA_GROUPS: u32 = 1;
/// Most storage targets of a cluster (`isobar-meta`'s `TARGETS_MAX`).
pub const TARGETS_MAX: u64 = 4096;

/// What an alternative reaches, all of it at once, large files in the proportions of the request; where that
/// names no bandwidth, reading and writing alike.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Reach {
    /// Reading of large files.
    pub read_bytes_per_second: BytesPerSecond,
    /// Writing of large files.
    pub write_bytes_per_second: BytesPerSecond,
    /// Reading and writing of small files, each.
    pub small_each_way_bytes_per_second: BytesPerSecond,
    /// What binds; of small files where there are any.
    pub limit: Limit,
}

impl Reach {
    /// The work of it, with small files of this size.
    fn work(&self, small_file_bytes: f64) -> Work {
        Work {
            read_bytes: self.read_bytes_per_second.0,
            write_bytes: self.write_bytes_per_second.0,
            small_read_bytes: self.small_each_way_bytes_per_second.0,
            small_write_bytes: self.small_each_way_bytes_per_second.0,
            small_file_bytes,
            ..Work::default()
        }
    }
}

/// One way to do what was asked.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Alternative {
    /// The size.
    pub machine: Machine,
    /// The code: the one asked for, or one that fits the nodes or survives a fault domain.
    pub code: Code,
    /// How many. At least so many when `unknown` is not empty.
    pub nodes: u32,
    /// What sets the number of nodes; when that was given, what sets the reach. [`Limit::Metadata`] when no
    /// number of nodes does it.
    pub limit: Limit,
    /// Nodes with all of the documented rates and none left free.
    pub nodes_at_line_rate: u32,
    /// Nodes when clients code.
    pub nodes_coded_in_clients: u32,
    /// Nodes when gateways on the same nodes code.
    pub nodes_through_gateways: u32,
    /// All limits of machines, the binding one first.
    pub needs: Vec<Need>,
    /// Quota needed; `None` when the size's is not known.
    pub vcpus: Option<u64>,
    /// So many vCPUs more than the quota.
    pub over_quota_vcpus: u64,
    /// Raw capacity.
    pub raw_bytes: Option<Bytes>,
    /// Capacity for files, large and small in the proportion asked for, after parity and reserve.
    pub usable_bytes: Option<Bytes>,
    /// What it reaches with all nodes.
    pub reach: Option<Reach>,
    /// The same by the hardware alone.
    pub reach_at_line_rate: Option<Reach>,
    /// What it reaches with K nodes away, new data written narrower where it must.
    pub reach_degraded: Option<Reach>,
    /// What it reaches in each thing alone.
    pub prediction: Option<Prediction>,
    /// Whether it does what was asked: `false` when it is over the quota, has more nodes than
    /// [`TARGETS_MAX`], or needs more than the [`METADATA_GROUPS`] there are.
    pub meets_targets: bool,
    /// Metadata groups needed.
    pub metadata_groups: u32,
    /// What it survives.
    pub survival: Survival,
    /// How long a full node takes to come back.
    pub rebuild: Option<Rebuild>,
    /// What eight nodes of this size would show.
    pub eight_nodes: Option<Prediction>,
    /// What their hardware alone would.
    pub eight_nodes_at_line_rate: Option<Prediction>,
    /// Facts that are not known and so set no limit.
    pub unknown: Vec<&'static str>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// A size that was not planned with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LeftOut {
    /// Its name, marked when it is not confirmed.
    pub size: String,
    /// Why.
    pub why: String,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plan {
    /// What was asked.
    pub request: Request,
    /// Alternatives, the best first. Never empty.
    pub alternatives: Vec<Alternative>,
    /// Sizes of the catalogue that were not planned with.
    pub left_out: Vec<LeftOut>,
}

/// Plans: every allowed size, ranked.
///
/// Named sizes come in the order they are named, others by the order asked for. What is over the quota and
/// what lacks facts come last, with what is too large for one cluster.
///
/// # Errors
/// What [`Request::check`] refuses, [`PlanError::UnknownSize`], and [`PlanError::Impossible`] when no
/// allowed size fits the quota or one cluster, or no code survives what it must.
pub fn plan(request: &Request, catalogue: &Catalogue, a: &Assumptions) -> Result<Plan, PlanError> {
    request.check()?;
    let a = &planned_with(request, a);
    let (machines, left_out) = allowed(request, catalogue)?;
    let mut alternatives = Vec::with_capacity(machines.len());
    for machine in machines {
        alternatives.push(alternative(request, machine, a)?);
    }
    let named = !request.sizes.is_empty();
    alternatives.sort_by(|x, y| {
        let last = |alt: &Alternative| (too_many(alt), alt.over_quota_vcpus > 0, !alt.unknown.is_empty());
        let unconfirmed = |alt: &Alternative| alt.machine.status == Status::Unconfirmed;
        let by_order = || {
            unconfirmed(x)
                .cmp(&unconfirmed(y))
                .then(better(request, x, y))
                .then(x.machine.name.cmp(&y.machine.name))
        };
        last(x).cmp(&last(y)).then_with(|| if named { std::cmp::Ordering::Equal } else { by_order() })
    });
    if let Some(fewest) = alternatives.iter().min_by_key(|alt| alt.nodes).filter(|alt| too_many(alt)) {
        return Err(PlanError::Impossible(format!(
            "a cluster has at most {} nodes and this takes {} x {}, the fewest: lower the targets, or plan several clusters",
            grouped(TARGETS_MAX),
            grouped(u64::from(fewest.nodes)),
            fewest.machine.label()
        )));
    }
    if let Some(quota) = request.quota_vcpus
        && alternatives.iter().all(|alt| alt.over_quota_vcpus > 0)
    {
        return Err(over_quota(quota, &alternatives, a));
    }
    Ok(Plan { request: request.clone(), alternatives, left_out })
}

/// Whether there are more nodes than a cluster can have.
fn too_many(alt: &Alternative) -> bool {
    u64::from(alt.nodes) > TARGETS_MAX
}

/// The sizes to plan with, and those that are not.
fn allowed(request: &Request, catalogue: &Catalogue) -> Result<(Vec<Machine>, Vec<LeftOut>), PlanError> {
    if request.sizes.is_empty() {
        let (known, unknown): (Vec<_>, Vec<_>) =
            catalogue.machines().into_iter().partition(|m| m.facts.unknown().is_empty());
        let left_out = unknown
            .into_iter()
            .map(|m| LeftOut { size: m.label(), why: format!("{} not known", m.facts.unknown().join(", ")) })
            .collect();
        if known.is_empty() {
            return Err(PlanError::Impossible(
                "no size of the catalogue has all facts: name one with --sizes".to_owned(),
            ));
        }
        return Ok((known, left_out));
    }
    let mut machines: Vec<Machine> = Vec::new();
    for name in &request.sizes {
        let machine = catalogue.resolve(name)?;
        if !machines.iter().any(|m| m.name == machine.name) {
            machines.push(machine);
        }
    }
    Ok((machines, Vec::new()))
}

/// Which of two sizes comes first.
fn better(request: &Request, x: &Alternative, y: &Alternative) -> std::cmp::Ordering {
    let vcpus = |alt: &Alternative| alt.vcpus.unwrap_or(u64::MAX);
    let times = |alt: &Alternative| alt.reach.map_or(0.0, |r| r.read_bytes_per_second.0);
    let reach_per = |alt: &Alternative| match request.order {
        Order::Nodes => times(alt),
        Order::Vcpus => times(alt) / vcpus(alt) as f64,
    };
    match (request.nodes, request.order) {
        (Some(_), _) => reach_per(y).total_cmp(&reach_per(x)).then(vcpus(x).cmp(&vcpus(y))),
        (None, Order::Nodes) => x.nodes.cmp(&y.nodes).then(vcpus(x).cmp(&vcpus(y))),
        (None, Order::Vcpus) => vcpus(x).cmp(&vcpus(y)).then(x.nodes.cmp(&y.nodes)),
    }
}

fn over_quota(quota: u32, alternatives: &[Alternative], a: &Assumptions) -> PlanError {
    let least = alternatives.iter().min_by_key(|alt| (too_many(alt), alt.vcpus.unwrap_or(u64::MAX)));
    let Some((least, vcpus)) = least.and_then(|alt| Some((alt, alt.vcpus?))) else {
        return PlanError::Impossible(format!("nothing fits a quota of {quota} vCPUs: raise --vcpu-quota"));
    };
    // What the quota does allow, of the size that comes closest.
    let each = least.machine.facts.vcpus.unwrap_or(f64::INFINITY);
    let affordable = (f64::from(quota) / each).floor() as u32;
    let smaller = least.code.on(affordable).and_then(|code| {
        let cluster = cluster(&least.machine, affordable, code, CodingPath::Clients);
        let both = predict(&cluster, a).ok()?.both_each_way?;
        Some(format!(
            "; the quota is {affordable} of them, which read and write {} each at once",
            both.bytes_per_second
        ))
    });
    PlanError::Impossible(format!(
        "a quota of {} vCPUs is too small, the least that does it is {} ({} x {}){}: ask for --vcpu-quota {vcpus} or lower the targets",
        grouped(u64::from(quota)),
        grouped(vcpus),
        least.nodes,
        least.machine.label(),
        smaller.unwrap_or_default()
    ))
}

fn cluster(machine: &Machine, nodes: u32, code: Code, path: CodingPath) -> ClusterFacts {
    ClusterFacts {
        machine: machine.facts,
        nodes,
        code,
        path,
        metadata_groups: METADATA_GROUPS,
        small_file_bytes: SMALL_FILE_BYTES,
        clients: None,
    }
}

/// The plan with one size.
fn alternative(request: &Request, machine: Machine, a: &Assumptions) -> Result<Alternative, PlanError> {
    let with = |code: Code| {
        request
            .nodes
            .unwrap_or_else(|| model::nodes(&Work::of(request), &machine.facts, code, request.path, a).0)
    };
    let asked = match request.nodes {
        Some(nodes) => request.code.on(nodes).ok_or_else(|| too_few(request.code, nodes))?,
        None => request.code,
    };
    let code = match request.survive_domain {
        false => asked,
        true => surviving(asked, request.fault_domains, with)?,
    };
    let nodes = with(code);
    Ok(describe(request, machine, code, asked, nodes, a))
}

fn too_few(code: Code, nodes: u32) -> PlanError {
    PlanError::Request(format!(
        "{nodes} nodes cannot hold {} parity rows and {} voters",
        code.parity_rows(),
        code.voters()
    ))
}

/// The code with the fewest nodes that survives a fault domain, the one asked for if it does.
fn surviving(asked: Code, domains: u32, nodes: impl Fn(Code) -> u32) -> Result<Code, PlanError> {
    let survives = |code: &Code| survival(*code, nodes(*code), domains).fault_domain;
    if survives(&asked) {
        return Ok(asked);
    }
    codes_that_survive_a_domain(asked, nodes(asked), domains)
        .into_iter()
        .filter(survives)
        .min_by_key(|code| nodes(*code))
        .ok_or_else(|| {
            PlanError::Impossible(format!(
                "no code like {asked} survives losing one of {domains} fault domains: use at least --fault-domains 3, or leave --survive-domain out"
            ))
        })
}

/// All there is to say about so many of one machine.
fn describe(
    request: &Request,
    machine: Machine,
    code: Code,
    asked: Code,
    nodes: u32,
    a: &Assumptions,
) -> Alternative {
    let facts = &machine.facts;
    let line = a.at_line_rate();
    let reach = reach(&Work::of(request), &cluster(&machine, nodes, code, request.path), a);
    let work = work(request, reach.as_ref());
    let count =
        |path, a: &Assumptions| request.nodes.unwrap_or_else(|| model::nodes(&work, facts, code, path, a).0);
    let metadata_groups = model::whole(model::metadata_groups(&work, facts, code, a)).max(METADATA_GROUPS);
    let limit = match request.nodes {
        Some(_) => reach.map_or(Limit::Width, |r| r.limit),
        None if metadata_groups > METADATA_GROUPS => Limit::Metadata,
        None => model::nodes(&work, facts, code, request.path, a).1,
    };
    let left = nodes.saturating_sub(u32::from(code.parity_rows()));
    let degraded = narrowed(code, left)
        .and_then(|narrow| self::reach(&work, &cluster(&machine, left, narrow, request.path), a));
    let file_bytes = request.small_files.map_or(SMALL_FILE_BYTES, |s| s.file_bytes);
    let files = |cluster| ClusterFacts { small_file_bytes: file_bytes, ..cluster };
    let eight = code.on(TEST_NODES).map(|code| files(cluster(&machine, TEST_NODES, code, request.path)));
    let vcpus = facts.vcpus.map(|each| each as u64 * u64::from(nodes));
    let quota = request.quota_vcpus.map_or(u64::MAX, u64::from);
    let mut alternative = Alternative {
        code,
        nodes,
        limit,
        nodes_at_line_rate: count(request.path, &line),
        nodes_coded_in_clients: count(CodingPath::Clients, a),
        nodes_through_gateways: count(CodingPath::Gateways, a),
        needs: model::needs(&work, facts, code, request.path, a),
        vcpus,
        over_quota_vcpus: vcpus.map_or(0, |v| v.saturating_sub(quota)),
        raw_bytes: facts.nvme_bytes.map(|raw| Bytes(raw.0.saturating_mul(u64::from(nodes)))),
        usable_bytes: usable(&work, &machine, nodes, code, a),
        reach,
        reach_at_line_rate: self::reach(&work, &cluster(&machine, nodes, code, request.path), &line),
        reach_degraded: degraded,
        prediction: predict(&files(cluster(&machine, nodes, code, request.path)), a).ok(),
        meets_targets: metadata_groups <= METADATA_GROUPS
            && vcpus.is_none_or(|v| v <= quota)
            && u64::from(nodes) <= TARGETS_MAX,
        metadata_groups,
        survival: survival(code, nodes, request.fault_domains),
        rebuild: rebuild(facts, nodes, code, a),
        eight_nodes: eight.and_then(|cluster| predict(&cluster, a).ok()),
        eight_nodes_at_line_rate: eight.and_then(|cluster| predict(&cluster, &line).ok()),
        unknown: facts.unknown(),
        notes: Vec::new(),
        machine,
    };
    alternative.notes = notes(request, &alternative, asked, &work, a);
    alternative
}

/// The work that explains a number of nodes: what was asked, or where the nodes were given what they reach.
pub(crate) fn work(request: &Request, reach: Option<&Reach>) -> Work {
    match (request.nodes, reach) {
        (Some(_), Some(reach)) => reach.work(0.0),
        _ => Work::of(request),
    }
}

/// The assumptions to plan with: where the nodes are given nothing is left free of what they reach.
pub(crate) fn planned_with(request: &Request, a: &Assumptions) -> Assumptions {
    if request.nodes.is_some() { a.without_headroom() } else { a.clone() }
}

/// What new data is written with when nodes are away: voters may be away with them.
fn narrowed(code: Code, left: u32) -> Option<Code> {
    let room = left.checked_sub(u32::from(code.parity_rows()))?;
    let n = u32::from(code.data_rows()).min(room);
    Code::new(u8::try_from(n).ok()?, code.parity_rows()).ok()
}

/// Room for files of the kinds asked for.
fn usable(work: &Work, machine: &Machine, nodes: u32, code: Code, a: &Assumptions) -> Option<Bytes> {
    let large = predict::usable(&machine.facts, nodes, code, a)?;
    let wanted = work.large_capacity_bytes + work.small_capacity_bytes;
    let share = match wanted > 0.0 {
        true => code.amplification() * wanted / work.stored_bytes(code),
        false => 1.0,
    };
    Some(Bytes((large.0 as f64 * share) as u64))
}

/// What a cluster reaches of the work's bandwidths. Large files need metadata only for their segments, so
/// they go on where small files and other operations wait for a metadata group.
fn reach(work: &Work, cluster: &ClusterFacts, a: &Assumptions) -> Option<Reach> {
    let silent = work.read_bytes + work.write_bytes + work.small_read_bytes + work.small_write_bytes == 0.0;
    let work = match silent {
        true => Work { read_bytes: 1.0, write_bytes: 1.0, ..Work::default() },
        false => *work,
    };
    let metadata = |work: &Work| {
        let groups = model::metadata_groups(work, &cluster.machine, cluster.code, &a.without_headroom());
        (f64::from(cluster.metadata_groups) / groups, Limit::Metadata)
    };
    let least = |x: (f64, Limit), y: (f64, Limit)| if y.0 < x.0 { y } else { x };
    let nodes = model::multiple(&work, &cluster.machine, cluster.nodes, cluster.code, cluster.path, a)?;
    let large = least(nodes, metadata(&Work { write_bytes: work.write_bytes, ..Work::default() }));
    let small = least(nodes, metadata(&work));
    Some(Reach {
        read_bytes_per_second: BytesPerSecond(work.read_bytes * large.0),
        write_bytes_per_second: BytesPerSecond(work.write_bytes * large.0),
        small_each_way_bytes_per_second: BytesPerSecond(work.small_write_bytes * small.0),
        limit: if work.small_write_bytes > 0.0 { small.1 } else { large.1 },
    })
}

fn notes(request: &Request, alt: &Alternative, asked: Code, work: &Work, a: &Assumptions) -> Vec<String> {
    let mut notes = Vec::new();
    if alt.machine.status == Status::Unconfirmed {
        notes.push(format!("unconfirmed: {}", alt.machine.source));
    }
    if !alt.unknown.is_empty() {
        let consequence = match request.nodes {
            Some(_) => "so it may reach less",
            None => "so more nodes may be needed",
        };
        notes.push(format!("{} not known, {consequence}", alt.unknown.join(", ")));
    }
    if alt.code != asked {
        notes.push(format!("{asked} does not survive a fault domain: planned with {}", alt.code));
    }
    if alt.over_quota_vcpus > 0 {
        notes.push(format!("{} vCPUs over the quota", grouped(alt.over_quota_vcpus)));
    }
    let devices = u64::from(alt.nodes) * u64::from(alt.machine.nvme_count.unwrap_or(0));
    if too_many(alt) {
        notes.push(format!(
            "{} nodes are more than a cluster can have: each has a storage target, and there are at most {}",
            grouped(u64::from(alt.nodes)),
            grouped(TARGETS_MAX)
        ));
    } else if devices > TARGETS_MAX {
        notes.push(format!(
            "{} NVMe devices are more than the {} storage targets of a cluster: several devices have to form one target",
            grouped(devices),
            grouped(TARGETS_MAX)
        ));
    }
    if alt.metadata_groups > METADATA_GROUPS {
        let share = 1.0 / model::metadata_groups(work, &alt.machine.facts, alt.code, &a.without_headroom());
        notes.push(format!(
            "one metadata group, all that this version has, does {} of the metadata work, and more machines do not help; {} groups would do it",
            percent(share),
            alt.metadata_groups
        ));
        notes.push(
            "metadata costs were measured on a small shared machine: measure such machines with isobar bench and give --assume create-core-ms=…"
                .to_owned(),
        );
    }
    notes
}
