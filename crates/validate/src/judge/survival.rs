//! What may be lost, by the arithmetic of the placement.

use isobar_client::ClusterSpec;

use crate::check::{Check, Want};
use crate::quantity::Quantity;
use crate::targets::Survives;
use crate::verdict::Group;

const METHOD: &str =
    "rows and voters counted in fault domains as placement spreads them (isobar plan's arithmetic)";

/// All of them, in the order they are shown.
pub(super) fn checks(spec: &ClusterSpec, wanted: &Survives) -> Vec<Check> {
    let count = spec.node.len() as u32;
    let Ok(code) = isobar_plan::Code::new(spec.data_rows, spec.parity_rows) else { return Vec::new() };
    let mut domains: Vec<&str> = spec.node.iter().map(|n| n.domain.as_str()).collect();
    domains.sort_unstable();
    domains.dedup();
    let survival = isobar_plan::survival(code, count, domains.len() as u32);
    let voters = spec.node.iter().filter(|n| n.voter).count();
    let survived = u32::from(code.parity_rows()).min((voters.saturating_sub(1) / 2) as u32);
    let nodes =
        Check::new("survives.nodes_min", Group::Survives, "Nodes that may be lost at once, any", METHOD)
            .measured(
                Ok(Quantity::Count(f64::from(survived))),
                Want::at_least(wanted.nodes_min.map(|n| Quantity::Count(f64::from(n)))),
            )
            .note(format!("{code} with {voters} metadata voters"));
    let holds = match domains.contains(&"") {
        false => Ok(survival.fault_domain),
        true => {
            Err("the cluster file names no fault domain for some nodes: isobar init NAME=HOST:PORT@DOMAIN"
                .into())
        }
    };
    let domain =
        Check::new("survives.fault_domain", Group::Survives, "A whole fault domain may be lost", METHOD)
            .holds(
                wanted.fault_domain.filter(|wanted| *wanted).map(|_| "yes"),
                holds,
                format!("{} nodes in {} domains: {}", count, domains.len(), survival.description),
            );
    vec![nodes, domain]
}
