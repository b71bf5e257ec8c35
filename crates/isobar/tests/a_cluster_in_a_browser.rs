//! The whole way of a cluster of real processes, by hand in a real browser: made, mounted, written to, a node
//! killed, seen, replaced, deleted.
//!
//! With `ISOBAR_PICTURES=DIR` it measures how ready the cluster is as well, and puts pictures of the page
//! there.

#[path = "../../control/tests/page/browser.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the page")]
mod browser;
mod common;
mod control;
#[path = "../../control/tests/page/driver.rs"]
mod driver;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use browser::Browser;
use common::{MountGuard, noise};
use control::{Control, Home, WithClusters};

const FILE_BYTES: usize = 8 << 20;
/// A figure of the cluster, by its name.
const WRITTEN: &str = "return [...document.querySelectorAll('.figures dt')].find(one => one.innerText == 'Written')?.nextSibling.innerText";
/// The command that the page shows.
const MOUNT: &str = "return [...document.querySelectorAll('pre')].map(one => one.innerText).find(text => text.startsWith('isobar mount'))";

/// Where pictures of the page are put, for people to look at.
const PICTURES: &str = "ISOBAR_PICTURES";

/// What is shown, in light and dark, on a screen and on a phone.
async fn picture(browser: &Browser, name: &str) {
    let Some(directory) = std::env::var_os(PICTURES).map(PathBuf::from) else { return };
    for (scheme, width) in [("dark", 360), ("light", 360), ("dark", 1400), ("light", 1400)] {
        browser.looks(scheme, width).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let picture = browser.client.screenshot().await.expect("a picture");
        fs::write(directory.join(format!("{name}-{scheme}-{width}.png")), picture).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_made_mounted_written_to_repaired_and_deleted() {
    if common::skip(&[]) {
        return;
    }
    let home = Home::new();
    let clusters = WithClusters::begin(&home);
    let control = Control::start(&home, &[]);
    home.ok(&["group", "create", "-n", "forecast"]);
    let Some(browser) = Browser::open(control.url()).await else { return };
    let told = |name: &str| control.told[name].as_str().expect("text").to_owned();
    browser.log_in(&(told("client_id"), told("secret"))).await;

    browser.press("Create a cluster").await;
    browser.fill("Name", "weather").await;
    browser.fill("Nodes", "3").await;
    browser.press("Review").await;
    browser.sees("ARM template").await;
    browser.press("Create the cluster").await;
    browser.sees("All 3 nodes are up").await;
    browser.until_script(MOUNT, |command| command.is_string()).await;
    let command = browser.script(MOUNT).await;
    let cluster = PathBuf::from(command.as_str().expect("a command").split(' ').nth(2).expect("a path"));

    let (first, second) = (home.path("first"), home.path("second"));
    for point in [&first, &second] {
        fs::create_dir(point).expect("a directory");
    }
    let content = noise(1, FILE_BYTES);
    let mount = MountGuard::start(&cluster, first.clone().into(), &[]);
    write(&Path::new(&first).join("field"), &content);
    it_shows_that_something_is_written(&browser, Path::new(&first)).await;

    if std::env::var_os(PICTURES).is_some() {
        home.ok(&[
            "cluster",
            "validation",
            "create",
            "-g",
            "forecast",
            "--cluster",
            "weather",
            "-n",
            "first",
        ]);
        browser.sees("Results").await;
        it_shows_that_something_is_written(&browser, Path::new(&first)).await;
        picture(&browser, "cluster").await;
    }
    clusters.kill("n2.toml");
    browser.sees("n2 does not answer").await;
    picture(&browser, "degraded").await;
    browser.press("Replace… n2").await;
    browser.sees("Nothing was done yet: this was a dry run.").await;
    browser.press("Replace n2").await;
    browser.sees("All 3 nodes are up").await;
    // Another mount has read nothing yet.
    let other = MountGuard::start(&cluster, second.clone().into(), &[]);
    assert!(fs::read(Path::new(&second).join("field")).expect("a file") == content, "other bytes");
    drop((mount, other));

    // Later on it may still ask for something of the cluster that has just gone.
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    browser.delete_cluster("weather").await;
    assert!(clusters.processes().is_empty() && !cluster.exists());
    browser.close().await;
    control.stop();
}

fn write(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::create(path).expect("a file");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("it is durable");
}

async fn it_shows_that_something_is_written(browser: &Browser, dir: &Path) {
    let begun = Instant::now();
    while browser.script(WRITTEN).await.as_str().is_none_or(|rate| rate == "0 B/s" || rate == "–") {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written: {}", browser.text().await);
        write(&dir.join("more"), &noise(2, 1 << 20));
    }
}
