//! Twenty thousand files of source code: copied in, two nodes lost, everything is still there.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use common::{TestCluster, shell};

const FILES: usize = 20_000;

/// Directories of the sources that cargo has unpacked here.
fn unpacked_sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let Some(registries) = home.and_then(|h| fs::read_dir(h.join("registry/src")).ok()) else {
        return Vec::new();
    };
    let crates = registries.flatten().filter_map(|r| fs::read_dir(r.path()).ok()).flatten().flatten();
    let mut all: Vec<PathBuf> = crates.map(|c| c.path()).filter(|p| p.is_dir()).collect();
    all.sort();
    all
}

fn count_files(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|e| match e.file_type() {
            Ok(t) if t.is_dir() => count_files(&e.path()),
            _ => 1,
        })
        .sum()
}

/// Links real sources into `dir`, and makes files that look like sources if they are too few.
fn make_source_tree(dir: &Path) -> usize {
    fs::create_dir(dir).expect("made");
    let mut files = 0;
    for source in unpacked_sources() {
        if files >= FILES {
            break;
        }
        files += count_files(&source);
        shell(&format!("cp -r '{}' '{}'", source.display(), dir.display()));
    }
    let more = FILES.saturating_sub(files);
    for n in 0..more {
        let sub = dir.join(format!("made-{}/module-{}", n / 500, n / 100));
        if n % 100 == 0 {
            fs::create_dir_all(&sub).expect("made");
        }
        let text: String =
            (0..n % 97).map(|line| format!("fn f{n}_{line}() -> usize {{ {} }}\n", n * line)).collect();
        fs::write(sub.join(format!("file{n}.rs")), text).expect("written");
    }
    println!("{files} files of real sources, {more} made");
    files + more
}

#[test]
fn a_source_tree_survives_the_loss_of_two_nodes() {
    if common::skip(&["tar", "diff", "sha256sum"]) {
        return;
    }
    let cluster = TestCluster::start(8, 768);
    let source = cluster.dir().join("source");
    let files = make_source_tree(&source);
    assert!(files >= FILES);
    let copy = cluster.mount().join("tree");
    fs::create_dir(&copy).expect("made");

    let begun = Instant::now();
    // Several at a time: one alone waits for every file to be durable before it makes the next.
    shell(&format!(
        "cd '{}'; ls | xargs -P 12 -I@ sh -c 'tar -cf - @ | tar -C \"{}\" -xf -'",
        source.display(),
        copy.display()
    ));
    println!("{files} files copied in {:?}", begun.elapsed());

    cluster.kill("n3");
    cluster.kill("n6");
    let second = cluster.second_mount();
    let there = second.path().join("tree");

    let begun = Instant::now();
    shell(&format!(
        "cd '{0}'; diff <(ls) <(ls '{1}'); ls | xargs -P 4 -I@ diff -r @ '{1}/@'",
        source.display(),
        there.display()
    ));
    println!("compared in {:?} with two nodes dead", begun.elapsed());

    // Names, modes, sizes and times as tar kept them.
    let listing = "find . -type f -printf '%P %m %s %T@\\n' | sort";
    let of = |dir: &Path| shell(&format!("cd '{}'; {listing}", dir.display()));
    let (wanted, found) = (of(&source), of(&there));
    assert_eq!(wanted.lines().count(), found.lines().count());
    for (wanted, found) in wanted.lines().zip(found.lines()) {
        // tar's default format keeps whole seconds.
        let seconds = |line: &str| line.rsplit_once('.').map_or(line.to_owned(), |(l, _)| l.to_owned());
        assert_eq!(seconds(wanted), seconds(found));
    }

    let begun = Instant::now();
    let sums = "find . -type f -print0 | sort -z | xargs -0 -n 500 -P 4 sha256sum | sort -k 2 | sha256sum";
    let of = |dir: &Path| shell(&format!("cd '{}'; {sums}", dir.display()));
    assert_eq!(of(&source), of(&there));
    println!("checksums in {:?}", begun.elapsed());

    let begun = Instant::now();
    shell(&format!("cd '{0}'; ls | xargs -P 12 -I@ rm -r @; cd /; rmdir '{0}'", copy.display()));
    println!("removed in {:?}", begun.elapsed());
    assert!(!copy.exists());
}
