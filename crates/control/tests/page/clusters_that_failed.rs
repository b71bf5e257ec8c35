//! Clusters that could not be made, and what failed later.

use isobar_provider::ProviderError;
use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::json;

use crate::browser::Browser;
use crate::common::World;

/// Begins to make one in the wizard.
async fn create(browser: &Browser) {
    browser.press("Review").await;
    browser.sees("ARM template").await;
    browser.press("Create the cluster").await;
}

async fn one_that_is_not_made(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    world.machines.breaks("start", ProviderError::cannot("no power"));
    browser.press("Create a cluster").await;
    browser.fill("Name", "weather").await;
    browser.press("Review").await;
    // What is shown is what is sent.
    for words in ["--if-none-match '*'", "If-None-Match: *"] {
        browser.sees(words).await;
    }
    browser.press("Create the cluster").await;
    browser.sees("It was not made").await;
    browser.sees("no power").await;
    assert!(!browser.text().await.contains("It is protected"));
    // The page says two things to do. It can be deleted,
    browser.press("Delete the cluster").await;
    browser.sees("no files are lost").await;
    browser.press("Delete the cluster").await;
    browser.sees("There is no cluster yet").await;
    // or made again with the same name.
    browser.press("Create a cluster").await;
    browser.fill("Name", "weather").await;
    create(&browser).await;
    browser.sees("It was not made").await;
    world.machines.is_mended();
    browser.press("Create it again").await;
    create(&browser).await;
    browser.sees("All 5 nodes are up.").await;
    // Now there is one, which nobody replaces in this way.
    browser.script("location.hash = '#/create?group=forecast&name=weather'").await;
    create(&browser).await;
    browser.sees("The group has a cluster of this name already.").await;
    assert_eq!(world.machines.there_is().len(), 1);
    browser.close().await;
}

/// Says of a resource that what was done with it last has failed.
async fn has_failed(world: &World<'_>, rest: &str) {
    let path = world.cluster("forecast", rest);
    let key = path.split('?').next().expect("a path").to_lowercase();
    let mut tx = world.database.open().await.begin().await.expect("a transaction");
    let mut row = tx.hold_resource(&key).await.expect("an answer").expect("a resource");
    row.body["state"] = json!("Failed");
    tx.update_resource(&key, row.revision, &row.body, row.changed_ms).await.expect("it is kept");
    tx.commit().await.expect("it is kept");
}

async fn one_that_failed_later(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    world.make_small_cluster("forecast", "weather", true).await;
    has_failed(&world, "weather").await;
    has_failed(&world, "weather/nodes/n1").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.sees("All 3 nodes are up.").await;
    let healthy = "return document.querySelector('main td .state').innerText";
    browser.until_script(healthy, |state| state == "Healthy").await;
    browser.script("location.hash = '#/clusters/forecast/weather'").await;
    for words in
        ["The last operation on it failed", "All 3 nodes are up.", "It is protected", "Last operation"]
    {
        browser.sees(words).await;
    }
    assert!(!browser.text().await.contains("It was not made"));
    let states =
        "return [...document.querySelectorAll('.view-head .state, .node .state')].map(one => one.innerText)";
    assert_eq!(browser.script(states).await, json!(["Healthy", "Up", "Up", "Up"]));
    browser.close().await;
}

#[test]
fn one_that_could_not_be_made_is_deleted_or_made_again() {
    on_sqlite(one_that_is_not_made);
}

#[test]
fn what_failed_later_hides_nothing() {
    on_sqlite(one_that_failed_later);
}
