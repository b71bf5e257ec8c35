//! A browser with the page: what it is told to do, what it shows, what it complained about.

use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::driver::Driver;

const PATIENCE: Duration = Duration::from_secs(60);
const AXE: &str = include_str!("axe/axe.min.js");

/// A window of a browser.
pub struct Browser {
    pub client: Client,
    pub origin: String,
    _driver: Driver,
}

/// A command that is Chromium's own.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.expect("a session"), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn xpath(words: &str, tags: &str) -> String {
    // Words of screen readers alone are a part of a button's name, too.
    let tags: Vec<String> = tags.split(' ').map(|tag| format!("self::{tag}")).collect();
    format!("//*[({}) and contains(normalize-space(.), \"{words}\")]", tags.join(" or "))
}

impl Browser {
    /// Opens a page; nothing if there is no browser here.
    pub async fn open(origin: &str) -> Option<Browser> {
        let driver = Driver::start()?;
        let Value::Object(capabilities) = json!({
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=1400,1000", "--lang=en-GB",
            ]},
        }) else {
            unreachable!("an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&driver.url).await.expect("a browser");
        let browser = Browser { client, origin: origin.to_owned(), _driver: driver };
        browser.go("").await;
        Some(browser)
    }

    /// Goes to a view: the part of the address behind `#/`.
    pub async fn go(&self, view: &str) {
        let hash = if view.is_empty() { String::new() } else { format!("#/{view}") };
        self.client.goto(&format!("{}/{hash}", self.origin)).await.expect("a page");
    }

    /// Waits for something.
    pub async fn find(&self, locator: Locator<'_>) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{locator:?}: {error}; the page shows: {}", self.text().await),
        }
    }

    /// All that the page shows.
    pub async fn text(&self) -> String {
        let text = self.client.execute("return document.body.innerText", vec![]).await.expect("text");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something holds of what the page shows.
    pub async fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let text = self.text().await;
            if holds(&text) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never {what}; the page shows: {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page shows these words.
    pub async fn sees(&self, words: &str) {
        self.until(words, |text| text.contains(words)).await;
    }

    /// Presses what has these words on it.
    pub async fn press(&self, words: &str) {
        let begun = Instant::now();
        loop {
            // The last one is in the dialog that is open.
            let path = xpath(words, "button a summary");
            let mut all = self.client.find_all(Locator::XPath(&path)).await.expect("elements");
            if let Some(one) = all.pop()
                && one.click().await.is_ok()
            {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no {words} to press; the page shows: {}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The field with this label: of several, that of the dialog that is open.
    async fn field(&self, label: &str) -> Element {
        let path = format!("(//label[contains(normalize-space(.), \"{label}\")])[last()]");
        let id = self.find(Locator::XPath(&path)).await.attr("for").await.expect("a label").expect("a field");
        self.find(Locator::Id(&id)).await
    }

    /// Types into the field with this label, instead of what was in it.
    pub async fn fill(&self, label: &str, words: &str) {
        let field = self.field(label).await;
        field.clear().await.expect("an empty field");
        field.send_keys(words).await.expect("keys");
    }

    /// Takes the choice that begins with these words.
    pub async fn choose(&self, label: &str, words: &str) {
        let field = self.field(label).await;
        let path = format!("./option[starts-with(normalize-space(.), \"{words}\")]");
        let option = field.find(Locator::XPath(&path)).await.expect("a choice");
        option.click().await.expect("a choice that can be taken");
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.expect("a script")
    }

    /// Runs a script again and again until its answer is as it should be.
    pub async fn until_script(&self, script: &str, is: impl Fn(&Value) -> bool) {
        let begun = Instant::now();
        loop {
            let answer = self.script(script).await;
            if is(&answer) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays {answer}; the page shows: {}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Logs in.
    pub async fn log_in(&self, (client, secret): &(String, String)) {
        self.fill("Client id", client).await;
        self.fill("Secret", secret).await;
        self.press("Log in").await;
        self.find(Locator::Css("main h1")).await;
    }

    /// Takes the protection of the only cluster away and deletes it, from its view.
    pub async fn delete_cluster(&self, name: &str) {
        self.press("Delete the cluster").await;
        self.sees("The files of the cluster would be lost").await;
        self.press("Take the protection away").await;
        self.press("Take it away").await;
        self.sees("It is not protected").await;
        self.press("Delete the cluster").await;
        self.fill("Type", name).await;
        self.press("Delete the cluster").await;
        self.sees("There is no cluster yet").await;
    }

    async fn own(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Own { path, body }).await.expect("a command of Chromium's")
    }

    /// Calls a method of the developer tools' protocol.
    async fn tools(&self, method: &str, params: Value) -> Value {
        self.own("goog/cdp/execute", json!({"cmd": method, "params": params})).await
    }

    /// Prefers light or dark, on a screen of this width.
    pub async fn looks(&self, scheme: &str, width: u32) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tools("Emulation.setEmulatedMedia", json!({"features": features})).await;
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.tools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What axe-core finds wrong with what is shown.
    pub async fn violations(&self) -> Vec<String> {
        if self.script("return typeof window.axe").await == "undefined" {
            self.script(AXE).await;
        }
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations'], preload: false}).then(
                ({violations}) => done(violations.flatMap(({id, help, nodes}) =>
                    nodes.map(({html, any}) => `${id}: ${help}: ${html} ${any.map(one => one.message).join(' ')}`))),
                (error) => done([String(error)]))";
        let found = self.client.execute_async(script, vec![]).await.expect("axe runs");
        let found = found.as_array().expect("a list").iter();
        found.map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Whether the page is wider than the window.
    pub async fn is_too_wide(&self) -> bool {
        let script =
            "const {scrollWidth, clientWidth} = document.documentElement; return scrollWidth > clientWidth";
        self.script(script).await == true
    }

    /// What the browser has complained about since it was asked last.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.own("se/log", json!({"type": "browser"})).await;
        let lines = log.as_array().expect("a log").iter().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Addresses that it has asked for since it was asked last.
    pub async fn asked_for(&self) -> Vec<String> {
        let log = self.own("se/log", json!({"type": "performance"})).await;
        let messages = log.as_array().expect("a log").iter().filter_map(|line| line["message"].as_str());
        let messages =
            messages.map(|text| serde_json::from_str::<Value>(text).expect("JSON")["message"].clone());
        let requests = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        requests
            .map(|message| message["params"]["request"]["url"].as_str().expect("an address").to_owned())
            .collect()
    }

    pub async fn close(self) {
        self.client.close().await.expect("it closes");
    }
}
