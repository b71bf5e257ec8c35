//! Probes: what this node measures for `isobar validate`. One measurement at a time, each bounded in bytes
//! and time whatever the request says; who only answers (`About`, `Clock`, `Sink`) is not measuring.

mod about;
mod device;
mod mtu;
mod stream;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use isobar_wire::message::probe::{ProbeReply, ProbeRequest};
use isobar_wire::permissions::may_probe;
use isobar_wire::{Refusal, Request, Responder};

use crate::context::NodeContext;

/// Answers a probe.
pub(crate) fn handle(node: &Arc<NodeContext>, request: Request, responder: Responder) {
    let Ok(wanted) = isobar_wire::decode::<ProbeRequest>(&request.body) else {
        return responder.refuse(Refusal::Unreadable);
    };
    if let Err(refusal) = may_probe(request.from, &wanted) {
        return responder.refuse(refusal);
    }
    let shared = node.clone();
    match wanted {
        ProbeRequest::Clock => responder.reply(&ProbeReply::Clock { unix_ns: unix_ns() }),
        ProbeRequest::Sink => responder.reply(&ProbeReply::Sunk),
        ProbeRequest::About => {
            let about = move || responder.reply(&ProbeReply::About(Box::new(about::facts(&shared))));
            drop(tokio::task::spawn_blocking(about));
        }
        ProbeRequest::Echo { nonce } => drop(tokio::spawn(async move {
            responder.reply(&said(mtu::listen(&shared, nonce).await.map(|port| ProbeReply::Echo { port })));
        })),
        ProbeRequest::Device { slot, milliseconds } => {
            measuring(shared, responder, move |shared| async move {
                let measure = move || device::rates(&shared, slot, milliseconds).map(ProbeReply::Device);
                tokio::task::spawn_blocking(measure).await.map_err(|e| e.to_string())?
            })
        }
        ProbeRequest::Stream { to, milliseconds } => measuring(shared, responder, move |shared| async move {
            stream::rate(&shared, &to, milliseconds).await.map(ProbeReply::Stream)
        }),
        ProbeRequest::PathMtu { to } => measuring(shared, responder, move |shared| async move {
            mtu::find(&shared, &to).await.map(ProbeReply::PathMtu)
        }),
    }
}

/// Runs a measurement unless one is under way.
fn measuring<F, R>(shared: Arc<NodeContext>, responder: Responder, measure: F)
where
    F: FnOnce(Arc<NodeContext>) -> R + Send + 'static,
    R: Future<Output = Result<ProbeReply, String>> + Send,
{
    tokio::spawn(async move {
        let Ok(_one) = shared.probing.clone().try_acquire_owned() else {
            return responder
                .reply(&ProbeReply::Not("the node is measuring for somebody else: ask again later".into()));
        };
        responder.reply(&said(measure(shared).await));
    });
}

fn said(outcome: Result<ProbeReply, String>) -> ProbeReply {
    outcome.unwrap_or_else(ProbeReply::Not)
}

fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
