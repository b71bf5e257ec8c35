//! The text keeps to its measures: lines, files, functions, headers.
//!
//! What is above a measure today is listed with it. The lists only shrink: an entry that is not needed fails.

mod source;

use std::collections::BTreeMap;

use source::{Blank, blank, files_in, is_of_name, item_len, line_of};

/// Columns of a line that has no string in it.
const COLUMNS_MAX: usize = 110;
/// Lines of a file below `src`.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function below `src`, from `fn` to its last brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Files with longer lines.
const LONG_LINES: &[&str] = &[
    "base/src/quantity.rs",
    "consensus/src/log/tests.rs",
    "consensus/src/lsm/tests.rs",
    "erasure/tests/any_length_and_alignment.rs",
    "meta/src/ops/commit.rs",
    "meta/tests/random_operations.rs",
    "plan/tests/more_never_needs_more.rs",
    "server/src/lib.rs",
];

/// Longer files.
const LONG_FILES: &[&str] = &["mount/src/filesystem.rs"];

/// Longer functions.
const LONG_FUNCTIONS: &[&str] = &["client/src/file/commit.rs settle"];

/// Files below `src` without a header.
const NO_HEADER: &[&str] =
    &["consensus/src/log/tests.rs", "consensus/src/lsm/tests.rs", "erasure/src/kernel/tests.rs"];

#[test]
fn the_readme_is_one_screen_for_each_thing_one_does() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(readme).expect("a README");
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(wide.is_empty(), "wider than 120 columns: {wide:#?}");
}

#[test]
fn nothing_but_tests_unwraps() {
    const RULE: &str = "#![cfg_attr(not(test), deny(clippy::unwrap_used))]";
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for dir in std::fs::read_dir(crates).expect("crates").map(|dir| dir.expect("a crate").path()) {
        // What only tests use may unwrap.
        if dir.ends_with("testcluster") {
            continue;
        }
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| dir.join(root));
        let text = roots.iter().find_map(|root| std::fs::read_to_string(root).ok()).expect("a crate root");
        assert!(text.contains(RULE), "{} must have {RULE}", dir.display());
    }
}

#[test]
fn lines_fit() {
    let mut long = BTreeMap::new();
    for file in files_in("") {
        let without_strings = blank(&file.text, Blank::Literals);
        for (at, (line, without)) in file.text.lines().zip(without_strings.lines()).enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && line == without {
                long.entry(file.at.clone()).or_insert(format!("line {} has {columns} columns", at + 1));
            }
        }
    }
    only(&long, LONG_LINES);
}

#[test]
fn files_are_short() {
    let lines = sources().map(|file| (file.at, file.text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    only(&long.map(|(at, lines)| (at, format!("{lines} lines"))).collect(), LONG_FILES);
}

#[test]
fn functions_are_short() {
    let mut long = BTreeMap::new();
    for file in sources() {
        for (name, line, lines) in functions(&blank(&file.text, Blank::LiteralsAndComments)) {
            if lines > FUNCTION_LINES_MAX {
                long.insert(format!("{} {name}", file.at), format!("{lines} lines from line {line}"));
            }
        }
    }
    only(&long, LONG_FUNCTIONS);
}

#[test]
fn files_say_what_they_are() {
    let bare = sources().filter(|file| !file.text.starts_with("//!"));
    only(&bare.map(|file| (file.at, "begins without //!".to_owned())).collect(), NO_HEADER);
}

/// The files below `src` of every crate.
fn sources() -> impl Iterator<Item = source::Source> {
    source::crates().into_iter().flat_map(|name| files_in(&format!("{name}/src")))
}

/// Fails when something is found that is not excepted, or an exception is not found.
fn only(found: &BTreeMap<String, String>, excepted: &[&str]) {
    let news = found.iter().filter(|(what, _)| !excepted.contains(&what.as_str()));
    let news = news.map(|(what, why)| format!("    {what:?}, // {why}"));
    let needless = excepted.iter().filter(|what| !found.contains_key(**what));
    let needless = needless.map(|what| format!("    {what:?} need not be excepted any more"));
    let wrong: Vec<String> = news.chain(needless).collect();
    assert!(wrong.is_empty(), "shorten it, or else the list of exceptions:\n{}", wrong.join("\n"));
}

/// The functions in blanked code: name, first line, number of lines.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let rest = &code[at + "fn ".len()..];
        let name: String = rest.chars().take_while(|c| is_of_name(*c)).collect();
        if !code[..at].ends_with(is_of_name) && !name.is_empty() {
            let lines = code[at..at + item_len(&code[at..])].lines().count();
            functions.push((name, line_of(code, at), lines));
        }
    }
    functions
}

#[test]
fn functions_are_found_with_their_lines() {
    let code =
        "impl A {\n    fn b(c: fn (u8) -> u8);\n    pub async fn d() {\n        if e {\n        }\n    }\n}";
    assert_eq!(functions(code), [("b".to_owned(), 2, 1), ("d".to_owned(), 3, 4)]);
}

#[test]
#[should_panic = "\"a\", // 3\n    \"c\" need not be excepted any more"]
fn news_and_needless_exceptions_are_both_wrong() {
    let found = [("a", "3"), ("b", "4")].map(|(what, why)| (what.to_owned(), why.to_owned()));
    only(&found.into(), &["b", "c"]);
}
