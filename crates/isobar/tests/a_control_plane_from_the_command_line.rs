//! A real `isobar control`, and the commands that people type beside it, as processes.

mod control;

use std::process::Command;

use control::{Control, Home, READER, WithClusters, refused};
use serde_json::{Value, json};

#[test]
fn from_the_first_start_to_groups_locks_and_roles() {
    let home = Home::new();
    let control = Control::start(&home, &[]);
    assert_eq!(control.told["logged_in"], true);
    let account = home.json(&["account"]);
    assert_eq!((&account["url"], &account["clientId"]), (&control.told["url"], &control.told["client_id"]));

    let made = home.json(&["group", "create", "--name", "weather", "--tags", "env=prod", "owner=met"]);
    assert_eq!(
        (&made["location"], &made["properties"]["provisioningState"]),
        (&json!("local"), &json!("Succeeded"))
    );
    assert_eq!(made["tags"], json!({"env": "prod", "owner": "met"}));
    let list = home.ok(&["group", "list"]);
    assert!(list.contains("provisioning state") && list.contains("weather"), "{list}");
    let shown = home.ok(&["group", "show", "-n", "weather"]);
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["location", "local"])), "{shown}");
    let changed = home.json(&["group", "update", "-n", "weather", "--set", "tags.more=1"]);
    assert_eq!(changed["tags"]["more"], "1", "{changed}");

    locks_hold(&home);
    roles_are_given(&home, &control);

    // Whatever else the table has is there as well.
    let plan = home.json(&["cluster", "plan", "--node-count", "5"]);
    assert_eq!(plan["parityRows"], 2, "{plan}");
    let sizes = home.ok(&["size", "list"]);
    assert!(sizes.contains("Local_64MiB") && sizes.contains("64 MiB"), "{sizes}");
    assert_eq!(home.run(&["cluster", "plan", "--node-count", "2"]).status.code(), Some(2));
    assert_eq!(home.ok(&["cluster", "list"]), "none\n");

    let deleted = home.run(&["group", "delete", "-n", "weather", "--yes"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let progress = String::from_utf8_lossy(&deleted.stderr).into_owned();
    assert!(progress.lines().last().is_some_and(|line| line.contains("Succeeded")), "{progress}");
    refused(&home.run(&["group", "show", "-n", "weather"]), 3, "ResourceGroupNotFound");
    assert_eq!(home.run(&["group", "exists", "-n", "weather"]).status.code(), Some(3));
    assert_eq!(home.json(&["group", "list"]), json!({"value": []}));
    let log = home.ok(&["activity-log", "list"]);
    assert!(log.contains("Microsoft.Resources/subscriptions/resourceGroups/delete"), "{log}");
    control.stop();
}

fn locks_hold(home: &Home) {
    let lock =
        ["lock", "create", "-g", "weather", "-n", "keep", "--level", "CanNotDelete", "--notes", "in use"];
    assert_eq!(home.json(&lock)["properties"]["notes"], "in use");
    assert_eq!(home.ok(&["lock", "exists", "-g", "weather", "-n", "keep"]), "It is there.\n");
    assert_eq!(home.run(&["lock", "exists", "-g", "weather", "-n", "none"]).status.code(), Some(3));
    refused(&home.run(&["group", "delete", "-n", "weather", "--yes"]), 1, "ScopeLocked");
    let locks = home.ok(&["lock", "list"]);
    assert!(locks.contains("keep") && locks.contains("CanNotDelete"), "{locks}");
    assert_eq!(home.ok(&["lock", "delete", "-g", "weather", "-n", "keep"]), "It is gone.\n");
    assert_eq!(home.ok(&["lock", "delete", "-g", "weather", "-n", "keep"]), "It was not there.\n");
}

fn roles_are_given(home: &Home, control: &Control) {
    let robot = home.json(&["principal", "create", "--display-name", "robot"]);
    let (id, client) = (robot["id"].as_str().expect("an id"), robot["appId"].as_str().expect("an id"));
    let secret = home.json(&["principal", "secret", "create", "--id", id]);
    let secret = secret["secretText"].as_str().expect("a secret");
    let give = [
        "role",
        "assignment",
        "create",
        "-g",
        "weather",
        "--principal-id",
        id,
        "--role-definition-id",
        READER,
    ];
    let given = home.json(&give);
    let list = home.ok(&["role", "assignment", "list", "-g", "weather"]);
    assert!(list.contains(id), "{list}");

    let elsewhere = Home::new();
    let login = ["login", control.url(), "--ca", control.ca(), "--client-id", client];
    let told = elsewhere.run_with(&login, &[("ISOBAR_CLIENT_SECRET", secret)], None);
    assert!(told.status.success(), "{told:?}");
    assert!(!String::from_utf8_lossy(&told.stdout).contains(secret));
    assert_eq!(elsewhere.json(&["group", "list"])["value"][0]["name"], "weather");
    refused(&elsewhere.run(&["group", "create", "-n", "mine"]), 1, "AuthorizationFailed");
    let name = given["name"].as_str().expect("a name");
    home.ok(&["role", "assignment", "delete", "-g", "weather", "--name", name]);
    assert_eq!(elsewhere.json(&["subscription", "list"]), json!({"value": []}));
    elsewhere.ok(&["logout"]);
    refused(&elsewhere.run(&["group", "list"]), 1, "nobody is logged in");
    home.ok(&["principal", "delete", "--id", id]);
    let again = elsewhere.run_with(&login, &[], Some(secret));
    refused(&again, 1, "AADSTS7000215");
}

#[test]
fn a_token_of_another_issuer_stands_for_a_secret() {
    let (elsewhere, home, visitor) = (Home::new(), Home::new(), Home::new());
    let issuer = Control::start(&elsewhere, &[]);
    let control = Control::start(&home, &["--trust", issuer.ca()]);
    let known = elsewhere.json(&["principal", "list"]);
    let subject = known["value"][0]["id"].as_str().expect("an id");
    let name = format!("{}/{}/v2.0", issuer.url(), issuer.told["tenant"].as_str().expect("a tenant"));
    let guest = home.json(&["principal", "create", "--display-name", "guest"]);
    let (id, client) = (guest["id"].as_str().expect("an id"), guest["appId"].as_str().expect("an id"));
    let one = ["--principal", id, "--name", "elsewhere"];
    let who = ["--issuer", &name, "--subject", subject, "--audiences", issuer.url()];
    home.ok(&[&["principal", "federation", "create"], &one[..], &who[..]].concat());
    assert!(home.ok(&["principal", "federation", "list", "--principal", id]).contains("elsewhere"));

    let file = visitor.path("token");
    let token = elsewhere.profile()["token"]["text"].as_str().expect("a token").to_owned();
    std::fs::write(&file, &token).expect("a file");
    let login = ["login", control.url(), "--ca", control.ca(), "--client-id", client, "--token-file", &file];
    visitor.ok(&login);
    assert_eq!(visitor.json(&["subscription", "list"]), json!({"value": []}));
    assert!(!visitor.profile().to_string().contains(&token), "it stays where it is");
    // Whenever a token is needed the file is read again.
    let forget = || {
        let mut profile = visitor.profile();
        profile.as_object_mut().expect("an object").remove("token");
        visitor.write_profile(&profile);
    };
    forget();
    visitor.ok(&["subscription", "list"]);
    forget();
    std::fs::write(&file, "").expect("a file");
    refused(&visitor.run(&["subscription", "list"]), 1, "there is no token in it");
    std::fs::write(&file, &token).expect("a file");
    home.ok(&[&["principal", "federation", "delete"], &one[..]].concat());
    refused(&visitor.run(&["subscription", "list"]), 1, "AADSTS700027");
    control.stop();
    issuer.stop();
}

#[test]
fn a_cluster_is_measured_and_its_report_is_kept() {
    let home = Home::new();
    let clusters = WithClusters::begin(&home);
    let control = Control::start(&home, &[]);
    home.ok(&["group", "create", "-n", "weather"]);
    let cluster = ["-g", "weather", "-n", "forecast"];
    let make = ["--node-count", "3", "--sku", "Local_64MiB", "--deletion-protection", "false"];
    home.ok(&[&["cluster", "create"], &cluster[..], &make[..]].concat());
    let validation = |verb: &str, name: &str, more: &[&str]| {
        let of = ["-g", "weather", "--cluster", "forecast", "-n", name];
        let words = [&["cluster", "validation", verb], &of[..], more].concat();
        words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>()
    };
    let run = |of: &[String]| home.run(&of.iter().map(String::as_str).collect::<Vec<_>>());
    let show = |name: &str| {
        let words = validation("show", name, &[]);
        home.json(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };

    let wrong = run(&validation("create", "first", &["--targets", "speed = 1"]));
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("'properties.targets' cannot be read"),
        "{wrong:?}"
    );
    let measured = run(&validation("create", "first", &["--seconds", "1", "--files", "20"]));
    let told = String::from_utf8_lossy(&measured.stderr).into_owned();
    assert!(measured.status.success() && told.contains("drill"), "{told}");
    let shown = String::from_utf8_lossy(&measured.stdout).into_owned();
    let first = show("first");
    let of = &first["properties"];
    assert!(of["passed"].as_u64() > Some(0) && of["statement"].is_string(), "{of:#}");
    let checks = of["checks"].as_array().expect("checks");
    let rates: Vec<&Value> =
        checks.iter().filter(|one| one["measured"].as_str().is_some_and(|m| m.ends_with("B/s"))).collect();
    assert!(rates.len() >= 4, "{of:#}");
    // People see the same as a table.
    for check in checks {
        assert!(shown.contains(check["name"].as_str().expect("a name")), "{shown}");
    }
    let of = ["-g", "weather", "--cluster", "forecast", "--validation", "first"];
    let report = home.ok(&[&["cluster", "validation", "report"], &of[..]].concat());
    assert!(report.starts_with("<!doctype html>") && report.trim_end().ends_with("</html>"), "{report}");
    assert!(report.contains("isobar dev kill"), "{report}");

    // One that is cancelled leaves nothing behind.
    let begun = run(&validation("create", "second", &["--seconds", "60", "--no-wait"]));
    assert!(begun.status.success(), "{begun:?}");
    assert!(run(&validation("cancel", "second", &[])).status.success());
    let begun = std::time::Instant::now();
    loop {
        let second = show("second");
        if second["properties"]["provisioningState"] == "Canceled" {
            break;
        }
        assert!(begun.elapsed().as_secs() < 60, "{second:#}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let health = home.json(&[&["cluster", "check-health"], &cluster[..]].concat());
    assert_eq!(health["state"], "Healthy", "{health:#}");
    let list = home.ok(&["cluster", "validation", "list", "-g", "weather", "--cluster", "forecast"]);
    assert!(list.contains("first") && list.contains("Canceled"), "{list}");
    home.ok(&[&["cluster", "delete", "--yes"], &cluster[..]].concat());
    assert!(clusters.processes().is_empty());
    control.stop();
}

#[test]
fn wrong_input_is_one_line_that_says_what_to_do() {
    let (home, stranger) = (Home::new(), Home::new());
    let control = Control::start(&home, &[]);
    let (url, ca) = (control.url(), control.ca());
    let id = control.told["client_id"].as_str().expect("an id");
    let nowhere = ["control", "--data", "/dev/null/x", "--listen", "127.0.0.1:0"];
    let taken = ["control", "--data", &stranger.path("data"), "--listen", url.trim_start_matches("https://")];
    let database =
        ["control", "--data", &stranger.path("data"), "--listen", "127.0.0.1:0", "--database", "x://y"];
    let login = ["login", url, "--client-id", id];
    let wrong = [("ISOBAR_CLIENT_SECRET", "wrong")];
    for (output, code, with) in [
        (stranger.run(&["group", "list"]), 1, "isobar login URL --client-id ID"),
        (stranger.run(&["account"]), 1, "nobody is logged in"),
        (stranger.run(&nowhere), 1, "/dev/null"),
        (stranger.run(&taken), 1, "cannot listen on"),
        (stranger.run(&database), 1, "postgres://"),
        (stranger.run_with(&login, &wrong, None), 1, "--ca FILE"),
        (stranger.run_with(&[&login[..], &["--ca", ca]].concat(), &wrong, None), 1, "AADSTS7000215"),
        (stranger.run_with(&[&login[..], &["--ca", ca]].concat(), &[], Some("")), 1, "--secret-file FILE"),
        (
            stranger.run_with(&[&login[..], &["--ca", "/nonexistent"]].concat(), &wrong, None),
            1,
            "/nonexistent",
        ),
        (
            stranger.run_with(&["login", "http://a", "--client-id", id], &wrong, None),
            1,
            "write https://HOST:PORT",
        ),
        (
            stranger.run_with(&["login", "https://127.0.0.1:1", "--client-id", id], &wrong, None),
            1,
            "isobar control",
        ),
        (home.run(&["group", "delete", "-n", "g"]), 1, "say --yes"),
        (home.run(&["group", "create", "-n", "g", "-l", "mars"]), 1, "LocationNotAvailableForResourceType"),
        (home.run(&["group", "create", "-n", "g", "--body", "/nonexistent"]), 1, "--body /nonexistent"),
        (
            home.run(&["account", "set", "--subscription", "x"]),
            1,
            "there is no subscription x; there are: Isobar",
        ),
        (home.run(&["api", "GET", "subscriptions"]), 1, "begins with /"),
        (home.run(&["api", "GET", "https://elsewhere.example/"]), 1, "another server"),
        (home.run(&["api", "GET", "/subscriptions"]), 1, "MissingApiVersionParameter"),
        (home.run(&["api", "GET", "/nonexistent"]), 3, "MissingSubscription"),
    ] {
        refused(&output, code, with);
    }
    for usage in [
        &["lock", "create", "-n", "a", "--level", "Never"][..],
        &["group", "create"],
        &["group"],
        &["lock", "create", "-n", "a"],
        &["lock", "create", "-n", "a", "--level", "ReadOnly", "--set", "notes"],
        &["control", "--location", "x"],
        &["control", "--listen", "x"],
    ] {
        assert_eq!(home.run(usage).status.code(), Some(2), "{usage:?}");
    }
    // Several fields are wrong: each has a line.
    let body = r#"{"location": 5, "tags": {"a": 1}}"#;
    let output = home.run(&["group", "create", "-n", "g", "--body", body]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.lines().count() >= 3 && said.lines().skip(1).all(|line| line.starts_with("  ")), "{said}");
    control.stop();
}

#[test]
fn any_request_can_be_sent() {
    let home = Home::new();
    let control = Control::start(&home, &[]);
    let path = "/subscriptions/{subscriptionId}/resourceGroups/g?api-version=2024-11-01";
    let made = home.run_with(&["api", "put", path, "--body", "-"], &[], Some(r#"{"location": "local"}"#));
    assert!(made.status.success(), "{made:?}");
    let read: Value = serde_json::from_str(&home.ok(&["api", "GET", path])).expect("JSON");
    assert_eq!(read["name"], "g");
    // What it has itself in its answers can be asked for.
    let list = home.json(&["group", "list", "--top", "1"]);
    assert_eq!(list["value"].as_array().map(Vec::len), Some(1));
    home.ok(&["group", "create", "-n", "h"]);
    let first = home.json(&["group", "list", "--top", "1"]);
    let next = first["nextLink"].as_str().expect("a next page");
    let second: Value = serde_json::from_str(&home.ok(&["api", "GET", next])).expect("JSON");
    assert_eq!(second["value"][0]["name"], "h");
    control.stop();
}

#[test]
fn tokens_that_end_are_renewed_and_kept() {
    let home = Home::new();
    let control = Control::start(&home, &[]);
    home.ok(&["group", "list"]);
    let token = |home: &Home| home.profile()["token"]["text"].as_str().expect("a token").to_owned();
    let first = token(&home);
    for (text, ends_s) in [("not-a-token", json!(u32::MAX)), (first.as_str(), json!(1))] {
        let mut profile = home.profile();
        profile["token"] = json!({"text": text, "ends_s": ends_s});
        home.write_profile(&profile);
        home.ok(&["group", "list"]);
        assert_ne!(token(&home), text);
        assert!(home.profile()["token"]["ends_s"].as_u64().expect("a time") < u64::from(u32::MAX));
    }
    control.stop();
}

#[test]
fn another_database_and_another_secret_log_in_again_and_other_profiles_stay() {
    let home = Home::new();
    let control = Control::start(&home, &[]);
    let listen = control.url().trim_start_matches("https://").to_owned();
    home.ok(&["group", "create", "-n", "old"]);
    let old = home.profile();
    control.stop();

    let control = Control::start(&home, &["--listen", &listen, "--database", &home.path("other.db")]);
    assert_ne!(control.told["client_id"], old["client_id"]);
    assert_eq!(home.json(&["group", "list"]), json!({"value": []}));
    control.stop();

    // The old database, for which the profile is wrong now, authority and all.
    let control = Control::start(&home, &["--listen", &listen]);
    assert_eq!((&control.told["secret"], &control.told["logged_in"]), (&Value::Null, &json!(false)));
    refused(&home.run(&["group", "list"]), 1, "its certificate is not trusted here");
    control.stop();
    let control = Control::start(&home, &["--listen", &listen, "--new-secret"]);
    assert_eq!(control.told["client_id"], old["client_id"]);
    assert_ne!(control.told["secret"], old["secret"]);
    assert_eq!(home.json(&["group", "list"])["value"][0]["name"], "old");

    let kept = home.profile();
    let other = Control::start(&home, &["--data", &home.path("other")]);
    assert_eq!(other.told["logged_in"], false);
    assert_eq!(home.profile(), kept, "a profile of another control plane stays");
    other.stop();
    control.stop();
}

#[test]
fn shells_can_complete_what_the_table_has() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.ok(&["completion", shell]);
        for word in ["group", "exists", "new-secret"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let script = home.path("isobar.bash");
    std::fs::write(&script, home.ok(&["completion", "bash"])).expect("a script");
    let complete = format!(
        "source {script}; COMP_WORDS=(isobar group cr); COMP_CWORD=2; _isobar isobar cr group; echo ${{COMPREPLY[@]}}"
    );
    let output = Command::new("bash").args(["-c", &complete]).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "create", "{output:?}");
}
