//! Deployments of templates: what they make, in whose name, how often, and what is told of them.

use std::time::{Duration, Instant};

use crate::common::client::{Answer, Client};
use crate::common::people::{self, CONTRIBUTOR, OWNER, READER, give};
use crate::common::{LOCKS, World};
use isobar_records::testing::TestDatabase;
use isobar_records::{AuditFilter, OperationFilter, ResourceFilter};
use serde_json::{Value, json};

const VERSION: &str = "2025-04-01";
const PATIENCE: Duration = Duration::from_secs(60);

fn path(world: &World<'_>, rest: &str) -> String {
    world.at(&format!("/resourceGroups/rg1/providers/Microsoft.Resources/deployments/{rest}"), VERSION)
}

fn group(world: &World<'_>) -> String {
    format!("/subscriptions/{}/resourceGroups/rg1", world.subscription)
}

fn template(members: Value) -> Value {
    let mut template = json!({"$schema": "https://schema", "contentVersion": "1.0.0.0", "resources": []});
    for (name, value) in members.as_object().expect("an object") {
        template[name] = value.clone();
    }
    template
}

fn request(template: &Value, parameters: Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}})
}

fn lock(name: &str, more: Value) -> Value {
    let mut lock = json!({
        "type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01", "name": name,
        "properties": {"level": "CanNotDelete"},
    });
    for (name, value) in more.as_object().expect("an object") {
        lock[name] = value.clone();
    }
    lock
}

fn tags(more: Value) -> Value {
    json!({
        "type": "Microsoft.Resources/tags", "apiVersion": "2024-11-01", "name": "default",
        "properties": {"tags": more},
    })
}

fn lock_path(world: &World<'_>, name: &str) -> String {
    world.at(&format!("/resourceGroups/rg1/providers/Microsoft.Authorization/locks/{name}"), LOCKS)
}

