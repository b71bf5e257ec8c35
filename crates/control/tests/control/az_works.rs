//! The real `az` against a real control plane: what its users do first.
//!
//! `az` is taken from the variable ISOBAR_AZ, or, where ISOBAR_INSTALL is set (as `./test` does), installed
//! from PyPI into a virtual environment beside the build, once: it takes 750 MB. Where there is none the test
//! says so in one line and passes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::World;
use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The version that was tried.
const PACKAGE: &str = "azure-cli==2.91.0";
/// How long installing it may take.
const INSTALL_SECONDS_MAX: u32 = 600;

/// Where `az` is, if it is anywhere.
fn az() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("ISOBAR_AZ") {
        return Some(given.into());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("az-venv");
    let az = folder.join("bin/az");
    // A file that is written last says that nothing is missing.
    let whole = folder.join("whole");
    if !whole.exists() {
        std::env::var_os("ISOBAR_INSTALL")?;
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().ok()?;
        let pip = folder.join("bin/pip");
        let mut install = Command::new("timeout");
        install.arg(INSTALL_SECONDS_MAX.to_string()).arg(pip).args([
            "install",
            "-q",
            "--no-cache-dir",
            PACKAGE,
        ]);
        let installed = install.output().ok()?;
        if !made.status.success() || !installed.status.success() {
            return None;
        }
        std::fs::write(&whole, PACKAGE).ok()?;
    }
    az.exists().then_some(az)
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
    let Some(az) = az() else {
        // The test's own output is shown only when it fails.
        let line = "az is not there (ISOBAR_AZ names one, ISOBAR_INSTALL=1 installs one): the test with it is skipped";
        writeln!(std::io::stderr(), "{line}").expect("a line");
        return;
    };
    let world = World::start(&database).await;
    let home = tempfile::tempdir().expect("a folder");
    let user = User { az, home, ca: world.running.ca_file.clone() };
    logs_in(&user, &world).await;
    makes_groups(&user, &world).await;
    locks_and_tags(&user, &world).await;
    looks_around(&user, &world).await;
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
    let places = user.run("account list-locations").await;
    assert_eq!(places[0]["name"], "uksouth");
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

#[test]
fn the_first_steps_of_a_user_work() {
    on_sqlite(first_steps);
}
