//! What would come of a template: `validate` and `whatIf`.
//!
//! Each resource is made by the same request as in a deployment, in one transaction that is never kept. It
//! goes on behind a refusal, so that all of them are told at once; what was refused may have left something
//! in it, and a later refusal may follow from that. What cannot be known before (a property of something that
//! is not made yet) stays as it is written; such a resource, and whatever depends on it, is not tried.

use isobar_arm::{ArmError, ResourceId, names};
use isobar_records::Snapshot;
use isobar_template::{Deployment, Documents};
use serde_json::{Value, json};

use super::body::{self, Asked};
use super::changes::{Change, ignored, shown};
use super::errors::hidden;
use super::looking::{look, missing};
use super::{plan, types};
use crate::call::Call;
use crate::handler::{Inside, Prepared};
use crate::http::Reply;
use crate::inside::Asker;
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::table::Method;

/// A resource that is tried.
struct Attempt {
    /// Its number.
    at: usize,
    id: ResourceId,
    /// As it is now.
    before: Option<Value>,
    /// What it would be made with, as it can be shown.
    shown: Value,
    /// Whether something of it cannot be known yet, or must not be shown.
    unknown: bool,
    /// What makes it; nothing if it cannot be tried.
    request: Option<Prepared>,
    /// What it depends on.
    depends_on: Vec<usize>,
    /// What it is then.
    after: Option<Value>,
}

/// Whether a template could be deployed.
pub(super) async fn validate(call: &Call, inside: &dyn Inside) -> Result<Reply, Refusal> {
    let (asked, parameters, attempts) = attempts(call, inside).await?;
    let attempts = try_all(call, inside, attempts).await?;
    let ids: Vec<Value> = attempts.iter().map(|attempt| json!({"id": attempt.id})).collect();
    Ok(Reply::json(
        200,
        json!({
            "id": call.target, "name": call.target.name(), "type": call.target.resource_type(), "tags": asked.tags,
            "properties": {
                "provisioningState": "Succeeded", "mode": "Incremental", "parameters": parameters,
                "correlationId": call.request.correlation, "timestamp": call.now(), "duration": "PT0S",
                "validatedResources": ids,
            },
        }),
    ))
}

/// What a template would change.
pub(super) async fn what_if(call: &Call, inside: &dyn Inside) -> Result<Reply, Refusal> {
    let (asked, _, attempts) = attempts(call, inside).await?;
    let attempts = try_all(call, inside, attempts).await?;
    let mut changes = Vec::new();
    for attempt in &attempts {
        let making = types::making(&call.app, &attempt.id);
        let change = Change {
            id: &attempt.id,
            before: attempt.before.as_ref(),
            after: attempt.after.as_ref().filter(|_| !attempt.unknown),
            shown: &attempt.shown,
            schema: making.and_then(|operation| operation.body),
        };
        changes.push(shown(&change, asked.ids_only));
    }
    let mut snapshot = call.app.records.read().await?;
    let ids: Vec<&ResourceId> = attempts.iter().map(|attempt| &attempt.id).collect();
    changes.extend(ignored(call, &mut snapshot, &ids, asked.ids_only).await?);
    Ok(Reply::json(200, json!({"status": "Succeeded", "properties": {"changes": changes}})))
}

/// What a request asks for, the values of its parameters as they are shown, and the resources of its
/// template, each as far as it can be known.
async fn attempts(call: &Call, inside: &dyn Inside) -> Result<(Asked, Value, Vec<Attempt>), Refusal> {
    names::DEPLOYMENT.check("deployment", call.target.name())?;
    let asked = body::read(call)?;
    let asker = Asker {
        caller: call.caller.clone(),
        correlation: call.request.correlation.clone(),
        base: call.request.base.clone(),
        now: call.now(),
    };
    let mut snapshot = call.app.records.read().await?;
    let group = Stored::get(&mut snapshot, &body::group(call)?).await?;
    let facts = plan::facts(call, &mut snapshot, &group).await?;
    let mut deployment = plan::read(&asked, facts)?;
    types::check(&call.app, &deployment)?;
    let (mut documents, mut attempts) = (Documents::new(), Vec::new());
    let count = deployment.resources().len();
    for at in 0..count {
        attempts.push(attempt(inside, &asker, &mut snapshot, &mut deployment, &mut documents, at).await?);
    }
    Ok((asked, Value::Object(deployment.parameters()), attempts))
}

