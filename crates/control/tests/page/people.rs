//! Who can log in, and who may do what.

use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;
use crate::common::client::Client;

const NO_SECRET_AT_FIRST: &str = "const real = window.fetch;
    window.fetch = async (url, options) => {
        if (!String(url).includes('/addPassword')) return real(url, options);
        window.fetch = real;
        const body = JSON.stringify({error: {code: 'generalException', message: 'out of order'}});
        return new Response(body, {status: 500});
    };";

async fn a_reader(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("shared").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.go("access/principals").await;
    // Whoever logs in in another tab is not the one who has logged in here.
    browser.script("localStorage.setItem('isobar.client', 'somebody else')").await;
    browser.client.refresh().await.expect("a page");
    browser.sees("(you)").await;
    browser.press("Let somebody log in").await;
    browser.fill("Name", "grafana").await;
    // The secret fails at first; to try again makes nobody else.
    browser.script(NO_SECRET_AT_FIRST).await;
    browser.press("Make it").await;
    browser.sees("out of order").await;
    browser.press("Make it").await;
    browser.sees("It is shown this once").await;
    let all = world.client.get("/v1.0/servicePrincipals").await.expect(200);
    let all = all.body["value"].as_array().expect("a list").iter();
    assert_eq!(all.filter(|one| one["displayName"] == "grafana").count(), 1);
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
