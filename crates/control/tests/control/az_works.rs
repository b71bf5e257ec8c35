//! The real `az` against a real control plane: what its users do first.
//!
//! `az` is taken from the variable ISOBAR_AZ, or from PyPI.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::common::{World, people};
use crate::python;
use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The version that was tried: 750 MB of it.
const PACKAGE: &str = "azure-cli==2.91.0";

/// Where `az` is, if it is anywhere.
fn az() -> Option<PathBuf> {
    let given = std::env::var_os("ISOBAR_AZ").map(PathBuf::from);
    given.or_else(|| Some(python::programs("az", &[PACKAGE])?.join("az")))
}

/// Somebody at a terminal, with settings of his own.
struct User {
    az: PathBuf,
    home: TempDir,
    ca: PathBuf,
}

impl User {
    async fn output(&self, line: &str) -> Output {
        let mut command = Command::new(&self.az);
        command.args(line.split(' ')).env("AZURE_CONFIG_DIR", self.home.path());
        command.env("REQUESTS_CA_BUNDLE", &self.ca).env("AZURE_CORE_COLLECT_TELEMETRY", "no");
        let run = tokio::task::spawn_blocking(move || command.output());
        run.await.expect("a thread").expect("az runs")
    }

    /// Runs a command that has to work; gives what it prints.
    async fn run(&self, line: &str) -> Value {
        let output = self.output(line).await;
        let shown = line.split(" -p ").next().unwrap_or_default();
        assert!(output.status.success(), "az {shown}: {}", String::from_utf8_lossy(&output.stderr));
        if output.stdout.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("az {shown}: {error}"))
    }

    /// Runs a command that has to fail; gives what it complains.
    async fn fail(&self, line: &str) -> String {
        let output = self.output(line).await;
        assert!(!output.status.success(), "az {line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

async fn first_steps(database: TestDatabase) {
    let Some(az) = az() else { return };
    let world = World::start(&database).await;
    let home = tempfile::tempdir().expect("a folder");
    let user = User { az, home, ca: world.running.ca_file.clone().expect("an authority") };
    logs_in(&user, &world).await;
    makes_groups(&user, &world).await;
    locks_and_tags(&user, &world).await;
    looks_around(&user, &world).await;
    deploys_templates(&user, &world).await;
    deploys_from_python(&user, &world).await;
    has_clusters(&user, &world).await;
}

async fn logs_in(user: &User, world: &World<'_>) {
    let url = &world.running.url;
    user.run(&format!("cloud register -n isobar --endpoint-resource-manager {url}/")).await;
    user.run("cloud set -n isobar").await;
    let (client, secret) = &world.first;
    let tenant = &world.running.tenant;
    let wrong = user.fail(&format!("login --service-principal -u {client} -p wrong --tenant {tenant}")).await;
    assert!(wrong.contains("AADSTS7000215"), "{wrong}");
    let login = format!("login --service-principal -u {client} -p {secret} --tenant {tenant}");
    let accounts = user.run(&login).await;
    assert_eq!(accounts[0]["id"], world.subscription);
    user.run(&login.replace(tenant.as_str(), "adfs")).await;
    logs_in_by_certificate(user, world).await;
    user.run(&login).await;
    let places = user.run("account list-locations").await;
    assert_eq!(places[0]["name"], "uksouth");
}

/// Makes a key with its certificate, as PEM.
const MAKE_CERTIFICATE: &str = r#"
from datetime import datetime, timedelta, timezone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
now, day = datetime.now(timezone.utc), timedelta(days=1)
made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256()))
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode()
    + made.public_bytes(s.Encoding.PEM).decode())
"#;

