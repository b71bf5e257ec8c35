//! The page's scripts are laid out like the crates: small files with a header, and arrows that point down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a file.
const LINES_MAX: usize = 300;
/// Folders, the lowest first. Files beside them begin everything.
const FOLDERS: [&str; 3] = ["core", "parts", "views"];

/// The scripts, by their paths below `page/js`, with their text.
fn scripts() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/js");
    let mut scripts = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("below").to_str().expect("UTF-8").to_owned();
            scripts.insert(name, std::fs::read_to_string(path).expect("text"));
        }
    }
    scripts
}

/// The scripts that one imports.
fn imports(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from "));
    let targets = lines.filter_map(|line| line.split_once("from \"")?.1.split_once('"'));
    let folder = Path::new(name).parent().expect("a folder");
    let below = targets.map(|(target, _)| {
        let mut path = PathBuf::new();
        for part in folder.join(target).components() {
            match part.as_os_str().to_str().expect("UTF-8") {
                "." => {}
                ".." => drop(path.pop()),
                word => path.push(word),
            }
        }
        path.to_str().expect("UTF-8").to_owned()
    });
    below.collect()
}

fn height(name: &str) -> usize {
    let folder = name.split_once('/').map_or("", |(folder, _)| folder);
    FOLDERS.iter().position(|of| *of == folder).unwrap_or(FOLDERS.len())
}

#[test]
fn scripts_are_short_and_say_what_they_are() {
    for (name, text) in scripts() {
        assert!(text.starts_with("// "), "{name} has no header");
        assert!(text.lines().count() <= LINES_MAX, "{name} is too long");
    }
}

#[test]
fn arrows_between_scripts_point_down_and_none_goes_in_a_circle() {
    let scripts = scripts();
    let arrows: BTreeMap<&str, Vec<String>> =
        scripts.iter().map(|(name, text)| (name.as_str(), imports(name, text))).collect();
    assert!(arrows.values().map(Vec::len).sum::<usize>() > 100, "imports are not read: {arrows:?}");
    for (name, targets) in &arrows {
        for target in targets {
            assert!(scripts.contains_key(target), "{name} imports {target}, which is not there");
            assert!(height(target) <= height(name), "{name} imports {target}, which is above it");
        }
    }
    // Those that import only what was taken away are taken away, until nothing is left.
    let mut left: BTreeSet<&str> = arrows.keys().copied().collect();
    while !left.is_empty() {
        let free = |name: &&str| arrows[name].iter().all(|target| !left.contains(target.as_str()));
        let next: Vec<&str> = left.iter().copied().filter(free).collect();
        assert!(!next.is_empty(), "these go in a circle: {left:?}");
        left.retain(|name| !next.contains(name));
    }
}
