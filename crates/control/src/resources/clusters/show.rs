//! Clusters and nodes as they are answered: what is kept, and what was seen of them last. What was seen is no
//! part of their version.

use isobar_arm::Envelope;
use serde_json::{Map, Value, json};

use crate::call::{Call, object};
use crate::clusters::{deployment_of, is_made, number_of};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::watch::Sight;

/// How a cluster is, as it is answered.
pub(crate) fn health(sight: &Sight, nodes: u64) -> Value {
    let seen = &sight.observation;
    let mut document = object([
        ("state", json!(seen.state)),
        ("statement", json!(seen.statement)),
        ("attention", json!(seen.attention)),
        ("nodesUp", json!(seen.nodes_up())),
        ("nodes", json!(nodes)),
        ("observedAt", json!(sight.at)),
    ]);
    let known = [("nodesMayBeLost", json!(seen.nodes_may_be_lost)), ("leader", json!(seen.leader))];
    document.extend(known.into_iter().filter(|(_, value)| !value.is_null()).map(|(n, v)| (n.to_owned(), v)));
    Value::Object(document)
}

/// A cluster with what was seen of it last.
pub(crate) fn envelope(call: &Call, cluster: &Stored) -> Envelope {
    let mut envelope = cluster.envelope();
    let sight = is_made(cluster).then(|| call.app.watch.last(deployment_of(cluster))).flatten();
    if let Some(sight) = sight {
        let (total, used) = sight.observation.capacity();
        let seen: Map<String, Value> = object([
            ("health", health(&sight, number_of(cluster, "nodeCount"))),
            ("capacity", json!({"totalBytes": total, "usedBytes": used})),
            ("throughput", sight.rates.document()),
        ]);
        envelope.properties.extend(seen);
    }
    envelope
}

/// An item of a list.
pub(crate) fn item(call: &Call, cluster: &Stored) -> Result<Value, Refusal> {
    Ok(Reply::of(200, &envelope(call, cluster))?.body.unwrap_or_default())
}

/// An answer with a cluster.
pub(crate) fn reply(call: &Call, cluster: &Stored, status: u16) -> Result<Reply, Refusal> {
    Ok(Reply { body: Some(item(call, cluster)?), ..cluster.reply(status)? })
}
