//! Every view can be used by everybody, stays within the window, keeps to its origin and to its policy.

use isobar_records::testing::{TestDatabase, on_sqlite};
use serde_json::json;

use crate::browser::Browser;
use crate::common::{LOCKS, World};

/// Addresses of views, and words that they show when they are drawn.
const VIEWS: &[(&str, &str)] = &[
    ("clusters", "All 3 nodes are up."),
    ("clusters/forecast/weather", "rack1"),
    ("create", "How that is reckoned"),
    ("groups", "forecast"),
    ("groups/forecast", "Create or update resource group"),
    ("running", "Nothing runs"),
    ("activity", "Create or update resource group"),
    ("access/assignments", "Owner"),
    ("access/principals", "Client id"),
    ("locks", "it is needed"),
    ("subscriptions", "Enabled"),
    ("api", "ResourceGroups_CreateOrUpdate"),
    ("api/ResourceGroups_CreateOrUpdate", "Write it as JSON"),
    ("no/such", "There is no such view"),
];
const LOOKS: &[(&str, u32)] = &[("light", 1400), ("dark", 1400), ("light", 360), ("dark", 360)];

async fn check(browser: &Browser, view: &str) {
    for (scheme, width) in LOOKS {
        browser.looks(scheme, *width).await;
        let violations = browser.violations().await;
        assert!(violations.is_empty(), "{view}, {scheme}, {width}: {violations:#?}");
        assert!(!browser.is_too_wide().await, "{view} is wider than {width}");
    }
}

async fn every_view(database: TestDatabase) {
    let world = World::start(&database).await;
    world.make_group("forecast").await;
    world.make_small_cluster("forecast", "weather", true).await;
    let lock = world.at("/resourceGroups/forecast/providers/Microsoft.Authorization/locks/keep", LOCKS);
    let properties = json!({"level": "CanNotDelete", "notes": "it is needed"});
    world.client.put(&lock, json!({"properties": properties})).await.expect(201);
    let Some(browser) = Browser::open(&world.running.url).await else { return };
    browser.sees("Log in to the control plane").await;
    check(&browser, "login").await;
    browser.log_in(&world.first).await;
    for (view, words) in VIEWS {
        browser.looks("light", 1400).await;
        browser.script(&format!("location.hash = '#/{view}'")).await;
        browser.until(view, |text| text.contains(words) && !text.contains("Loading…")).await;
        check(&browser, view).await;
    }
    browser.looks("light", 1400).await;
    browser.script("location.hash = '#/groups'").await;
    browser.sees("forecast").await;
    browser.press("Make a group").await;
    browser.sees("Make the group").await;
    check(&browser, "a dialog").await;
    browser.press("Cancel").await;
    browser.script("location.hash = '#/clusters/forecast/weather'").await;
    browser.press("Restart… n1").await;
    browser.sees("this was a dry run").await;
    check(&browser, "a dry run").await;
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    let asked_for = browser.asked_for().await;
    assert!(asked_for.len() > 20, "{asked_for:#?}");
    let foreign: Vec<_> =
        asked_for.iter().filter(|url| !url.starts_with(&format!("{}/", browser.origin))).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
    the_policy_holds(&browser).await;
    browser.close().await;
}

/// What somebody might bring into the page does nothing.
async fn the_policy_holds(browser: &Browser) {
    let tries = [
        "const one = document.createElement('script'); one.textContent = 'window.bad = 1'; document.head.append(one)",
        "const one = document.createElement('div'); one.innerHTML = '<img src=x onerror=\"window.bad = 1\">'; document.body.append(one)",
        "const one = document.createElement('a'); one.setAttribute('onclick', 'window.bad = 1'); one.click()",
    ];
    for script in tries {
        // Some throw, as they should.
        let _ = browser.client.execute(script, vec![]).await;
    }
    let foreign = "const done = arguments[arguments.length - 1];
        fetch('https://127.0.0.1:1/').then(() => done('sent'), () => done('refused'))";
    browser.client.execute_async(foreign, vec![]).await.expect("a script");
    assert_eq!(browser.script("return typeof window.bad").await, "undefined");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|one| one.contains("connect-src")), "{complaints:#?}");
}

#[test]
fn every_view_is_accessible_and_stays_within_its_bounds() {
    on_sqlite(every_view);
}
