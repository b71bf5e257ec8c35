//! The whole way of a resource group, by hand.

use fantoccini::Locator;
use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::json;

use crate::browser::Browser;
use crate::common::{LOCKS, World};

async fn the_life_of_a_group(database: TestDatabase) {
    let world = World::start(&database).await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.press("Resource groups").await;
    browser.press("Make a group").await;
    browser.fill("Name", "no/such").await;
    browser.press("Make the group").await;
    browser.find(Locator::Css("dialog [role=alert]")).await;
    browser.fill("Name", "forecast").await;
    browser.fill("Tags", "env=prod").await;
    browser.press("Make the group").await;
    browser.sees("The group forecast was made.").await;
    browser.sees("env=prod").await;
    let made = world.client.get(&world.group("forecast")).await.expect(200);
    assert_eq!((&made.body["location"], &made.body["tags"]), (&json!("uksouth"), &json!({"env": "prod"})));
    // A lock is made here, too, and keeps it.
    browser.press("Add a lock").await;
    browser.fill("Why", "it is needed").await;
    browser.press("Add the lock").await;
    browser.sees("it is needed").await;
    browser.press("Delete the group").await;
    browser.fill("Type", "forecast").await;
    browser.press("Delete the group").await;
    browser.sees("are locked").await;
    browser.press("Cancel").await;
    let lock = "/resourceGroups/forecast/providers/Microsoft.Authorization/locks/keep";
    world.client.delete(&world.at(lock, LOCKS)).await.expect(200);
    // Not without its name.
    browser.press("Delete the group").await;
    browser.sees("to go on").await;
    browser.press("Delete the group").await;
    browser.sees("Type forecast, as it is written.").await;
    browser.fill("Type", "forecast").await;
    browser.press("Delete the group").await;
    browser.sees("There is no resource group yet").await;
    world.gone("forecast").await;
    browser.press("Operations").await;
    browser.sees("Deleting the group forecast").await;
    browser.sees("Succeeded").await;
    browser.close().await;
}

#[test]
fn a_group_is_made_locked_and_deleted_with_progress() {
    on_sqlite(the_life_of_a_group);
}
