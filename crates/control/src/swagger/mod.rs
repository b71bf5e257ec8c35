//! The part of the table that is our own as a Swagger 2.0 document, for what reads nothing newer: makers
//! of SDKs for Azure, and Microsoft's rules for ARM.
//!
//! It has the operations of [`NAMESPACE`] alone: what is Microsoft's, Microsoft describes. It says the same
//! as the OpenAPI document, in the forms that those readers know:
//!
//! - A resource is one of the kinds that all providers share, by `allOf`, and has what is its own besides.
//! - Whatever has properties is a definition of its own, and each enumeration has a name: both become types.
//! - `x-ms-…`: what goes on after it was answered, and where its end is found; which lists have pages; what
//!   tells items of an array from each other.
//!
//! What all providers share is in `data/common-types.json`, by the names that it has in Microsoft's
//! `common-types/resource-management/v6/types.json`, and is marked by `x-isobar-common`. Documents in
//! Microsoft's tree refer to that file by a relative path, which leads nowhere from a document that a server
//! hands out. So it is included: makers of SDKs know those types by their form, and nobody has to look for
//! another file.
//!
//! | file | what |
//! |---|---|
//! | `operation` | parameters and answers |
//! | `definitions` | schemas |

mod definitions;
mod operation;

use serde_json::{Map, Value, json};

use crate::table::{NAMESPACE, OUR_NEWEST_VERSION, Operation};
use definitions::Definitions;
use operation::Parameters;

/// What all providers share: `definitions` and `parameters`, by name.
const SHARED: &str = include_str!("../../data/common-types.json");
/// Marks it in the document.
const IS_SHARED: &str = "x-isobar-common";

/// Whether an operation is our own.
fn is_ours(operation: &Operation) -> bool {
    operation.path.contains(&format!("/providers/{NAMESPACE}/"))
}

/// What is shared, by kind and name, marked.
fn shared(kind: &str) -> Map<String, Value> {
    let all: Value = serde_json::from_str(SHARED).unwrap_or_default();
    let mut shared = all[kind].as_object().cloned().unwrap_or_default();
    for one in shared.values_mut() {
        one[IS_SHARED] = json!(true);
    }
    shared
}

/// The document of these operations, as far as they are our own. It names no host: requests go to where the
/// document came from.
pub(crate) fn document(operations: impl IntoIterator<Item = &'static Operation>) -> Value {
    let mut definitions = Definitions::default();
    let mut parameters = Parameters::default();
    let mut paths = Map::new();
    for operation in operations.into_iter().filter(|operation| is_ours(operation)) {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_lowercase();
        path[method] = operation::document(operation, &mut definitions, &mut parameters);
    }
    json!({
        "swagger": "2.0",
        "info": {
            "title": NAMESPACE,
            "description": "Clusters of the Isobar parallel file system.",
            "version": OUR_NEWEST_VERSION.to_string(),
        },
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "security": [{"bearer": []}],
        "securityDefinitions": {
            "bearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "Bearer and a token of this server's login.",
            },
        },
        "paths": paths,
        "definitions": definitions.made(),
        "parameters": parameters.made(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{openapi_document, operations};

    #[test]
    fn all_that_is_ours_is_there_and_nothing_else() {
        let (swagger, openapi) = (document(operations()), openapi_document());
        let of = |document: &Value| -> Vec<String> {
            document["paths"].as_object().expect("paths").keys().cloned().collect()
        };
        let mut ours = of(&openapi);
        ours.retain(|path| path.contains("/providers/Isobar.Storage/"));
        assert_eq!(of(&swagger), ours);
        assert!(ours.len() > 15, "{ours:?}");
        for path in ours {
            let methods = |document: &Value| -> Vec<String> {
                document["paths"][&path].as_object().expect("methods").keys().cloned().collect()
            };
            assert_eq!(methods(&swagger), methods(&openapi), "{path}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_everything_is_referred_to() {
        let document = document(operations());
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let reference = reference.split('"').next().expect("a reference");
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        for kind in ["definitions", "parameters"] {
            for name in document[kind].as_object().expect("an object").keys() {
                assert!(text.contains(&format!("\"#/{kind}/{name}\"")), "nobody uses {name}");
            }
        }
        assert!(!text.contains("components/schemas") && !text.contains("nullable\":"), "OpenAPI's own");
    }
}
