//! Schemathesis reads the OpenAPI document, sends what it allows and what it does not, and compares the
//! answers with it: no server error, and no answer, header or body that is not documented.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{LOCKS, World};
use crate::python;
use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::json;

/// The version that was tried.
const PACKAGES: &[&str] = &["schemathesis==4.32.5"];
/// Cases of each operation that are drawn; those of the coverage phase come on top.
const CASES: &str = "6";
/// Left out: what a document cannot say. That a filter has a grammar, that a tag matches, that a size exists;
/// that a member which is null is as one that is absent, as ARM's clients send it, and that conditions are
/// looked at before the body.
const NOT_CHECKED: &str = "positive_data_acceptance,negative_data_rejection";

/// Names of what is there, and of what the run may take away.
fn settings(world: &World<'_>) -> String {
    format!(
        r#"
[parameters]
subscriptionId = "{}"
resourceGroupName = "rg1"
clusterName = "weather"
nodeName = "n1"
validationName = "run-1"
location = "uksouth"

[[operations]]
include-operation-id = "ResourceGroups_Delete"
parameters = {{ resourceGroupName = "rg2" }}

[[operations]]
include-operation-id = "Clusters_Delete"
parameters = {{ clusterName = "other" }}

[[operations]]
include-operation-id = "Subscriptions_PutLifecycle"
parameters = {{ subscriptionId = "11111111-2222-4333-8444-555555555555" }}
"#,
        world.subscription
    )
}

fn schemathesis(programs: &Path, world: &World<'_>) -> Command {
    let folder = world.folder.path();
    let settings_file = folder.join("schemathesis.toml");
    std::fs::write(&settings_file, settings(world)).expect("a file");
    let document = folder.join("openapi.json");
    std::fs::write(&document, isobar_control::openapi_document().to_string()).expect("a file");
    let token = world.client.token.as_deref().unwrap_or_default();
    let mut command = Command::new(programs.join("schemathesis"));
    command.arg("--config-file").arg(settings_file).arg("run").arg(document);
    command.args(["-u", &world.client.url, "-H", &format!("Authorization: Bearer {token}")]);
    command.arg("--tls-verify").arg(world.running.ca_file.as_ref().expect("an authority"));
    command.args(["--phases", "examples,coverage,fuzzing", "-n", CASES, "--exclude-checks", NOT_CHECKED]);
    command.args([
        "--seed",
        "1",
        "--generation-deterministic",
        "--continue-on-failure",
        "-w",
        "1",
        "--no-color",
    ]);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

async fn the_document(database: TestDatabase) {
    let Some(programs) = python::programs("schemathesis", PACKAGES) else { return };
    let world = World::start(&database).await;
    for group in ["rg1", "rg2"] {
        world.make_group(group).await;
    }
    world.make_small_cluster("rg1", "weather", true).await;
    world.make_small_cluster("rg1", "other", false).await;
    let lock = world.at("/resourceGroups/rg1/providers/Microsoft.Authorization/locks/keep", LOCKS);
    world.client.put(&lock, json!({"properties": {"level": "CanNotDelete"}})).await.expect(201);
    let mut command = schemathesis(&programs, &world);
    let run = tokio::task::spawn_blocking(move || command.output()).await;
    let run = run.expect("a thread").expect("schemathesis runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

#[test]
fn every_answer_is_as_the_document_says() {
    on_sqlite(the_document);
}
