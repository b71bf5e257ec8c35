//! What can be permitted: lists of actions, in the two forms that ARM has for them.

use isobar_arm::ArmError;
use isobar_records::Snapshot;
use serde_json::{Value, json};

use super::versions::PROVIDER_OPERATIONS;
use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Catalog, Display, Gate, NAMESPACE, Operation, Versions};

const ALL: &str = "/providers/Microsoft.Authorization/providerOperations";
const ONE: &str = "/providers/Microsoft.Authorization/providerOperations/{namespace}";
const READ: &str = "Microsoft.Authorization/providerOperations/read";
const SHOW: Display = Display::of("Operations", "Get operations", "Reads what can be permitted.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Operations_List", "/providers/Isobar.Storage/operations")
            .for_programs("provider operation show says the same in the form that people are used to")
            .action(
                "Isobar.Storage/operations/read",
                Display::of("Operations", "List operations", "Reads the operations of this namespace."),
            )
            .gate(Gate::LoggedIn)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "OperationList", "The operations.")]),
        read!(operations),
    ),
    Row::new(
        Operation::get("ProviderOperations_List", ALL)
            .command("provider operation list")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .versions(PROVIDER_OPERATIONS)
            .answers(&[Answer::of(200, "ProviderOperationsList", "Those of all namespaces.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("ProviderOperations_Get", ONE)
            .command("provider operation show")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .versions(PROVIDER_OPERATIONS)
            .answers(&[Answer::of(200, "ProviderOperations", "Those of the namespace.")]),
        read!(get),
    ),
];

/// A namespace in words: `Isobar Storage`.
fn words(namespace: &str) -> String {
    namespace.replace('.', " ")
}

async fn operations(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let actions = call.app.catalog.actions(NAMESPACE).into_iter().map(|action| {
        json!({
            "name": action.name,
            "isDataAction": false,
            "origin": "user,system",
            "display": {
                "provider": words(NAMESPACE),
                "resource": action.display.resource,
                "operation": action.display.operation,
                "description": action.display.description,
            },
        })
    });
    Ok(Reply::json(200, json!({"value": actions.collect::<Vec<_>>()})))
}

fn document(catalog: &Catalog, namespace: &'static str) -> Value {
    let actions = catalog.actions(namespace);
    let of_type = |name: &'static str| -> Vec<Value> {
        let prefix = format!("{namespace}/{name}/").to_lowercase();
        // Those of the type itself, and not of types below it.
        let own = actions.iter().filter(|action| {
            let rest = action.name.to_lowercase();
            let rest = rest.strip_prefix(&prefix).map(|rest| rest.trim_end_matches("/action").to_owned());
            rest.is_some_and(|rest| !rest.contains('/'))
        });
        own.map(|action| {
            json!({
                "name": action.name,
                "displayName": action.display.operation,
                "description": action.display.description,
                "origin": "user,system",
                "isDataAction": false,
                "properties": null,
            })
        })
        .collect()
    };
    let types: Vec<Value> = catalog
        .types(namespace)
        .iter()
        .map(|of| json!({"name": of.name, "displayName": of.name, "operations": of_type(of.name)}))
        .collect();
    json!({
        "id": format!("/providers/Microsoft.Authorization/providerOperations/{namespace}"),
        "name": namespace,
        "type": "Microsoft.Authorization/providerOperations",
        "displayName": words(namespace),
        "resourceTypes": types,
        "operations": [],
    })
}

async fn list(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let catalog = &call.app.catalog;
    let all = catalog.namespaces().into_iter().map(|namespace| document(catalog, namespace));
    Ok(Reply::json(200, json!({"value": all.collect::<Vec<_>>()})))
}

async fn get(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let catalog = &call.app.catalog;
    let name = call.params.get("namespace");
    let namespace = catalog.namespace(name).ok_or_else(|| {
        let message = format!("Provider '{name}' not found.");
        ArmError::new(404, "ProviderNotFound", message)
    })?;
    Ok(Reply::json(200, document(catalog, namespace)))
}
