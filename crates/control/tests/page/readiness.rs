//! How ready a cluster is: measured, looked at and saved by hand.

use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;

/// Keeps what is saved as a file, with its name.
const KEEP_FILES: &str = "window.saved = [];
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { blob.text().then((text) => window.saved.push(text)); return make(blob); };
    document.addEventListener('click', (event) => event.target.download && (window.savedAs = event.target.download), true);
    HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };";

async fn a_cluster(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    world.make_small_cluster("forecast", "weather", true).await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.script("location.hash = '#/clusters/forecast/weather'").await;
    browser.sees("It was not measured yet.").await;

    browser.press("Measure…").await;
    browser.fill("Name", "first").await;
    browser.fill("Seconds of each workload", "0").await;
    browser.press("Measure").await;
    browser
        .until_script("return [...document.querySelectorAll('[aria-invalid=true]')].length", |wrong| {
            *wrong == 1
        })
        .await;
    browser.fill("Seconds of each workload", "2").await;
    world.machines.measures_for_ever(true);
    browser.press("Measure").await;
    browser.sees("drill: n3 stopped").await;
    browser.press("Stop first").await;
    browser.sees("a node that was stopped is started again").await;
    browser.press("Stop measuring").await;
    browser.sees("Canceled").await;
    assert_eq!(world.machines.there_is()[0].1.len(), 3);

    world.machines.measures_for_ever(false);
    browser.press("Measure…").await;
    browser.fill("Name", "second").await;
    browser.press("Measure").await;
    browser.sees("Ready: 1 passed").await;
    browser.press("Results second").await;
    for words in ["Large files, written", "1048576 B/s", "Passed"] {
        browser.sees(words).await;
    }
    let violations = browser.violations().await;
    assert!(violations.is_empty(), "{violations:#?}");
    browser.script(KEEP_FILES).await;
    browser.press("Save the report").await;
    browser
        .until_script("return window.saved[0]", |html| html == "<!doctype html><title>weather</title>")
        .await;
    assert_eq!(browser.script("return window.savedAs").await, "weather-second.html");
    browser.press("Close").await;

    browser.press("Delete second").await;
    browser.press("Delete it").await;
    browser.until("it is gone", |text| !text.contains("Ready: 1 passed")).await;
    browser.close().await;
}

#[test]
fn its_readiness_is_measured_looked_at_and_saved() {
    on_sqlite(a_cluster);
}