async fn logs_in_by_certificate(user: &User, world: &World<'_>) {
    let made = Command::new(user.az.with_file_name("python3")).args(["-c", MAKE_CERTIFICATE]).output();
    let made = made.expect("python runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = user.home.path().join("robot.pem");
    std::fs::write(&file, &made.stdout).expect("a file");
    let robot = people::make(world, "robot").await;
    let path = format!("/v1.0/servicePrincipals/{}/addKey", robot.object_id);
    let pem = String::from_utf8(made.stdout).expect("PEM");
    world.client.json("POST", &path, json!({"key": pem})).await.expect(200);
    let scope = format!("/subscriptions/{}", world.subscription);
    people::give(&world.client, &robot, people::READER, &scope, 900).await.expect(201);
    let (app, file, tenant) = (&robot.app_id, file.display(), &world.running.tenant);
    let accounts =
        user.run(&format!("login --service-principal -u {app} --certificate {file} --tenant {tenant}")).await;
    assert_eq!(accounts[0]["user"]["name"], json!(app));
    let refused = user.fail("group create -n rg9 -l uksouth").await;
    assert!(refused.contains("AuthorizationFailed"), "{refused}");
}

async fn makes_groups(user: &User, world: &World<'_>) {
    let made = user.run("group create -n Rg1 -l uksouth --tags a=1").await;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(user.run("group list").await.as_array().map(Vec::len), Some(1));
    assert_eq!(user.run("group show -n rg1").await["tags"], json!({"a": "1"}));
    assert_eq!(user.run("group exists -n rg2").await, json!(false));
    assert_eq!(user.run("group update -n rg1 --set tags.b=2").await["tags"]["b"], "2");
    let wrong = user.fail("group create -n rg2 -l mars").await;
    assert!(wrong.contains("LocationNotAvailableForResourceType"), "{wrong}");
    user.run("group create -n rg2 -l local").await;
    user.run("group delete -n rg2 -y").await;
    assert_eq!(user.run("group exists -n rg2").await, json!(false));
    let rest = user
        .run("rest --method get --url /subscriptions/{subscriptionId}/resourcegroups?api-version=2024-11-01")
        .await;
    assert_eq!(rest["value"][0]["name"], "Rg1");
    world.make_cluster("Rg1", "c1", json!({"env": "prod"})).await;
    assert_eq!(user.run("resource list -g rg1").await[0]["name"], "c1");
    assert_eq!(user.run("resource list --tag env=prod").await[0]["name"], "c1");
}

async fn locks_and_tags(user: &User, world: &World<'_>) {
    user.run("lock create -n keep --lock-type CanNotDelete -g rg1").await;
    let refused = user.fail("group delete -n rg1 -y").await;
    assert!(refused.contains("ScopeLocked"), "{refused}");
    assert_eq!(user.run("lock list").await[0]["name"], "keep");
    user.run("lock delete -n keep -g rg1").await;
    assert_eq!(user.run("lock list").await, json!([]));
    let group = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription);
    let tags = user.run(&format!("tag update --resource-id {group} --operation Merge --tags c=3")).await;
    assert_eq!(tags["properties"]["tags"], json!({"a": "1", "b": "2", "c": "3"}));
}

async fn looks_around(user: &User, world: &World<'_>) {
    let roles = user.run("role assignment list --all").await;
    assert_eq!(roles[0]["roleDefinitionName"], "Owner");
    let made = world.client.json("POST", "/v1.0/servicePrincipals", json!({"displayName": "robot"})).await;
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let group = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription);
    let create = "role assignment create --role Reader --assignee-principal-type ServicePrincipal";
    let given = user.run(&format!("{create} --assignee-object-id {id} --scope {group}")).await;
    assert_eq!(given["properties"]["principalId"], id, "{given}");
    let of_group = user.run(&format!("role assignment list --scope {group}")).await;
    assert!(of_group.as_array().is_some_and(|list| !list.is_empty()), "{of_group}");
    let app = made.body["appId"].as_str().expect("an id");
    let of_robot = user.run(&format!("role assignment list --assignee {app} --scope {group}")).await;
    assert_eq!(of_robot[0]["roleDefinitionName"], "Reader", "{of_robot}");
    user.run(&format!("role assignment delete --assignee {app} --scope {group}")).await;
    let owner = user.run("role definition list --name Owner").await;
    assert_eq!(owner[0]["roleName"], "Owner", "{owner}");
    let providers = user.run("provider list").await;
    let ours = providers.as_array().expect("a list").iter().find(|of| of["namespace"] == "Isobar.Storage");
    assert_eq!(ours.expect("our namespace")["registrationState"], "Registered");
    user.run("provider register -n Isobar.Storage --wait").await;
    let operations = user.run("provider operation show --namespace Isobar.Storage").await;
    assert_eq!(operations["name"], "Isobar.Storage");
    let log = user.run("monitor activity-log list --resource-group rg1 --offset 1h").await;
    assert!(log.as_array().is_some_and(|list| !list.is_empty()), "{log}");
}

