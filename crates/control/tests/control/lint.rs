//! Microsoft's rules for ARM (LintDiff), run over the Swagger document of what is our own.
//!
//! `lint/allowed.json` has the rules that are not met, each with why. One that is met after all has no place
//! there: the list says what is so.
//!
//! The rules are packages of npm and need `node` and `npm`, Debian's `nodejs` and `npm`. Where ISOBAR_INSTALL
//! is set (as `./test` does) they are installed beside the build, once. Where there are none, the tests with
//! them say so in one line and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use isobar_control::swagger_document;
use serde_json::{Value, json};

/// The versions that were tried.
const PACKAGES: &[&str] = &[
    "@microsoft.azure/openapi-validator-rulesets@2.2.6",
    "@microsoft.azure/openapi-validator-core@1.0.7",
    "@stoplight/spectral-core@1.24.1",
    "@stoplight/spectral-parsers@1.0.5",
    "@stoplight/spectral-ref-resolver@1.0.5",
];
/// How long installing may take, and a run of the rules.
const INSTALL_SECONDS_MAX: &str = "600";
const RUN_SECONDS_MAX: &str = "120";
/// So many rules there are at least: fewer would mean that they were not read.
const RULES_MIN: usize = 160;
/// The rules that are not met, and why.
const ALLOWED: &str = include_str!("lint/allowed.json");

/// Where the packages are; nothing when they cannot be had.
fn packages() -> Option<PathBuf> {
    let found = installed();
    if found.is_none() {
        // The test's own output is shown only when it fails.
        let line =
            "LintDiff is not there (ISOBAR_INSTALL=1 and npm install it): the tests with it are skipped";
        writeln!(std::io::stderr(), "{line}").expect("a line");
    }
    found
}

fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint-npm");
    // A file that is written last says that nothing is missing.
    let whole = folder.join("whole");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&whole).is_ok_and(|there| there == wanted) {
        return Some(folder.join("node_modules"));
    }
    std::env::var_os("ISOBAR_INSTALL")?;
    std::fs::create_dir_all(&folder).ok()?;
    let mut install = Command::new("timeout");
    install.args([INSTALL_SECONDS_MAX, "npm", "install", "--silent", "--ignore-scripts", "--no-audit"]);
    install.args(["--no-fund", "--prefix"]).arg(&folder).args(PACKAGES).stdin(Stdio::null());
    if !install.output().ok()?.status.success() {
        return None;
    }
    std::fs::write(&whole, wanted).ok()?;
    Some(folder.join("node_modules"))
}

/// What the rules say of a document: which there are, and what of which was found.
fn lint(packages: &Path, document: &Value) -> (BTreeSet<String>, BTreeMap<String, Vec<String>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("swagger.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control/lint/lint.js");
    let mut command = Command::new("timeout");
    command.args([RUN_SECONDS_MAX, "node"]).arg(program).arg(&file).arg(folder.path().join("tree"));
    let run = command.env("NODE_PATH", packages).output().expect("node runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let told: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut problems: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for problem in told["problems"].as_array().expect("problems") {
        let line = format!("{}: {}", text(&problem["at"]), text(&problem["message"]));
        problems.entry(text(&problem["rule"])).or_default().push(line);
    }
    (told["rules"].as_array().expect("rules").iter().map(text).collect(), problems)
}

#[test]
fn the_rules_of_arm_are_met_but_for_those_that_say_why_not() {
    let Some(packages) = packages() else { return };
    let allowed: BTreeMap<String, String> = serde_json::from_str(ALLOWED).expect("rules and reasons");
    let (rules, problems) = lint(&packages, &swagger_document());
    assert!(rules.len() >= RULES_MIN, "{} rules: {rules:?}", rules.len());
    let broken: Vec<_> = problems.iter().filter(|(rule, _)| !allowed.contains_key(*rule)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let met: Vec<_> = allowed.keys().filter(|rule| !problems.contains_key(*rule)).collect();
    assert!(met.is_empty(), "these are met: they do not belong into lint/allowed.json: {met:?}");
    for (rule, why) in &allowed {
        assert!(why.split(' ').count() > 5, "{rule}: why is it not met?");
    }
}

/// A rule that could not read the document would find nothing wrong with it.
#[test]
fn what_is_broken_on_purpose_is_found() {
    let Some(packages) = packages() else { return };
    let mut document = swagger_document();
    let paths = document["paths"].as_object_mut().expect("paths");
    let mut all = paths.iter_mut();
    let (_, operation) = all.find(|(path, _)| path.ends_with("/clusters/{clusterName}")).expect("a path");
    operation["put"]["responses"].as_object_mut().expect("answers").remove("201");
    operation["patch"]["operationId"] = json!("");
    document["definitions"]["ProvisioningState"]["readOnly"] = json!(false);
    let (_, problems) = lint(&packages, &document);
    for rule in ["PutResponseCodes", "OperationIdRequired", "ProvisioningStateMustBeReadOnly"] {
        assert!(problems.contains_key(rule), "{rule}: {problems:#?}");
    }
}
