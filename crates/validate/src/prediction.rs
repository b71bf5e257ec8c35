//! What the model says this cluster should reach, with the rates that the pre-flight has measured.

use isobar_plan::Prediction;

use crate::measure::small_file_bytes;
use crate::options::Options;
use crate::preflight::{self, Preflight, cluster_facts};

/// The prediction, where there can be one, and how it was made or why there is none.
pub(crate) fn predict(options: &Options, preflight: &Preflight) -> (Option<Prediction>, String) {
    if options.skip.devices && options.skip.network {
        return (None, "no prediction: the rates of network and devices were not measured".to_owned());
    }
    let assumptions = preflight::assumptions(&preflight.sharing);
    let predicted = cluster_facts(&options.spec, preflight, small_file_bytes())
        .and_then(|facts| isobar_plan::predict(&facts, &assumptions));
    match predicted {
        Ok(prediction) => {
            let missing = match prediction.unknown.as_slice() {
                [] => String::new(),
                unknown => format!("; not known, and so no limit: {}", unknown.join(", ")),
            };
            let clients = if preflight.sharing.with_clients {
                ", processor time of the clients included since they run on the nodes' machine"
            } else {
                ""
            };
            let method = format!(
                "isobar plan's arithmetic for {} nodes, {}, with the pre-flight's rates per node while all nodes work at once, efficiency {} (assumed){clients}{missing}; isobar plan --explain lists the other numbers",
                prediction.nodes,
                prediction.code,
                crate::Quantity::Share(assumptions.efficiency),
            );
            (Some(prediction), method)
        }
        Err(error) => (None, format!("no prediction: {error}")),
    }
}
