//! The page has a form for every operation of the table.

use std::collections::BTreeSet;

use fantoccini::Locator;
use isobar_control::{openapi_document, operations};
use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;

/// Commands with the options that they have, but for those of every command.
const OPTIONS: &[(&str, &str)] = &[
    (
        "Clusters_CreateOrUpdate",
        "group name if-match if-none-match location node-count data-rows parity-rows deletion-protection reservation-id sku tags",
    ),
    ("Locks_CreateOrUpdate", "scope name if-match if-none-match level notes"),
    (
        "RoleAssignments_Create",
        "scope name if-match if-none-match principal-id principal-type role-definition-id description",
    ),
    ("Nodes_Replace", "group cluster name dry-run"),
    ("ServicePrincipals_RemovePassword", "id key-id"),
    ("ActivityLogs_List", "filter top"),
];

/// Fills in all fields, and gives the command.
const FILL_IN: &str = "const all = (tags) => [...document.querySelectorAll(`main form :is(${tags})`)];
    all('input').forEach((one) => { one.value = one.type === 'number' ? '3' : 'x'; });
    all('textarea').forEach((one) => { one.value = '{\"a\": \"b\"}'; });
    all('select').forEach((one) => { one.selectedIndex = one.options.length - 1; });
    document.querySelector('main form').oninput();
    return [...document.querySelectorAll('main pre')].map((one) => one.innerText);";

/// The options are those of the command line: its rule is `console::names` of crate isobar.
async fn options(browser: &Browser) {
    for (id, options) in OPTIONS {
        browser.script(&format!("location.hash = '#/api/{id}'")).await;
        browser.until(id, |text| text.contains(id) && text.contains("Send")).await;
        let texts = browser.script(FILL_IN).await;
        let line = texts[0].as_str().expect("a command");
        let shown: BTreeSet<&str> = line.split(' ').filter_map(|word| word.strip_prefix("--")).collect();
        assert_eq!(shown, options.split(' ').collect(), "{line}");
    }
}

/// A login is shown as it is sent, without its secret.
async fn no_secret(browser: &Browser) {
    browser.script("location.hash = '#/api/Login_TokenAdfs'").await;
    browser.fill("client_id", "who").await;
    browser.fill("client_secret", "hidden").await;
    let shown = browser.script("return document.querySelector('main pre').innerText").await;
    let shown = shown.as_str().expect("text");
    let end =
        "\ncontent-type: application/x-www-form-urlencoded\n\nclient_id=who&grant_type=client_credentials";
    assert!(shown.ends_with(end) && !shown.contains("hidden"), "{shown}");
}

async fn every_operation(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("shared").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.go("api").await;
    browser.find(Locator::Css(".operation a")).await;
    let listed = browser
        .script("return [...document.querySelectorAll('.operation a')].map(one => one.innerText)")
        .await;
    let listed = listed.as_array().expect("a list").iter().map(|one| one.as_str().expect("text").to_owned());
    let listed: BTreeSet<String> = listed.collect();
    let table: BTreeSet<String> = operations().map(|operation| operation.id.to_owned()).collect();
    assert_eq!(listed, table);
    let document = openapi_document();
    for operation in operations() {
        browser.script(&format!("location.hash = '#/api/{}'", operation.id)).await;
        browser.until(operation.id, |text| text.contains(operation.id) && text.contains("Send")).await;
        let fields = browser
            .script("return [...document.querySelectorAll('main form label')].map(one => one.innerText)")
            .await;
        let fields = fields.to_string();
        for parameter in operation.query {
            assert!(fields.contains(parameter.name), "{}: {fields}", operation.id);
        }
        // What people type for it stands beside it.
        let described = &document["paths"][operation.path][operation.method.as_str().to_lowercase()];
        if let Some(words) = described["x-isobar-command"].as_str() {
            assert!(browser.text().await.contains(&format!("isobar {words}")), "{}", operation.id);
        }
        let has_body = browser.text().await.contains("Write it as JSON");
        assert_eq!(has_body, operation.body.is_some(), "{}", operation.id);
    }
    options(&browser).await;
    no_secret(&browser).await;
    browser.script("location.hash = '#/api/ResourceGroups_Get'").await;
    browser.fill("resourceGroupName", "shared").await;
    browser.press("Send").await;
    browser.sees("Answered 200").await;
    browser.sees("\"provisioningState\": \"Succeeded\"").await;
    browser.script("location.hash = '#/api/ResourceGroups_CreateOrUpdate'").await;
    browser.fill("resourceGroupName", "other").await;
    browser.fill("location", "mars").await;
    browser.press("Send").await;
    browser.sees("LocationNotAvailableForResourceType").await;
    assert_eq!(browser.complaints().await.iter().filter(|one| !one.contains("status of 400")).count(), 0);
    browser.close().await;
}

#[test]
fn the_page_lacks_no_operation_of_the_table() {
    on_sqlite(every_operation);
}