/// A template as people write them: with comments, a text over several lines, and a comma too many.
const TEMPLATE: &str = r#"{
  // What may not be deleted.
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "name": {"type": "string", "metadata": {"description": "The name of the lock."}},
    "level": {"type": "string", "defaultValue": "CanNotDelete", "allowedValues": ["CanNotDelete", "ReadOnly"]}
  },
  /* One
     lock. */
  "resources": [
    {
      "type": "Microsoft.Authorization/locks",
      "apiVersion": "2020-05-01",
      "name": "[concat(parameters('name'),
                '-lock')]",
      "properties": {"level": "[parameters('level')]"}
    }
  ],
  "outputs": {
    "id": {"type": "string", "value": "[resourceId('Microsoft.Authorization/locks', concat(parameters('name'), '-lock'))]"},
    "level": {"type": "string", "value": "[reference(concat(parameters('name'), '-lock')).level]"}
  }
}
"#;

async fn deploys_templates(user: &User, world: &World<'_>) {
    let file = user.home.path().join("template.json");
    std::fs::write(&file, TEMPLATE).expect("a template");
    let given = format!("-g rg1 -n d1 -f {} -p name=keep", file.display());
    let valid = user.run(&format!("deployment group validate {given}")).await;
    assert_eq!(valid["properties"]["provisioningState"], "Succeeded", "{valid}");
    let told = user.run(&format!("deployment group what-if {given} --no-pretty-print")).await;
    let kinds: Vec<&str> = told["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|of| of["changeType"].as_str())
        .collect();
    assert_eq!(kinds, ["Create", "Ignore"], "{told}");
    let shown = user.output(&format!("deployment group what-if {given}")).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("1 to create"), "{shown}");
    let made = user.run(&format!("deployment group create {given}")).await;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded", "{made}");
    assert_eq!(made["properties"]["outputs"]["level"]["value"], "CanNotDelete", "{made}");
    assert_eq!(user.run("lock list -g rg1").await[0]["name"], "keep-lock");
    let of_one = "-g rg1 -n d1";
    assert_eq!(user.run(&format!("deployment group show {of_one}")).await["name"], "d1");
    assert_eq!(user.run("deployment group list -g rg1").await.as_array().map(Vec::len), Some(1));
    user.run(&format!("deployment group wait {of_one} --created")).await;
    let operations = user.run(&format!("deployment operation group list {of_one}")).await;
    assert_eq!(operations[0]["properties"]["targetResource"]["resourceName"], "keep-lock", "{operations}");
    let exported = user.run(&format!("deployment group export {of_one}")).await;
    assert_eq!(exported["contentVersion"], "1.0.0.0", "{exported}");
    let refused = user.fail(&format!("deployment group cancel {of_one}")).await;
    assert!(refused.contains("DeploymentCannotBeCancelled"), "{refused}");
    let wrong = user.fail(&format!("deployment group create {given} level=Some")).await;
    assert!(wrong.contains("not one of those that are allowed"), "{wrong}");
    let complete = user.fail(&format!("deployment group create {given} --mode Complete")).await;
    assert!(complete.contains("The mode Complete is not supported"), "{complete}");
    user.run("lock delete -n keep-lock -g rg1").await;
    user.run(&format!("deployment group delete {of_one}")).await;
    let path = "/resourceGroups/rg1/providers/Microsoft.Resources/deployments/d1";
    world.client.get(&world.at(path, "2025-04-01")).await.refused(404, "DeploymentNotFound");
}

/// The SDK that `az` brings along, with a token instead of its own login.
const PYTHON: &str = r#"
import json, os, sys, time
from azure.core.credentials import AccessToken
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

class Static:
    def get_token(self, *scopes, **_):
        return AccessToken(os.environ["TOKEN"], int(time.time()) + 3000)

