//! What the keyboard does.

use fantoccini::Locator;
use fantoccini::key::Key;
use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;

const FOCUSED: &str =
    "const is = document.activeElement; return `${is.tagName} ${is.type ?? ''} ${is.className}`";

async fn keys(browser: &Browser, keys: &str) {
    let focused = browser.client.active_element().await.expect("something has the focus");
    focused.send_keys(keys).await.expect("keys");
}

async fn without_a_mouse(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    // The first field has the focus, so that one can type at once.
    let (client, secret) = &world.first;
    browser.sees("Log in to the control plane").await;
    keys(&browser, client).await;
    keys(&browser, &Key::Tab).await;
    keys(&browser, secret).await;
    keys(&browser, &Key::Enter).await;
    browser.find(Locator::Css("main h1")).await;
    browser.go("groups").await;
    browser.sees("forecast").await;
    // The first stop is the way past the navigation.
    browser.client.refresh().await.expect("a page");
    browser.sees("forecast").await;
    keys(&browser, &Key::Tab).await;
    assert!(browser.script(FOCUSED).await.as_str().expect("text").ends_with("skip"));
    keys(&browser, &Key::Enter).await;
    browser.until_script("return document.activeElement.tagName", |name| name == "MAIN").await;
    // A slash goes to the search, and finds.
    keys(&browser, "/").await;
    assert!(browser.script(FOCUSED).await.as_str().expect("text").starts_with("INPUT search"));
    keys(&browser, "no such group").await;
    browser.sees("No group fits").await;
    assert!(
        browser.script("return location.hash").await.as_str().expect("text").contains("search=no+such+group")
    );
    // Esc closes a dialog, and the focus goes back to what has opened it.
    browser.script("[...document.querySelectorAll('main button')].find(one => one.innerText == 'Make a group').focus()").await;
    keys(&browser, &Key::Enter).await;
    browser.sees("Make a resource group").await;
    keys(&browser, &Key::Escape).await;
    browser.until("closed", |text| !text.contains("Make a resource group")).await;
    browser.until_script("return document.activeElement.innerText", |words| words == "Make a group").await;
    browser.close().await;
}

#[test]
fn everything_can_be_reached_with_the_keyboard() {
    on_sqlite(without_a_mouse);
}
