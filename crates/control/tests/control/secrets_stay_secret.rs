//! No secret is in a log, in the database, in the data directory, or in an answer after the first.

use crate::common::log::{has, watch};
use crate::common::{World, people};
use isobar_records::AuditFilter;
use isobar_records::testing::TestDatabase;
use serde_json::json;

async fn no_secret_is_kept_or_told_again(database: TestDatabase) {
    let watching = watch();
    let world = World::start(&database).await;
    let person = people::make(&world, "somebody").await;
    let token = world.client.token.clone().expect("a token");
    let mut secrets = vec![world.first.1.clone(), person.secret.clone(), token];
    // Whatever goes wrong with them.
    let scope = format!("{}/.default", world.client.url);
    for secret in &secrets[..2] {
        let wrong = format!("{secret}x");
        world.client.ask_token("/adfs/oauth2/token", &person.app_id, &wrong, &scope).await.expect(401);
        let told = world.client.get("/v1.0/servicePrincipals").await.expect(200);
        assert!(!has(told.body.to_string().as_bytes(), secret));
    }
    world
        .client
        .with_token(&format!("{}x", secrets[2]))
        .get("/tenants?api-version=2022-12-01")
        .await
        .expect(401);
    let body = json!({"location": "local", "secret": secrets[0]});
    world.client.put(&world.group("rg1"), body).await.expect(400);
    // Nobody is shown more of them than their first letters.
    for secret in &mut secrets {
        *secret = secret[4..].to_owned();
    }
    let records = database.open().await;
    let mut snapshot = records.read().await.expect("a snapshot");
    let audit = snapshot.list_audit(&AuditFilter::default()).await.expect("entries");
    let resources = snapshot.list_resources(&isobar_records::ResourceFilter::default()).await.expect("rows");
    assert!(resources.iter().any(|row| row.kind == "microsoft.graph/serviceprincipals"));
    let kept = format!("{audit:?}{resources:?}");
    let logged = watching.logged();
    assert!(has(&logged, "a login was refused"), "nothing was logged");
    for secret in &secrets {
        assert!(!has(kept.as_bytes(), secret), "a secret is in the database");
        assert!(!has(&logged, secret), "a secret is in the log");
    }
    let files = database
        .url()
        .strip_prefix("sqlite:")
        .map(|path| std::path::Path::new(path).parent().expect("a folder").to_owned());
    for folder in [Some(world.folder.path().to_owned()), files].into_iter().flatten() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a file");
            for secret in &secrets {
                assert!(!has(&bytes, secret), "a secret is in {}", path.display());
            }
        }
    }
}

isobar_records::on_both_databases!(no_secret_is_kept_or_told_again);
