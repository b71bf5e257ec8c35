//! Microsoft's SDK for Python against a real control plane, with its own login.

use std::process::Command;

use crate::common::World;
use crate::python;
use isobar_records::testing::{TestDatabase, on_sqlite};

/// The versions that were tried.
const PACKAGES: &[&str] = &["azure-mgmt-resource==24.0.0", "azure-identity==1.27.0"];

/// What somebody automates: a group, a cluster in it, a lock, and all of it away again.
const PROGRAM: &str = r#"
import os
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.resource import ResourceManagementClient

url, group, kind = os.environ["URL"], "py", "clusters"
login = ClientSecretCredential(
    os.environ["TENANT"], os.environ["CLIENT"], os.environ["SECRET"],
    authority=url, disable_instance_discovery=True)
client = ResourceManagementClient(
    login, os.environ["SUBSCRIPTION"], base_url=url, credential_scopes=[url + "/.default"])

# A certificate logs in as well as a secret.
from datetime import datetime, timedelta, timezone
import requests
from azure.identity import CertificateCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
now, day = datetime.now(timezone.utc), timedelta(days=1)
certificate = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256()))
pem = certificate.public_bytes(serialization.Encoding.PEM)
private = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
mine = {"Authorization": "Bearer " + login.get_token(url + "/.default").token}
principals = url + "/v1.0/servicePrincipals"
robot = requests.post(principals, json={"displayName": "robot"}, headers=mine).json()
given = requests.post(f"{principals}/{robot['id']}/addKey", json={"key": pem.decode()}, headers=mine)
assert given.status_code == 200, given.text
by_certificate = CertificateCredential(
    os.environ["TENANT"], robot["appId"], certificate_data=private + pem,
    authority=url, disable_instance_discovery=True)
theirs = {"Authorization": "Bearer " + by_certificate.get_token(url + "/.default").token}
seen = requests.get(url + "/subscriptions?api-version=2022-12-01", headers=theirs)
assert seen.status_code == 200 and seen.json()["value"] == [], seen.text

made = client.resource_groups.create_or_update(group, {"location": "uksouth", "tags": {"env": "test"}})
assert made.properties.provisioning_state == "Succeeded", made
assert [one.name for one in client.resource_groups.list()] == [group]
provider = client.providers.get("Isobar.Storage")
version = next(one for one in provider.resource_types if one.resource_type == kind).api_versions[0]

at = (group, "Isobar.Storage", "", kind, "weather", version)
wanted = {"location": "uksouth", "properties": {"nodeCount": 3, "deletionProtection": False}}
cluster = client.resources.begin_create_or_update(*at, wanted).result()
assert cluster.properties["provisioningState"] == "Succeeded", cluster
assert client.resources.get(*at).properties["nodeCount"] == 3
node = (group, "Isobar.Storage", "clusters/weather", "nodes")
assert client.resources.check_existence(*at) and client.resources.check_existence(*node, "n1", version)
assert not client.resources.check_existence(*node, "n9", version)
assert [one.name for one in client.resources.list_by_resource_group(group)] == ["weather"]
changed = client.resources.begin_update(*at, {"tags": {"env": "prod"}}).result()
assert changed.tags == {"env": "prod"}, changed

at_run = (group, "Isobar.Storage", "clusters/weather", "validations", "run-1", version)
run = client.resources.begin_create_or_update(*at_run, {"properties": {"seconds": 1}}).result()
assert run.properties["verdict"] == "Passed", run

try:
    client.resources.begin_create_or_update(*at, {**wanted, "properties": {"nodeCount": 99}}).result()
    raise AssertionError("99 nodes")
except HttpResponseError as error:
    assert error.status_code == 400 and "nodeCount" in str(error), error

client.resources.begin_delete(*at).result()
assert not client.resources.check_existence(*at)
client.resource_groups.begin_delete(group).result()
assert not client.resource_groups.check_existence(group)
"#;

async fn all_of_it(database: TestDatabase) {
    let Some(programs) = python::programs("sdk", PACKAGES) else { return };
    let world = World::start(&database).await;
    let mut command = Command::new(programs.join("python3"));
    command.args(["-c", PROGRAM]).env("URL", &world.client.url).env("TENANT", &world.running.tenant);
    command
        .env("REQUESTS_CA_BUNDLE", world.running.ca_file.as_ref().expect("an authority"))
        .env("SUBSCRIPTION", &world.subscription);
    command.env("CLIENT", &world.first.0).env("SECRET", &world.first.1);
    let run = tokio::task::spawn_blocking(move || command.output()).await;
    let run = run.expect("a thread").expect("python runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(world.machines.there_is().is_empty());
}

#[test]
fn an_automation_makes_changes_and_deletes_a_cluster() {
    on_sqlite(all_of_it);
}