url = os.environ["URL"]
client = DeploymentsMgmtClient(Static(), os.environ["SUBSCRIPTION"], base_url=url, credential_scopes=[url + "/.default"])
lock = {"type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": "py", "properties": {"level": "CanNotDelete"}}
template = {"$schema": "https://s", "contentVersion": "1.0.0.0", "resources": [lock]}
body = {"properties": {"mode": "Incremental", "template": template, "parameters": {}}}
deployments = client.deployments
assert deployments.begin_validate("rg1", "py", body).result().error is None
assert deployments.begin_what_if("rg1", "py", body).result().changes[0].change_type == "Create"
made = deployments.begin_create_or_update("rg1", "py", body).result()
assert made.properties.provisioning_state == "Succeeded", made
assert [one.name for one in deployments.list_by_resource_group("rg1")] == ["py"]
assert deployments.check_existence("rg1", "py")
operations = list(client.deployment_operations.list("rg1", "py"))
assert operations[0].properties.target_resource.resource_name == "py", operations
assert deployments.export_template("rg1", "py").template["contentVersion"] == "1.0.0.0"
"#;

async fn deploys_from_python(user: &User, world: &World<'_>) {
    let python = user.az.with_file_name("python3");
    if !python.exists() {
        writeln!(std::io::stderr(), "there is no {}: the test with it is skipped", python.display())
            .expect("a line");
        return;
    }
    let mut command = Command::new(python);
    command.args(["-c", PYTHON]).env("REQUESTS_CA_BUNDLE", &user.ca).env("URL", &world.client.url);
    command
        .env("SUBSCRIPTION", &world.subscription)
        .env("TOKEN", world.client.token.as_deref().unwrap_or_default());
    let run =
        tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("it runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    user.run("lock delete -n py -g rg1").await;
}

async fn has_clusters(user: &User, world: &World<'_>) {
    user.run("group create -n rg3 -l uksouth").await;
    let of = "-g rg3 -n weather --resource-type Isobar.Storage/clusters";
    // A space would end an argument here.
    let properties = r#"{"nodeCount":3,"deletionProtection":true}"#;
    let made = user.run(&format!("resource create {of} -l uksouth --properties {properties}")).await;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded", "{made}");
    let shown = user.run(&format!("resource show {of}")).await;
    assert_eq!(shown["properties"]["health"]["state"], "Healthy", "{shown}");
    let listed = user.run("resource list -g rg3 --resource-type Isobar.Storage/clusters").await;
    assert_eq!(listed[0]["name"], "weather", "{listed}");
    let health = user.run(&format!("resource invoke-action {of} --action checkHealth")).await;
    // az shows of an answer only what it knows by name.
    assert!(health.is_object(), "{health}");
    let id = made["id"].as_str().expect("an id");
    let validation =
        user.run(&format!("resource create --id {id}/validations/run-1 --properties {{}}")).await;
    assert_eq!(validation["properties"]["verdict"], "Passed", "{validation}");
    let tagged = user.run(&format!("resource tag {of} --tags env=prod")).await;
    assert_eq!(tagged["tags"], json!({"env": "prod"}), "{tagged}");
    // az keeps the reason to itself unless it is asked.
    let refused = user.fail(&format!("resource delete {of} --verbose")).await;
    assert!(refused.contains("DeletionProtected"), "{refused}");
    let updated = user.run(&format!("resource update {of} --set properties.deletionProtection=false")).await;
    assert_eq!(updated["properties"]["deletionProtection"], false, "{updated}");
    let of_lock = "-n keep -g rg3 --resource weather --resource-type Isobar.Storage/clusters";
    user.run(&format!("lock create --lock-type CanNotDelete {of_lock}")).await;
    let refused = user.fail(&format!("resource delete {of} --verbose")).await;
    assert!(refused.contains("ScopeLocked"), "{refused}");
    user.run(&format!("lock delete {of_lock}")).await;
    user.run(&format!("resource delete {of}")).await;
    assert!(world.machines.there_is().is_empty());
}

#[test]
fn the_first_steps_of_a_user_work() {
    on_sqlite(first_steps);
}
