//! The page has a form for every operation of the table.

use std::collections::BTreeSet;

use fantoccini::Locator;
use isobar_control::operations;
use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;

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
        let has_body = browser.text().await.contains("Write it as JSON");
        assert_eq!(has_body, operation.body.is_some(), "{}", operation.id);
    }
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
