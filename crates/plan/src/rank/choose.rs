//! Which sizes, which code, how many nodes, and what comes first.

use std::cmp::Ordering;

use isobar_base::quantity::grouped;

use super::alternative::{Alternative, LeftOut, Plan};
use super::describe::describe;
use super::reach::{cluster, planned_with};
use crate::assumptions::Assumptions;
use crate::catalogue::Catalogue;
use crate::code::{Code, CodingPath};
use crate::error::PlanError;
use crate::inputs::{Order, Request};
use crate::limits::TARGETS_MAX;
use crate::machine::{Machine, Status};
use crate::model::{self, Work};
use crate::predict::predict;
use crate::survive::{codes_that_survive_a_domain, survival};

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
        let last =
            |alt: &Alternative| (alt.has_too_many_nodes(), alt.over_quota_vcpus > 0, !alt.unknown.is_empty());
        let unconfirmed = |alt: &Alternative| alt.machine.status == Status::Unconfirmed;
        let by_order = || {
            unconfirmed(x)
                .cmp(&unconfirmed(y))
                .then(better(request, x, y))
                .then(x.machine.name.cmp(&y.machine.name))
        };
        last(x).cmp(&last(y)).then_with(|| if named { Ordering::Equal } else { by_order() })
    });
    if let Some(fewest) =
        alternatives.iter().min_by_key(|alt| alt.nodes).filter(|alt| alt.has_too_many_nodes())
    {
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
fn better(request: &Request, x: &Alternative, y: &Alternative) -> Ordering {
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
    let least =
        alternatives.iter().min_by_key(|alt| (alt.has_too_many_nodes(), alt.vcpus.unwrap_or(u64::MAX)));
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
