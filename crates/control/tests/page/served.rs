//! How the files of the page are served.

use std::path::Path;

use isobar_records::testing::{TestDatabase, on_sqlite};

use crate::common::World;
use crate::common::client::Client;

/// What the page may do: run and show its own files, and speak to its own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// All files below a folder, by the paths that they are served at.
fn files(folder: &Path, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let at = format!("{path}/{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.path().is_dir() {
            found.extend(files(&entry.path(), &at));
        } else {
            found.push(at);
        }
    }
    found
}

async fn every_file(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    for path in files(&folder, "/page").into_iter().chain(["/".to_owned()]) {
        let answer = stranger.get(&path).await.expect(200);
        let kind = match path.rsplit('.').next() {
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            _ => "text/html",
        };
        assert!(answer.header("content-type").starts_with(kind), "{path}: {}", answer.header("content-type"));
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-cache"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let tag = answer.header("etag").to_owned();
        let again = stranger.send("GET", &path, &[("if-none-match", &tag)], &[]).await.expect(304);
        assert_eq!((again.header("etag"), &again.body), (tag.as_str(), &serde_json::Value::Null));
        let head = stranger.send("HEAD", &path, &[], &[]).await.expect(200);
        assert_eq!(head.header("content-length"), answer.header("content-length"));
        assert_eq!(stranger.send("POST", &path, &[], &[]).await.expect(405).header("allow"), "GET, HEAD");
    }
    stranger.get("/page/no-such.js").await.expect(404);
}

#[test]
fn every_file_of_the_page_is_served_with_its_type_and_the_policy() {
    on_sqlite(every_file);
}
