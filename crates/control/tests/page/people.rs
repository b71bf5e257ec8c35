//! Who can log in, and who may do what.

use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;
use crate::common::client::Client;

async fn a_reader(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("shared").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.go("access/principals").await;
    browser.press("Let somebody log in").await;
    browser.fill("Name", "grafana").await;
    browser.press("Make it").await;
    browser.sees("It is shown this once").await;
    let shown =
        browser.script("return [...document.querySelectorAll('dialog pre')].map(one => one.innerText)").await;
    let told = |at: usize| shown[at].as_str().expect("text").to_owned();
    let reader = (told(0), told(1));
    Client::of(&world.running).login(&reader.0, &reader.1).await;
    browser.press("I have kept it").await;
    // It was shown this once.
    let still = format!("return document.documentElement.outerHTML.includes('{}')", reader.1);
    browser.until_script(&still, |is| is == false).await;
    browser.go("access/assignments").await;
    browser.press("Give a role").await;
    browser.choose("Who", "grafana").await;
    browser.choose("Role", "Reader").await;
    browser.press("Give the role").await;
    browser.sees("The role was given.").await;
    browser.until("a row", |text| text.contains("grafana") && text.contains("Reader")).await;
    // The reader sees, and is told what he may not do.
    browser.script("sessionStorage.clear()").await;
    browser.go("groups").await;
    browser.client.refresh().await.expect("a page");
    browser.log_in(&reader).await;
    browser.sees("shared").await;
    browser.press("Make a group").await;
    browser.fill("Name", "mine").await;
    browser.press("Make the group").await;
    browser.sees("You are not allowed to do this").await;
    browser.close().await;
}

#[test]
fn somebody_gets_a_secret_and_a_role_and_is_told_what_he_may_not() {
    on_sqlite(a_reader);
}