/// Asks for a deployment until it has ended.
async fn ended(client: &Client, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = client.get(path).await.expect(200);
        let state = answer.body["properties"]["provisioningState"].as_str().expect("a state").to_owned();
        if !["Accepted", "Running"].contains(&state.as_str()) {
            assert_eq!(answer.header("retry-after"), "");
            return answer.body;
        }
        assert_eq!(answer.header("retry-after"), "1");
        assert!(begun.elapsed() < PATIENCE, "it does not end: {answer:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn deploy(world: &World<'_>, client: &Client, name: &str, body: Value) -> Value {
    let answer = client.put(&path(world, name), body).await;
    assert!([200, 201].contains(&answer.status), "{answer:#?}");
    ended(client, &path(world, name)).await
}

async fn operations(world: &World<'_>, name: &str) -> Answer {
    let path = format!("/resourcegroups/rg1/deployments/{name}/operations");
    world.client.get(&world.at(&path, VERSION)).await.expect(200)
}

fn state(deployment: &Value) -> &str {
    deployment["properties"]["provisioningState"].as_str().expect("a state")
}

async fn a_template_is_deployed(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let person = people::make(&world, "robot").await;
    let template = template(json!({
        "parameters": {
            "principal": {"type": "string"},
            "level": {"type": "string", "defaultValue": "ReadOnly", "allowedValues": ["ReadOnly", "CanNotDelete"]},
        },
        "variables": {"role": format!("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{READER}')]")},
        "resources": [
            // Once the group is read only nothing else is made in it.
            lock("frozen", json!({
                "properties": {"level": "[parameters('level')]", "notes": "[reference('keep').level]"},
                "dependsOn": ["default", "[guid(resourceGroup().id, 'reader')]"],
            })),
            lock("keep", json!({})),
            tags(json!({"env": "test", "group": "[resourceGroup().name]"})),
            {
                "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
                "name": "[guid(resourceGroup().id, 'reader')]",
                "properties": {"roleDefinitionId": "[variables('role')]", "principalId": "[parameters('principal')]"},
            },
        ],
        "outputs": {
            "level": {"type": "string", "value": "[reference('frozen').notes]"},
            "tags": {"type": "object", "value": "[reference(resourceId('Microsoft.Resources/tags', 'default'), '2024-11-01', 'Full').properties.tags]"},
        },
    }));
    let body = request(&template, json!({"principal": {"value": person.object_id}}));
    let accepted = client.put(&path(&world, "d1"), body.clone()).await.expect(201);
    assert_eq!((state(&accepted.body), accepted.header("retry-after")), ("Accepted", "1"));
    let status = accepted.header("azure-asyncoperation").to_owned();
    let done = ended(client, &path(&world, "D1")).await;
    assert_eq!(state(&done), "Succeeded", "{done:#}");
    let expected = json!({
        "level": {"type": "String", "value": "CanNotDelete"},
        "tags": {"type": "Object", "value": {"env": "test", "group": "rg1"}},
    });
    assert_eq!(done["properties"]["outputs"], expected);
    assert_eq!(done["properties"]["parameters"]["level"], json!({"type": "String", "value": "ReadOnly"}));
    assert_eq!(done["properties"]["outputResources"].as_array().map(Vec::len), Some(4));
    assert_eq!(done["type"], "Microsoft.Resources/deployments");
    assert_eq!(client.follow(&status).await.expect(200).body["status"], "Succeeded");
    // All of it is there, and the robot can read.
    assert_eq!(
        client.get(&lock_path(&world, "frozen")).await.expect(200).body["properties"]["level"],
        "ReadOnly"
    );
    person.client.get(&world.group("rg1")).await.expect(200);
    let made = operations(&world, "d1").await;
    let list = made.body["value"].as_array().expect("a list");
    let targets: Vec<&str> = list
        .iter()
        .map(|of| of["properties"]["targetResource"]["resourceName"].as_str().expect("a name"))
        .collect();
    assert_eq!((targets.len(), targets[3]), (4, "frozen"), "{targets:?}");
    assert!(list.iter().all(|of| of["properties"]["provisioningState"] == "Succeeded"), "{list:#?}");
    let one = format!(
        "/resourcegroups/rg1/deployments/d1/operations/{}",
        list[0]["operationId"].as_str().expect("an id")
    );
    assert_eq!(client.get(&world.at(&one, VERSION)).await.expect(200).body, list[0]);
    assert_eq!(client.get(&path(&world, "")).await.expect(200).names(), ["d1"]);
    let filtered = format!("{}&$filter=provisioningState%20eq%20'Failed'", path(&world, ""));
    assert!(client.get(&filtered).await.expect(200).names().is_empty());
    client.send("HEAD", &path(&world, "d1"), &[], b"").await.expect(204);
    client.send("HEAD", &path(&world, "d2"), &[], b"").await.expect(404);
    let exported = client.json("POST", &path(&world, "d1/exportTemplate"), json!({})).await.expect(200);
    assert_eq!(exported.body["template"], template);
    // What is frozen is not deployed once more, nor forgotten, until the lock is gone.
    client.put(&path(&world, "d1"), body.clone()).await.refused(409, "ScopeLocked");
    client.delete(&lock_path(&world, "frozen")).await.expect(200);
    client.delete(&path(&world, "d1")).await.refused(409, "ScopeLocked");
    client.put(&path(&world, "d1"), body).await.expect(200);
    assert_eq!(state(&ended(client, &path(&world, "d1")).await), "Succeeded");
    for name in ["frozen", "keep"] {
        client.delete(&lock_path(&world, name)).await.expect(200);
    }
    client.delete(&path(&world, "d1")).await.expect(204);
    client.delete(&path(&world, "d1")).await.expect(204);
    client.get(&path(&world, "d1")).await.refused(404, "DeploymentNotFound");
    client.json("POST", &path(&world, "d1/cancel"), json!({})).await.refused(404, "DeploymentNotFound");
}

async fn a_deployment_may_do_what_its_caller_may(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let group = group(&world);
    let (contributor, owner, reader) =
        (people::make(&world, "c").await, people::make(&world, "o").await, people::make(&world, "r").await);
    give(&world.client, &contributor, CONTRIBUTOR, &group, 1).await.expect(201);
    give(&world.client, &owner, OWNER, &group, 2).await.expect(201);
    give(&world.client, &reader, READER, &group, 3).await.expect(201);
    let template = template(json!({"resources": [
        tags(json!({"a": "1"})),
        lock("keep", json!({"dependsOn": ["default"]})),
        lock("never", json!({"dependsOn": ["keep"]})),
    ]}));
    let body = request(&template, json!({}));
    let strangers = [(&reader.client, "write"), (&reader.client, "validate"), (&reader.client, "whatIf")];
    for (client, verb) in strangers {
        let answer = match verb {
            "write" => client.put(&path(&world, "d1"), body.clone()).await,
            verb => client.json("POST", &path(&world, &format!("d1/{verb}")), body.clone()).await,
        };
        answer.refused(403, "AuthorizationFailed");
    }
    let refused = contributor.client.json("POST", &path(&world, "d1/validate"), body.clone()).await;
    let refused = refused.refused(400, "InvalidTemplateDeployment");
    let details = refused.body["error"]["details"].as_array().expect("details");
    assert_eq!((details.len(), &details[0]["code"]), (1, &json!("AuthorizationFailed")), "{details:#?}");
    let failed = deploy(&world, &contributor.client, "d1", body.clone()).await;
    assert_eq!(state(&failed), "Failed", "{failed:#}");
    let error = &failed["properties"]["error"];
    assert_eq!(
        (&error["code"], &error["details"][0]["code"]),
        (&json!("DeploymentFailed"), &json!("AuthorizationFailed"))
    );
    assert_eq!(
        error["details"][0]["target"],
        format!("{group}/providers/Microsoft.Authorization/locks/keep")
    );
    // What was made before stays; what comes after is not made.
    assert_eq!(world.client.get(&world.group("rg1")).await.body["tags"], json!({"a": "1"}));
    let made = operations(&world, "d1").await;
    let told: Vec<(&str, &str)> = made.body["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|of| {
            (
                of["properties"]["statusCode"].as_str().unwrap(),
                of["properties"]["provisioningState"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("OK", "Succeeded"), ("Forbidden", "Failed")]);
    let lock = lock_path(&world, "keep");
    world.client.get(&lock).await.refused(404, "ResourceNotFound");
    // The refusal is in the audit log, in the caller's name.
    let records = world.database.open().await;
    let mut snapshot = records.read().await.expect("a snapshot");
    let principal = Some(contributor.object_id.as_str());
    let filter = AuditFilter {
        principal,
        action: Some("Microsoft.Authorization/locks/write"),
        ..AuditFilter::default()
    };
    let entries = snapshot.list_audit(&filter).await.expect("entries");
    assert_eq!(entries.iter().map(|(_, entry)| entry.outcome).collect::<Vec<_>>(), [403], "{entries:#?}");
    drop(snapshot);
    let done = deploy(&world, &owner.client, "d1", body).await;
    assert_eq!(state(&done), "Succeeded", "{done:#}");
    let kept = world.client.get(&lock).await.expect(200);
    assert_eq!(kept.body["systemData"]["createdBy"], owner.app_id);
}

async fn what_cannot_be_deployed_is_told_before(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    let good = request(&template(json!({"resources": [lock("keep", json!({}))]})), json!({}));
    client.put(&path(&world, "d1"), good.clone()).await.refused(404, "ResourceGroupNotFound");
    world.make_group("rg1").await;
    let valid = client.json("POST", &path(&world, "d1/validate"), good.clone()).await.expect(200);
    assert_eq!(state(&valid.body), "Succeeded");
    assert_eq!(valid.body["properties"]["validatedResources"].as_array().map(Vec::len), Some(1));
    // Nothing of it is kept.
    client.get(&lock_path(&world, "keep")).await.refused(404, "ResourceNotFound");
    client.get(&path(&world, "d1")).await.refused(404, "DeploymentNotFound");
    let mut complete = good.clone();
    complete["properties"]["mode"] = json!("Complete");
    let mut linked = good.clone();
    linked["properties"]["templateLink"] = json!({"uri": "https://a.b/c.json"});
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2024-11-01", "name": "n"});
    let with = |resource: Value| request(&template(json!({"resources": [resource]})), json!({}));
    let wrong = [
        (complete, "DeploymentModeNotSupported", "The mode Complete is not supported"),
        (linked, "InvalidRequestContent", "templateLink"),
        (
            json!({"properties": {"mode": "Incremental"}}),
            "InvalidRequestContent",
            "'properties.template' is required",
        ),
        (json!({}), "InvalidRequestContent", "'properties' is required"),
        (with(nested), "InvalidTemplate", "'Microsoft.Resources/deployments' cannot be deployed"),
        (
            with(json!({"type": "No.Such/things", "apiVersion": "2024-11-01", "name": "n"})),
            "InvalidTemplate",
            "cannot be deployed. These can be:",
        ),
        (
            with(lock("x", json!({"apiVersion": "latest"}))),
            "InvalidTemplate",
            "api-version 'latest' is invalid",
        ),
        (with(lock("[nope()]", json!({}))), "InvalidTemplate", "'nope' is not known"),
        (
            with(lock("x", json!({"dependsOn": ["y"]}))),
            "InvalidTemplate",
            "'y' is not defined in the template",
        ),
        (
            request(&template(json!({"parameters": {"p": {"type": "int"}}})), json!({})),
            "InvalidTemplate",
            "needed: p",
        ),
    ];
    for (body, code, words) in wrong {
        for answer in [
            client.put(&path(&world, "d1"), body.clone()).await,
            client.json("POST", &path(&world, "d1/validate"), body.clone()).await,
            client.json("POST", &path(&world, "d1/whatIf"), body.clone()).await,
        ] {
            let answer = answer.refused(400, code);
            assert!(answer.body.to_string().contains(words), "{words}: {answer:#?}");
        }
    }
    client.put(&path(&world, "a%20b"), good).await.refused(400, "InvalidResourceName");
    // Each resource is tried by the operation that makes it.
    let wrong = template(json!({"resources": [
        lock("one", json!({"properties": {"level": "Some"}})),
        lock("two", json!({"properties": {"level": "ReadOnly", "colour": "red"}})),
        lock("fine", json!({})),
    ]}));
    let answer = client.json("POST", &path(&world, "d1/validate"), request(&wrong, json!({}))).await;
    let answer = answer.refused(400, "InvalidTemplateDeployment");
    let text = answer.body.to_string();
    assert!(text.contains("must be one of CanNotDelete, ReadOnly") && text.contains("colour"), "{answer:#?}");
    assert_eq!(answer.body["error"]["details"].as_array().map(Vec::len), Some(2));
}

async fn what_if_tells_what_would_change(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let cluster = world.make_cluster("rg1", "c1", json!({})).await;
    let old = |name: &str, level: &str| {
        (lock_path(&world, name), json!({"properties": {"level": level, "notes": "n"}}))
    };
    for (path, body) in [old("same", "CanNotDelete"), old("other", "CanNotDelete")] {
        client.put(&path, body).await.expect(201);
    }
    let template = template(json!({"resources": [
        lock("same", json!({"properties": {"level": "CanNotDelete", "notes": "n"}})),
        lock("other", json!({"properties": {"level": "ReadOnly"}})),
        lock("new", json!({})),
        lock("unknown", json!({"properties": {"level": "CanNotDelete", "notes": "[reference('new').level]"}})),
    ]}));
    let body = request(&template, json!({}));
    let told = client.json("POST", &path(&world, "d1/whatIf"), body.clone()).await.expect(200);
    assert_eq!(told.body["status"], "Succeeded");
    let changes = told.body["properties"]["changes"].as_array().expect("changes");
    let of = |end: &str| {
        let found = changes.iter().find(|of| of["resourceId"].as_str().is_some_and(|id| id.ends_with(end)));
        found.unwrap_or_else(|| panic!("no {end}: {changes:#?}"))
    };
    assert_eq!(of("/same")["changeType"], "NoChange");
    assert_eq!(of("/new")["changeType"], "Create");
    assert_eq!(
        (&of("/new")["before"], &of("/new")["after"]["properties"]["level"]),
        (&Value::Null, &json!("CanNotDelete"))
    );
    assert_eq!(of("/unknown")["after"]["properties"]["notes"], "[reference('new').level]");
    let delta = of("/other")["delta"].as_array().expect("a delta");
    let paths: Vec<_> = delta
        .iter()
        .map(|of| (of["path"].as_str().unwrap(), of["propertyChangeType"].as_str().unwrap()))
        .collect();
    assert_eq!(paths, [("properties.level", "Modify"), ("properties.notes", "Delete")]);
    assert_eq!((&of(&cluster)["changeType"], changes.len()), (&json!("Ignore"), 5));
    // Nothing has changed.
    client.get(&lock_path(&world, "new")).await.refused(404, "ResourceNotFound");
    assert_eq!(client.get(&lock_path(&world, "other")).await.body["properties"]["level"], "CanNotDelete");
    let mut ids_only = body;
    ids_only["properties"]["whatIfSettings"] = json!({"resultFormat": "ResourceIdOnly"});
    let told = client.json("POST", &path(&world, "d1/whatIf"), ids_only).await.expect(200);
    let first = &told.body["properties"]["changes"][0];
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(2), "{first}");
}

async fn secure_parameters_are_used_and_never_kept_or_shown(database: TestDatabase) {
    let world = World::start(&database).await;
    let client = &world.client;
    world.make_group("rg1").await;
    let template = template(json!({
        "parameters": {
            "key": {"type": "secureString"}, "other": {"type": "secureObject", "defaultValue": {"a": "correct-horse"}},
        },
        "resources": [lock("keep", json!({
            "properties": {"level": "CanNotDelete", "notes": "[string(length(parameters('key')))]"},
        }))],
        "outputs": {"key": {"type": "secureString", "value": "[parameters('key')]"}},
    }));
    let body = request(&template, json!({"key": {"value": "hunter2-hunter2"}}));
    let told = client.json("POST", &path(&world, "d1/whatIf"), body.clone()).await.expect(200);
    let told = told.body["properties"]["changes"][0]["after"]["properties"]["notes"].clone();
    assert_eq!(told, "[string(length(parameters('key')))]");
    client.put(&path(&world, "d1"), body).await.expect(201);
    // Another process goes on with them.
    let world = world.die_and_start_again().await;
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(state(&done), "Succeeded", "{done:#}");
    assert_eq!(
        world.client.get(&lock_path(&world, "keep")).await.expect(200).body["properties"]["notes"],
        "15"
    );
    assert_eq!(done["properties"]["outputs"], json!({"key": {"type": "SecureString"}}));
    assert_eq!(done["properties"]["parameters"]["key"], json!({"type": "SecureString"}));
    let exported = world.client.json("POST", &path(&world, "d1/exportTemplate"), json!({})).await.expect(200);
    let all = format!("{}{done}{}", all_that_is_kept(&database).await, exported.body);
    assert!(all.contains("SecureString"), "nothing was looked at");
    for secret in ["hunter2", "correct-horse", "sealed"] {
        assert!(!all.contains(secret), "{secret} is kept");
    }
}

async fn all_that_is_kept(database: &TestDatabase) -> String {
    let records = database.open().await;
    let mut snapshot = records.read().await.expect("a snapshot");
    let rows = snapshot.list_resources(&ResourceFilter::default()).await.expect("rows");
    let operations = snapshot.list_operations(&OperationFilter::default()).await.expect("operations");
    let audit = snapshot.list_audit(&AuditFilter::default()).await.expect("entries");
    format!("{rows:?}{operations:?}{audit:?}")
}

async fn what_uses_a_secret_and_is_refused_for_good_fails_at_once(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let template = template(json!({
        "parameters": {"key": {"type": "secureString"}},
        "resources": [lock("keep", json!({"properties": {"level": "[parameters('key')]"}}))],
    }));
    let body = request(&template, json!({"key": {"value": "hunter2-hunter2"}}));
    let failed = deploy(&world, &world.client, "d1", body).await;
    assert_eq!(state(&failed), "Failed", "{failed:#}");
    let made = operations(&world, "d1").await;
    let told = &made.body["value"][0]["properties"];
    assert_eq!((&told["statusCode"], &told["provisioningState"]), (&json!("BadRequest"), &json!("Failed")));
    let records = database.open().await;
    let mut snapshot = records.read().await.expect("a snapshot");
    let filter =
        AuditFilter { action: Some("Microsoft.Authorization/locks/write"), ..AuditFilter::default() };
    let entries = snapshot.list_audit(&filter).await.expect("entries");
    assert_eq!(entries.iter().map(|(_, entry)| entry.outcome).collect::<Vec<_>>(), [400], "{entries:#?}");
    drop(snapshot);
    let all = format!("{}{failed}{}", all_that_is_kept(&database).await, made.body);
    assert!(all.contains("nothing more of the reason is kept"), "nothing was looked at");
    assert!(!all.contains("hunter2") && !all.contains("sealed"), "the secret is kept");
}

async fn what_can_never_be_looked_at_fails_in_the_end(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let id = world.make_cluster("rg1", "c1", json!({})).await;
    // Nobody can read it any more.
    let mut tx = database.open().await.begin().await.expect("a transaction");
    let row = tx.hold_resource(&id.to_lowercase()).await.expect("a row").expect("a cluster");
    tx.update_resource(&row.key, row.revision, &json!([]), 0).await.expect("another body");
    tx.commit().await.expect("it is kept");
    let notes = format!("[string(reference('{id}', '2026-12-01').nodeCount)]");
    let lock = lock("keep", json!({"properties": {"level": "CanNotDelete", "notes": notes}}));
    let output = json!({"count": {"type": "int", "value": notes.replace("[string", "[int")}});
    for template in
        [template(json!({"resources": [lock]})), template(json!({"resources": [], "outputs": output}))]
    {
        let body = request(&template, json!({}));
        let answer = world.client.put(&path(&world, "d1"), body).await;
        assert!([200, 201].contains(&answer.status), "{answer:#?}");
        let begun = Instant::now();
        let failed = loop {
            let now = world.client.get(&path(&world, "d1")).await.expect(200).body;
            if !["Accepted", "Running"].contains(&state(&now)) {
                break now;
            }
            assert!(begun.elapsed() < PATIENCE, "it is tried for ever: {now:#}");
            // It waits longer each time, up to a minute.
            world.clock.advance(20_000);
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(state(&failed), "Failed", "{failed:#}");
        let detail = &failed["properties"]["error"]["details"][0];
        assert_eq!((&detail["code"], &detail["target"]), (&json!("InternalServerError"), &json!(id)));
    }
}

/// Twenty locks of each of so many clusters.
async fn many_locks(world: &World<'_>, clusters: usize) -> Value {
    for at in 0..clusters {
        world.make_cluster("rg1", &format!("c{at}"), json!({})).await;
    }
    let count = clusters * 20;
    let lock = lock(
        "[concat('l', mod(copyIndex(), 20))]",
        json!({
            "scope": "[resourceId('Isobar.Storage/clusters', concat('c', div(copyIndex(), 20)))]",
            "copy": {"name": "locks", "count": count},
        }),
    );
    request(&template(json!({"resources": [lock]})), json!({}))
}

async fn locks(world: &World<'_>) -> usize {
    let path = world.at("/resourceGroups/rg1/providers/Microsoft.Authorization/locks?$top=1000", LOCKS);
    world.client.get(&path).await.expect(200).names().len()
}

async fn a_kill_in_the_middle_makes_nothing_twice(database: TestDatabase) {
    let mut world = World::start(&database).await;
    world.make_group("rg1").await;
    let body = many_locks(&world, 4).await;
    world.client.put(&path(&world, "d1"), body).await.expect(201);
    let mut met_in_the_middle = 0;
    for kill in 1..=4 {
        let begun = Instant::now();
        // Somewhere in the middle, each time a little later.
        while locks(&world).await < kill * 12 {
            assert!(begun.elapsed() < PATIENCE, "nothing is made");
        }
        world = world.die_and_start_again().await;
        let count = locks(&world).await;
        met_in_the_middle += usize::from(count < 80);
    }
    assert!(met_in_the_middle > 0, "it was never killed in the middle");
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(state(&done), "Succeeded", "{done:#}");
    assert_eq!(locks(&world).await, 80);
    let mut made = operations(&world, "d1").await.body["value"].as_array().expect("a list").len();
    assert_eq!(made, 80);
    // Each was made by one request.
    let records = world.database.open().await;
    let mut snapshot = records.read().await.expect("a snapshot");
    let filter =
        AuditFilter { action: Some("Microsoft.Authorization/locks/write"), ..AuditFilter::default() };
    let entries = snapshot.list_audit(&filter).await.expect("entries");
    made = entries.iter().filter(|(_, entry)| entry.outcome == 201).count();
    assert_eq!((made, entries.len()), (80, 80));
}

async fn a_cancelled_deployment_ends_and_what_it_made_stays(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    let body = many_locks(&world, 10).await;
    let cancel = path(&world, "d1/cancel");
    world.client.put(&path(&world, "d1"), body.clone()).await.expect(201);
    world.client.put(&path(&world, "d1"), body).await.refused(409, "AnotherOperationInProgress");
    world.client.delete(&path(&world, "d1")).await.refused(409, "DeploymentActive");
    world.client.json("POST", &cancel, json!({})).await.expect(204);
    let done = ended(&world.client, &path(&world, "d1")).await;
    assert_eq!(state(&done), "Canceled", "{done:#}");
    let made = operations(&world, "d1").await.body["value"].as_array().expect("a list").len();
    assert!(made < 200, "it was not cancelled in the middle");
    assert_eq!(locks(&world).await, made);
    world.client.json("POST", &cancel, json!({})).await.refused(409, "DeploymentCannotBeCancelled");
}

async fn a_body_of_az_is_read(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("rg1").await;
    // As az sends it: the key of the template has no quotes, and its text is that of the file.
    let text = r#"{"properties": {"parameters": {"name": {"value": "keep"}}, "mode": "Incremental", template:{
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", // a comment
        "parameters": {"name": {"type": "string"}},
        /* another
           one */
        "resources": [{
            "type": "Microsoft.Authorization/locks", "apiVersion": "2020-05-01",
            "name": "[concat(
                parameters('name'),
                '-1')]",
            "properties": {"level": "CanNotDelete"},
        }],
    }}}"#;
    let headers = [("content-type", "application/json")];
    let path = path(&world, "d1");
    world.client.send("PUT", &path, &headers, text.as_bytes()).await.expect(201);
    assert_eq!(state(&ended(&world.client, &path).await), "Succeeded");
    world.client.get(&lock_path(&world, "keep-1")).await.expect(200);
}

isobar_records::on_both_databases!(
    a_template_is_deployed,
    a_deployment_may_do_what_its_caller_may,
    what_cannot_be_deployed_is_told_before,
    what_if_tells_what_would_change,
    secure_parameters_are_used_and_never_kept_or_shown,
    what_uses_a_secret_and_is_refused_for_good_fails_at_once,
    what_can_never_be_looked_at_fails_in_the_end,
    a_kill_in_the_middle_makes_nothing_twice,
    a_cancelled_deployment_ends_and_what_it_made_stays,
    a_body_of_az_is_read,
);
