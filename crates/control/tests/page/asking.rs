//! How the page asks: what is wished meanwhile, what is too much at once, and what goes wrong on the way.

use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::json;

use crate::browser::Browser;
use crate::common::World;

/// From now on nothing is asked again by itself, and answers of addresses with `window.hold` in them are
/// held.
const HOLD: &str = "const [real, later] = [window.fetch, window.setTimeout];
    window.held = [];
    window.setTimeout = (then, ms) => (ms >= 9000 ? 0 : later(then, ms));
    window.fetch = async (url, options) => {
        const answer = await real(url, options);
        if (window.hold && options.method === 'GET' && String(url).toLowerCase().includes(window.hold)) {
            await new Promise((done) => window.held.push(done));
        }
        return answer;
    };";
const RELEASE: &str = "window.hold = ''; window.held.splice(0).forEach((done) => done())";

async fn wishes(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.script("location.hash = '#/groups'").await;
    browser.sees("forecast").await;
    browser.script(HOLD).await;
    // To search in what is there takes no answer.
    browser.script("window.hold = '/resourcegroups?'").await;
    let search = "const one = document.querySelector('[type=search]'); one.value = 'no such'; one.oninput()";
    browser.script(search).await;
    browser.sees("No group fits").await;
    browser.script(RELEASE).await;
    // An answer that is older than a wish is not the last one.
    browser.script("window.hold = '/locks?'; location.hash = '#/groups/forecast'").await;
    browser.until_script("return window.held.length", |held| *held == 1).await;
    browser.press("Add a lock").await;
    browser.fill("Why", "it is needed").await;
    browser.press("Add the lock").await;
    browser.sees("The lock is there.").await;
    browser.script(RELEASE).await;
    browser.sees("it is needed").await;
    browser.close().await;
}

async fn too_much(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    let busy = "const real = window.fetch;
        window.refused = 0;
        window.fetch = async (url, options) => {
            if (window.calm || !String(url).includes('/operationStatuses/')) return real(url, options);
            window.refused += 1;
            const body = JSON.stringify({error: {code: 'TooManyRequests', message: 'later'}});
            return new Response(body, {status: 429, headers: {'retry-after': '0.01'}});
        }";
    browser.script(busy).await;
    browser.script("location.hash = '#/groups/forecast'").await;
    browser.press("Delete the group").await;
    browser.fill("Type", "forecast").await;
    browser.press("Delete the group").await;
    // More often than one request is tried again.
    browser.until_script("return window.refused", |refused| refused.as_i64() > Some(8)).await;
    browser.script("window.calm = true").await;
    browser.press("Operations").await;
    browser.sees("Deleting the group forecast").await;
    browser.sees("Succeeded").await;
    browser.close().await;
}

async fn older_entries(database: TestDatabase) {
    let world = World::start(&database).await;
    for number in 0..110 {
        let body = json!({"location": "uksouth", "tags": {"number": number.to_string()}});
        world.client.put(&world.group("forecast"), body).await;
    }
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.script("location.hash = '#/activity'").await;
    browser.sees("Show older entries").await;
    let twice = "const real = window.fetch;
        window.asked = 0;
        window.fetch = (url, options) => {
            if (/skiptoken/i.test(url)) window.asked += 1;
            return real(url, options);
        };
        const all = [...document.querySelectorAll('main button')];
        const more = all.find((one) => one.innerText === 'Show older entries');
        more.click();
        more.click();";
    browser.script(twice).await;
    let rows = "return document.querySelectorAll('main tbody tr').length";
    browser.until_script(rows, |rows| rows.as_i64() > Some(100)).await;
    assert_eq!(browser.script("return window.asked").await, 1);
    browser.close().await;
}

async fn before_a_dialog(database: TestDatabase) {
    let world = World::start(&database).await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.script("location.hash = '#/groups'").await;
    browser.sees("There is no resource group yet").await;
    let broken = "const real = window.fetch;
        const body = JSON.stringify({error: {code: 'InternalServerError', message: 'out of order'}});
        window.fetch = async (url, options) => (String(url).includes('/locations?')
            ? new Response(body, {status: 500}) : real(url, options))";
    browser.script(broken).await;
    browser.press("Make a group").await;
    browser.sees("The server failed: out of order").await;
    browser.close().await;
}

#[test]
fn what_is_wished_while_an_answer_is_awaited_is_done() {
    on_sqlite(wishes);
}

#[test]
fn an_operation_goes_on_while_the_server_has_too_much_to_do() {
    on_sqlite(too_much);
}

#[test]
fn a_page_of_older_entries_is_read_once() {
    on_sqlite(older_entries);
}

#[test]
fn what_fails_before_a_dialog_is_said() {
    on_sqlite(before_a_dialog);
}