async fn attempt(
    inside: &dyn Inside,
    asker: &Asker,
    snapshot: &mut Snapshot,
    deployment: &mut Deployment,
    documents: &mut Documents,
    at: usize,
) -> Result<Attempt, Refusal> {
    let planned = deployment.resources()[at].clone();
    let made = loop {
        let reference = match missing(deployment.body(at, documents), documents) {
            Ok(Ok(made)) => break Some(made),
            Ok(Err(reference)) => reference,
            // It may be wrong because of what another resource is not yet; what else is wrong is told here.
            Err(_) => {
                deployment.shown(at, documents)?;
                break None;
            }
        };
        if deployment.resources().iter().any(|of| of.id == reference.id) {
            break None;
        }
        match look(inside, asker, snapshot, &reference).await {
            Ok(document) => drop(documents.insert(reference, document)),
            Err(Refusal(error)) => return Err(error.with_target(&planned.place).into()),
        }
    };
    let shown = deployment.shown(at, documents)?;
    let before = match inside_get(inside, asker, snapshot, &planned.id, &planned.api_version).await {
        Ok(document) => Some(document),
        Err(Refusal(error)) if error.status() == 404 => None,
        Err(refusal) => return Err(refusal),
    };
    let request = match &made {
        None => None,
        Some(made) => {
            let request = asker.request(Method::Put, &planned.id, &planned.api_version, Some(&made.body))?;
            Some(inside.prepare(request, asker.caller.clone()).await?)
        }
    };
    Ok(Attempt {
        at,
        before,
        shown: shown.body,
        unknown: shown.unknown || made.is_none_or(|made| made.secret),
        request,
        depends_on: planned.depends_on.clone(),
        id: planned.id,
        after: None,
    })
}

async fn inside_get(
    inside: &dyn Inside,
    asker: &Asker,
    snapshot: &mut Snapshot,
    id: &ResourceId,
    api_version: &str,
) -> Result<Value, Refusal> {
    let reference = isobar_template::Reference { id: id.clone(), api_version: api_version.to_owned() };
    look(inside, asker, snapshot, &reference).await
}

/// Makes all of them in a transaction that is never kept.
///
/// # Errors
/// `InvalidTemplateDeployment`, with the refusals as its details.
async fn try_all(
    call: &Call,
    inside: &dyn Inside,
    mut attempts: Vec<Attempt>,
) -> Result<Vec<Attempt>, Refusal> {
    let mut tx = call.app.records.begin().await?;
    let mut refusals = Vec::new();
    let mut untried = Vec::new();
    for attempt in &mut attempts {
        let depends = attempt.depends_on.iter().any(|other| untried.contains(other));
        let Some(request) = attempt.request.as_mut().filter(|_| !depends) else {
            attempt.unknown = true;
            untried.push(attempt.at);
            continue;
        };
        match inside.write(request, &mut tx).await {
            Ok(reply) => attempt.after = reply.body,
            Err(Refusal(error)) if error.status() < 500 => {
                untried.push(attempt.at);
                let error = if attempt.unknown { hidden(error) } else { error };
                let target = attempt.id.to_string();
                refusals.push(if error.target().is_none() { error.with_target(target) } else { error });
            }
            Err(refusal) if refusals.is_empty() => return Err(refusal),
            // What was refused has spoilt the transaction.
            Err(_) => break,
        }
    }
    drop(tx);
    if refusals.is_empty() {
        return Ok(attempts);
    }
    let message = format!(
        "The template deployment '{}' is not valid according to the validation procedure. See inner errors for \
         details.",
        call.target.name()
    );
    Err(ArmError::new(400, "InvalidTemplateDeployment", message).with_details(refusals).into())
}
