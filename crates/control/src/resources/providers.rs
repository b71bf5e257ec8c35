//! Namespaces as a subscription sees them: their types, and whether it uses them.
//!
//! Clients take the newest stable version of a type from here. Our own namespace is registered from the first
//! on:
//! `az` does not register it by itself. Those of Microsoft cannot be left.

use isobar_arm::ArmError;
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Value, json};

use super::versions::RESOURCES;
use crate::call::Call;
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::subscription::unregistered;
use crate::table::{Answer, Display, Gate, NAMESPACE, Operation, ResourceType};

const ALL: &str = "/subscriptions/{subscriptionId}/providers";
const ONE: &str = "/subscriptions/{subscriptionId}/providers/{namespace}";
const READ: &str = "Microsoft.Resources/subscriptions/providers/read";
const SHOW: Display = Display::of("Providers", "Get providers", "Reads namespaces and their types.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Providers_List", ALL)
            .command("provider list")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "ProviderList", "The namespaces.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("Providers_Get", ONE)
            .command("provider show")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "Provider", "The namespace.")]),
        read!(get),
    ),
    Row::new(
        Operation::post(
            "Providers_Register",
            "/subscriptions/{subscriptionId}/providers/{namespace}/register",
        )
        .command("provider register")
        .action(
            "Microsoft.Resources/subscriptions/providers/register/action",
            Display::of("Providers", "Register provider", "Lets the subscription use a namespace."),
        )
        .versions(RESOURCES)
        .answers(&[Answer::of(200, "Provider", "The namespace as it is now.")]),
        write!(register),
    ),
    Row::new(
        Operation::post(
            "Providers_Unregister",
            "/subscriptions/{subscriptionId}/providers/{namespace}/unregister",
        )
        .command("provider unregister")
        .action(
            "Microsoft.Resources/subscriptions/providers/unregister/action",
            Display::of("Providers", "Unregister provider", "Takes a namespace from the subscription."),
        )
        .versions(RESOURCES)
        .answers(&[Answer::of(200, "Provider", "The namespace as it is now.")]),
        write!(unregister),
    ),
];

fn is_ours(namespace: &str) -> bool {
    namespace.eq_ignore_ascii_case(NAMESPACE)
}

fn resource_type(call: &Call, of: &ResourceType) -> Value {
    let in_places = of.tracked || of.name.starts_with("locations/");
    let locations: Vec<&str> = if in_places { call.app.region_names() } else { Vec::new() };
    json!({
        "resourceType": of.name,
        "locations": locations,
        "apiVersions": of.versions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "defaultApiVersion": isobar_arm::newest_stable(&of.versions).map(|version| version.to_string()),
        "capabilities": if of.tracked { "SupportsTags, SupportsLocation" } else { "None" },
    })
}

fn document(call: &Call, subscription: &Stored, namespace: &'static str) -> Value {
    let left = unregistered(subscription).iter().any(|of| of.eq_ignore_ascii_case(namespace));
    let types: Vec<Value> =
        call.app.catalog.types(namespace).iter().map(|of| resource_type(call, of)).collect();
    json!({
        "id": format!("{}/providers/{namespace}", subscription.id),
        "namespace": namespace,
        "registrationState": if left { "NotRegistered" } else { "Registered" },
        "registrationPolicy": if is_ours(namespace) { "RegistrationRequired" } else { "RegistrationFree" },
        "resourceTypes": types,
    })
}

fn namespace_of(call: &Call) -> Result<&'static str, Refusal> {
    let name = call.params.get("namespace");
    Ok(call.app.catalog.namespace(name).ok_or_else(|| ArmError::invalid_resource_namespace(name))?)
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let subscription = Stored::get(snapshot, &call.subscription()?).await?;
    let namespaces = call.app.catalog.namespaces();
    let value: Vec<Value> =
        namespaces.into_iter().map(|namespace| document(call, &subscription, namespace)).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let namespace = namespace_of(call)?;
    let subscription = Stored::get(snapshot, &call.subscription()?).await?;
    Ok(Reply::json(200, document(call, &subscription, namespace)))
}

async fn register(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    change(call, tx, false).await
}

async fn unregister(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    if is_ours(namespace_of(call)?) {
        check_unused(call, tx).await?;
    }
    change(call, tx, true).await
}

/// Refuses to leave a namespace of which there still are resources.
async fn check_unused(call: &Call, tx: &mut Tx) -> Result<(), Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    for of in call.app.catalog.types(NAMESPACE) {
        let kind = format!("{NAMESPACE}/{}", of.name).to_lowercase();
        let filter = ResourceFilter {
            kind: Some(&kind),
            subscription: Some(&subscription),
            ..ResourceFilter::default()
        };
        if tx.count_resources(&filter).await? > 0 {
            let message = format!(
                "The subscription still has resources of the namespace '{NAMESPACE}': delete them first."
            );
            return Err(ArmError::new(409, "CannotUnregisterNamespace", message).into());
        }
    }
    Ok(())
}

async fn change(call: &Call, tx: &mut Tx, leaves: bool) -> Result<Reply, Refusal> {
    let namespace = namespace_of(call)?;
    let id = call.subscription()?;
    let mut subscription = Stored::hold(tx, &id).await?.ok_or_else(|| id.not_found())?;
    let mut left = unregistered(&subscription);
    // Those of Microsoft are always there.
    if is_ours(namespace) && left.iter().any(|of| of.eq_ignore_ascii_case(namespace)) != leaves {
        left.retain(|of| !of.eq_ignore_ascii_case(namespace));
        left.extend(leaves.then(|| namespace.to_lowercase()));
        subscription.document.properties.insert("unregistered".to_owned(), json!(left));
        subscription = subscription.save(tx, call.author()).await?;
    }
    Ok(Reply::json(200, document(call, &subscription, namespace)))
}
