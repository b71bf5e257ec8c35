//! The crates depend on each other as ARCHITECTURE.md draws it, and in no other way.

use std::collections::BTreeMap;
use std::process::Command;

/// For tests alone: those of the crates that it is made of use it, too.
const TEST_CLUSTER: &str = "isobar-testcluster";

/// Each crate and all it may use of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("isobar-base", &[]),
    ("isobar-disk", &["isobar-base"]),
    ("isobar-model", &[]),
    ("isobar-erasure", &["isobar-base"]),
    ("isobar-identity", &["isobar-base"]),
    ("isobar-wire", &["isobar-base", "isobar-identity"]),
    ("isobar-config", &["isobar-base", "isobar-wire"]),
    ("isobar-store", &["isobar-base", "isobar-disk"]),
    ("isobar-meta", &["isobar-base", "isobar-wire"]),
    ("isobar-consensus", &["isobar-base", "isobar-disk"]),
    ("isobar-cluster", &["isobar-base", "isobar-wire", "isobar-config"]),
    ("isobar-segments", &["isobar-base", "isobar-erasure", "isobar-wire", "isobar-cluster"]),
    ("isobar-admin", &["isobar-base", "isobar-wire", "isobar-config", "isobar-cluster", "isobar-segments"]),
    (
        "isobar-server",
        &[
            "isobar-base",
            "isobar-disk",
            "isobar-wire",
            "isobar-config",
            "isobar-store",
            "isobar-meta",
            "isobar-consensus",
            "isobar-cluster",
            "isobar-segments",
        ],
    ),
    // Clusters for tests, of whatever crate.
    (
        TEST_CLUSTER,
        &[
            "isobar-base",
            "isobar-disk",
            "isobar-wire",
            "isobar-config",
            "isobar-cluster",
            "isobar-segments",
            "isobar-server",
        ],
    ),
    ("isobar-client", &["isobar-base", "isobar-wire", "isobar-config", "isobar-cluster", "isobar-segments"]),
    ("isobar-vfs", &["isobar-base", "isobar-client"]),
    ("isobar-mount", &["isobar-base", "isobar-client", "isobar-vfs"]),
    ("isobar-arm", &[]),
    ("isobar-template", &["isobar-arm"]),
    ("isobar-records", &[]),
    ("isobar-workflow", &["isobar-records"]),
    ("isobar-provider", &["isobar-base", "isobar-wire", "isobar-config", "isobar-admin"]),
    (
        "isobar-control",
        &[
            "isobar-base",
            "isobar-wire",
            "isobar-config",
            "isobar-cluster",
            "isobar-admin",
            "isobar-arm",
            "isobar-https",
            "isobar-provider",
            "isobar-template",
            "isobar-records",
            "isobar-workflow",
        ],
    ),
    ("isobar-https", &[]),
    ("isobar-remote", &["isobar-arm", "isobar-https"]),
    ("isobar-plan", &["isobar-base"]),
    ("isobar-bench", &["isobar-base", "isobar-client", "isobar-vfs"]),
    ("isobar-validate", &["isobar-base", "isobar-wire", "isobar-client", "isobar-plan", "isobar-bench"]),
    (
        "isobar",
        &[
            "isobar-base",
            "isobar-wire",
            "isobar-config",
            "isobar-cluster",
            "isobar-client",
            "isobar-vfs",
            "isobar-admin",
            "isobar-provider",
            "isobar-control",
            "isobar-remote",
            "isobar-server",
            "isobar-mount",
            "isobar-plan",
            "isobar-bench",
            "isobar-validate",
        ],
    ),
];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

#[test]
fn every_arrow_between_crates_is_allowed() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), ARROWS.len(), "a crate is missing from the list of arrows");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let may = allowed.get(name).unwrap_or_else(|| panic!("crate {name} is not in the list of arrows"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("a name");
            // Tests may use what they like as long as nothing points up.
            let is_test = dependency["kind"].as_str() == Some("dev");
            let below =
                ARROWS.iter().position(|(n, _)| *n == to) < ARROWS.iter().position(|(n, _)| *n == name);
            let ours = to == "isobar" || to.starts_with("isobar-");
            let is_allowed = may.contains(&to) || is_test && (below || to == TEST_CLUSTER);
            assert!(!ours || is_allowed, "{name} must not depend on {to}");
        }
    }
}

#[test]
fn only_the_erasure_code_is_unsafe() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "isobar-erasure") {
        let dir = if *name == "isobar" { "isobar" } else { &name["isobar-".len()..] };
        let file = if *name == "isobar" { "main.rs" } else { "lib.rs" };
        let text =
            std::fs::read_to_string(root.join(dir).join("src").join(file)).expect("a crate has a root");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{name} must forbid unsafe code");
    }
}
