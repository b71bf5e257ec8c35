//! The source text of the workspace, for tests that look at it: its files, and what in them is code.
#![allow(dead_code, reason = "every test file uses its own part of this module")]

use std::path::{Path, PathBuf};

/// A file of Rust.
pub struct Source {
    /// Below `crates/`.
    pub at: String,
    pub text: String,
}

/// All files of Rust below a folder of `crates/`; `""` is all of it.
pub fn files_in(folder: &str) -> Vec<Source> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder");
    let mut files = Vec::new();
    let mut folders = vec![crates.join(folder)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file can be read");
                let at = path.strip_prefix(crates).ok().and_then(Path::to_str).expect("a path in UTF-8");
                files.push(Source { at: at.to_owned(), text });
            }
        }
    }
    files.sort_by(|a, b| a.at.cmp(&b.at));
    files
}

/// The folders of `crates/` that are crates.
pub fn crates() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder");
    let with_source = entries(crates).into_iter().filter(|path| path.join("src").is_dir());
    let name = |path: PathBuf| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    with_source.map(|path| name(path).expect("a name in UTF-8")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// What `blank` takes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    /// Strings and characters.
    Literals,
    /// These and comments.
    LiteralsAndComments,
}

/// The text with spaces in place of what is taken out. Lines stay where they are.
pub fn blank(text: &str, what: Blank) -> String {
    let mut left = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = left.chars().next() {
        let is_comment = left.starts_with("//") || left.starts_with("/*");
        let (len, keep) = match if is_comment { comment_len(left) } else { literal_len(left) } {
            0 => (first.len_utf8(), true),
            len => (len, is_comment && what == Blank::Literals),
        };
        let (piece, rest) = left.split_at(len);
        match keep {
            true => code.push_str(piece),
            false => code.push_str(&spaces(piece)),
        }
        left = rest;
    }
    code
}

/// As many spaces, on as many lines.
pub fn spaces(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { ' ' }).collect()
}

fn comment_len(text: &str) -> usize {
    let end = if text.starts_with("//") { text.find('\n') } else { text.find("*/").map(|at| at + 2) };
    end.unwrap_or(text.len())
}

/// How long the string or character is that begins here; 0 when none does.
fn literal_len(text: &str) -> usize {
    match text.chars().next() {
        Some('r') if text[1..].trim_start_matches('#').starts_with('"') => {
            let hashes = text[1..].find('"').unwrap_or(0);
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = hashes + 2;
            text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
        }
        Some('"') => quoted_len(text, '"'),
        // A lifetime has no second quote.
        Some('\'') if text.starts_with("'\\") || text.chars().nth(2) == Some('\'') => quoted_len(text, '\''),
        _ => 0,
    }
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// How long the item is that begins here, in blanked code: up to a `;` or to the end of its block.
pub fn item_len(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    code.len()
}

/// The number of the line of a place in the text, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Whether a name may contain this.
pub fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn strings_characters_and_comments_are_not_code() {
    let text = "a /* { */ \"\\\"{\" b '{' '\\'' <'a> r#\"{\"{\"# c // {\nd é";
    let code = blank(text, Blank::LiteralsAndComments);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "<'a>", "c", "d", "é"]);
    assert_eq!((code.lines().count(), code.chars().count()), (2, text.chars().count()));
    assert!(blank(text, Blank::Literals).contains("// {"));
}

#[test]
fn an_item_ends_with_its_block_or_a_semicolon() {
    assert_eq!(item_len("fn a(b: [u8; 4]) { c(); } fn d() {}"), 25);
    assert_eq!(item_len("mod tests; mod b {}"), 10);
}
