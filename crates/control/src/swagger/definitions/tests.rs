//! What becomes of our schemas.

use super::*;

fn made(schema: &str) -> Map<String, Value> {
    let mut definitions = Definitions::default();
    definitions.reference(schema);
    definitions.made()
}

#[test]
fn a_resource_is_of_a_shared_kind_and_has_the_rest_itself() {
    let made = made("Cluster");
    let cluster = &made["Cluster"];
    assert_eq!(cluster["allOf"], json!([{"$ref": "#/definitions/TrackedResource"}]));
    let own: Vec<&String> = cluster["properties"].as_object().expect("properties").keys().collect();
    assert_eq!(own, ["etag", "properties", "sku"]);
    assert_eq!(cluster["required"], json!(["properties"]));
    assert!(made.contains_key("SystemData") && made["Resource"]["x-isobar-common"] == true);
    let node = Definitions::default().named("Node");
    assert_eq!(node["allOf"][0]["$ref"], "#/definitions/ProxyResource");
}

#[test]
fn whatever_has_properties_is_a_definition_and_enumerations_have_names() {
    let made = made("Cluster");
    let properties = &made["ClusterProperties"]["properties"];
    assert_eq!(properties["clientInfo"]["$ref"], "#/definitions/ClusterClientInfo");
    assert_eq!(properties["clientInfo"]["readOnly"], true);
    assert!(made["ClusterClientInfo"].get("readOnly").is_none());
    assert_eq!(properties["health"]["$ref"], "#/definitions/ClusterHealth");
    assert!(properties["health"]["description"].is_string());
    let state = &made["ClusterHealth"]["properties"]["state"];
    assert_eq!(state["x-ms-enum"], json!({"name": "ClusterHealthState", "modelAsString": true}));
    assert!(made["Cluster"].get("x-isobar-columns").is_none());
}

#[test]
fn items_are_told_from_each_other() {
    assert!(made("NodeList")["NodeList"]["properties"]["value"].get("x-ms-identifiers").is_none());
    let sizes = &made("NodeSizeList")["NodeSizeList"]["properties"]["value"];
    assert_eq!(sizes["x-ms-identifiers"], json!(["name"]));
    let plan = &made("ClusterPlan")["ClusterPlan"]["properties"]["misfits"];
    assert_eq!(plan["items"]["$ref"], "#/definitions/ClusterPlanMisfit");
    assert_eq!(plan["x-ms-identifiers"], json!([]));
}

#[test]
fn what_is_shared_has_all_that_our_own_schema_has() {
    let definitions = Definitions::default();
    for (ours, shared) in SHARED.iter().filter(|(ours, _)| *ours != "Resource") {
        let shared = &definitions.shared[*shared]["properties"];
        for name in SCHEMAS[*ours]["properties"].as_object().expect("properties").keys() {
            // How far an operation is, in words: Microsoft's type has no place for it.
            let is_extra = (*ours, name.as_str()) == ("OperationStatus", "properties");
            assert!(is_extra || shared.get(name).is_some(), "{ours}: {name}");
        }
    }
}
