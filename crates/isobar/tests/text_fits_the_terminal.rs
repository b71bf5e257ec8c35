//! What commands print for people fits terminals of 80 and of 100 columns; the widest table takes 86.

use std::path::Path;
use std::process::Command;

fn lines(columns: usize, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(arguments)
        .env("COLUMNS", columns.to_string())
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(!text.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn tables_and_sentences_fit_eighty_and_a_hundred_columns() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_str().expect("a path").to_owned();
    let cluster = path("c");
    let nodes = "n1=127.0.0.1:9,n2=127.0.0.2:9,n3=127.0.0.3:9,n4=127.0.0.4:9,n5=127.0.0.5:9";
    assert!(!lines(80, &["init", "--nodes", nodes, "--out", &cluster]).is_empty());
    std::fs::create_dir(Path::new(&cluster).join("run")).expect("the mark of a local cluster");
    let commands: [&[&str]; 5] = [
        &["plan", "--read", "1TB/s", "--write", "1TB/s", "--explain", "--all"],
        &["plan", "--small-files", "1PB", "--bandwidth", "25GB/s", "--sizes", "LS96,LS192"],
        &["plan", "--list-sizes"],
        &["status", "--cluster", &cluster],
        &["dev", "status", "--data", &cluster],
    ];
    for arguments in commands {
        // The plan's comparison of machines has ten columns of figures: it takes 86.
        let narrow = if arguments.contains(&"--all") { 86 } else { 80 };
        for columns in [narrow, 100] {
            // A path or another word that is longer than that stays whole.
            let fits = |line: &String| {
                line.chars().count() <= columns || line.split(' ').any(|word| word.len() > columns / 2)
            };
            let long: Vec<String> =
                lines(columns, arguments).into_iter().filter(|line| !fits(line)).collect();
            assert!(long.is_empty(), "{arguments:?} in {columns} columns: {long:#?}");
        }
    }
}
