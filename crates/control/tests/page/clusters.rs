//! The whole way of a cluster, by hand.

use std::time::{Duration, Instant};

use fantoccini::key::Key;
use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::browser::Browser;
use crate::common::World;

async fn the_life_of_a_cluster(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.log_in(&world.first).await;
    browser.sees("There is no cluster yet").await;
    browser.press("Create a cluster").await;
    it_is_described(&browser).await;
    browser.press("Create the cluster").await;
    browser.sees("All 5 nodes are up.").await;
    for words in ["Healthy", "rack0", "rack1", "n5", "leads", "votes", "/mnt/weather"] {
        browser.sees(words).await;
    }
    it_shows_what_it_does(&world, &browser).await;
    a_node_is_lost_and_replaced(&world, &browser).await;
    browser.delete_cluster("weather").await;
    assert!(world.machines.there_is().is_empty());
    browser.close().await;
}

async fn it_is_described(browser: &Browser) {
    browser.sees("Any 2 nodes may be lost").await;
    browser.fill("Nodes", "99").await;
    browser.fill("Data rows", "40").await;
    // Each wrong one is said at its field.
    let wrong = "return [...document.querySelectorAll('[aria-invalid=true]')].length";
    browser.until_script(wrong, |fields| *fields == 2).await;
    browser.fill("Data rows", "").await;
    browser.fill("Nodes", "21").await;
    browser.sees("20 nodes fit, not 21.").await;
    browser.fill("Nodes", "5").await;
    browser.sees("5, of which 5 vote").await;
    browser.press("Review").await;
    browser.sees("Give it a name.").await;
    browser.fill("Name", "weather").await;
    browser.fill("Tags", "env=prod").await;
    browser.press("Review").await;
    browser.sees("ARM template").await;
    let text = browser.text().await;
    for words in [
        "\"nodeCount\": 5",
        "/clusters/weather?api-version=",
        "\"type\": \"Isobar.Storage/clusters\"",
        "env=prod",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
}

async fn it_shows_what_it_does(world: &World<'_>, browser: &Browser) {
    let figure = "return [...document.querySelectorAll('.figures dt')].find(one => one.innerText == 'Written').nextSibling.innerText";
    browser.until_script(figure, |rate| rate == "0 B/s").await;
    let begun = Instant::now();
    while browser.script(figure).await == "0 B/s" {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written");
        world.machines.serves("weather", "n1", 1 << 28);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The chart says the same to whoever does not see it.
    let chart = "return document.querySelector('[role=slider]').getAttribute('aria-valuetext')";
    browser.until_script(chart, |text| text.as_str().is_some_and(|text| text.contains("Written "))).await;
    let at = "const chart = document.querySelector('[role=slider]'); chart.focus(); return Number(chart.ariaValueNow)";
    browser.until_script(at, |at| at.as_i64().is_some_and(|at| at > 1)).await;
    let chart = browser.client.active_element().await.expect("the chart");
    chart.send_keys(&Key::Home).await.expect("a key");
    assert_eq!(browser.script(at).await, 0);
    nothing_moves(browser).await;
}

/// While numbers change, what stands around them stays where it is.
async fn nothing_moves(browser: &Browser) {
    let watch = "window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach(({value}) => { window.moved += value; }))
        .observe({type: 'layout-shift'})";
    browser.script(watch).await;
    let samples = "const chart = document.querySelector('[role=slider]'); return Number(chart.ariaValueMax)";
    let before = browser.script(samples).await.as_i64().expect("a number");
    browser.until_script(samples, |now| now.as_i64().is_some_and(|now| now >= before + 2)).await;
    let moved = browser.script("return window.moved").await;
    assert!(moved.as_f64().is_some_and(|moved| moved < 0.01), "{moved}");
}

async fn a_node_is_lost_and_replaced(world: &World<'_>, browser: &Browser) {
    world.machines.kill("weather", "n2");
    browser.sees("n2 is missing.").await;
    browser.sees("Down").await;
    // It is the one that is looked at, since it needs somebody.
    browser.press("Replace… n2").await;
    browser.sees("Nothing was done yet: this was a dry run.").await;
    assert_eq!(world.machines.blanked("weather", "n2"), 0);
    browser.press("Cancel").await;
    world.machines.kill("weather", "n4");
    world.machines.kill("weather", "n5");
    browser.sees("Too much is missing.").await;
    browser.press("n1").await;
    browser.press("Restart… n1").await;
    browser.sees("Not as things are now").await;
    browser.press("Close").await;
    for node in ["n4", "n5"] {
        browser.press(node).await;
        browser.press(&format!("Restart… {node}")).await;
        browser.press(&format!("Restart {node}")).await;
        browser.until("up again", |text| !text.contains("Too much is missing.")).await;
    }
    browser.sees("n2 is missing.").await;
    browser.press("n2").await;
    browser.press("Replace… n2").await;
    browser.press("Replace n2").await;
    browser.sees("All 5 nodes are up.").await;
    assert_eq!(world.machines.blanked("weather", "n2"), 1);
    browser.press("Operations").await;
    browser.sees("Replacing n2 of weather").await;
    browser.press("Clusters").await;
    browser.press("weather").await;
}

#[test]
fn a_cluster_is_made_watched_repaired_and_deleted() {
    on_sqlite(the_life_of_a_cluster);
}
