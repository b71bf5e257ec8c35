//! No circle of files: inside a crate, no file uses, over however many others, a file that uses it.
//!
//! A file uses another when a path in it names an item that the other defines. These paths count: those of
//! `use`, and those in the code that begin with `crate`, `self`, `super` or a name that a `use` brings. Not
//! counted are test modules, what a `mod.rs` or `lib.rs` only re-exports (its items are defined where they
//! come from), and a module that calls its children by their bare names: it spreads its work over them.

mod source;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::slice::from_ref;

use source::{Blank, Source, blank, is_of_name, item_len, line_of, spaces};

/// Crates (folders of `crates/`) that still have circles. A crate that has none any more leaves the list.
const KNOWN: &[&str] = &[];

/// Names one below the other: a module below its crate's root, or a path as the code has it.
type Names = Vec<String>;

/// A path in a file.
#[derive(Debug, PartialEq)]
struct Named {
    line: usize,
    path: Names,
    /// What a `use` calls it: `*` for all that it has.
    alias: Option<String>,
    /// `pub use`, whoever may see it.
    exported: bool,
}

struct File {
    /// Below `src`.
    at: String,
    names: Vec<Named>,
}

/// One file uses another.
struct Edge {
    from: Names,
    to: Names,
    line: usize,
    path: String,
}

/// Its files by module.
struct Crate(BTreeMap<Names, File>);

#[test]
fn no_crate_has_a_circle_of_files() {
    let crates = source::crates();
    let mut wrong = Vec::new();
    for name in &crates {
        let circle = Crate::new(&format!("{name}/src/"), &source::files_in(&format!("{name}/src"))).circle();
        match (circle, KNOWN.contains(&name.as_str())) {
            (Some(circle), false) => wrong.push(format!("crate {name} has a circle of files:\n{circle}")),
            (None, true) => wrong.push(format!("crate {name} has no circle any more: take it out of KNOWN")),
            _ => {}
        }
    }
    for name in KNOWN.iter().filter(|known| !crates.iter().any(|name| name == *known)) {
        wrong.push(format!("there is no crate {name}: take it out of KNOWN"));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

impl Crate {
    /// Of all its files, which are below `src`.
    fn new(src: &str, sources: &[Source]) -> Crate {
        let mut files = BTreeMap::new();
        let mut of_tests = Vec::new();
        for source in sources {
            let at = source.at.strip_prefix(src).expect("a file below src").to_owned();
            let module = module_of(&at);
            let (code, tests) = without_tests(&blank(&source.text, Blank::LiteralsAndComments));
            of_tests.extend(tests.into_iter().map(|name| [&module[..], &[name]].concat()));
            files.insert(module, File { at, names: names_in(&code) });
        }
        files.retain(|module, _| !of_tests.iter().any(|tests| module.starts_with(tests)));
        Crate(files)
    }

    fn has_child(&self, module: &[String], name: &String) -> bool {
        self.0.contains_key(&[module, from_ref(name)].concat())
    }

    /// The module whose file defines what `path` names in `module`; `None` when it is not of this crate.
    fn definer(&self, module: &[String], path: &[String], seen: &mut BTreeSet<Names>) -> Option<Names> {
        if !seen.insert([module, path].concat()) {
            return None;
        }
        let first = path.first()?;
        let (above, mut rest) = match first.as_str() {
            "crate" => (0, &path[1..]),
            "self" => (module.len(), &path[1..]),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                (module.len().checked_sub(up)?, &path[up..])
            }
            _ if self.has_child(module, first) => (module.len(), path),
            _ => return self.imported(module, module, path, seen),
        };
        let mut at = module[..above].to_vec();
        while let Some(name) = rest.first().filter(|name| self.has_child(&at, name)) {
            at.push(name.clone());
            rest = &rest[1..];
        }
        self.imported(module, &at, rest, seen).or(Some(at))
    }

    /// The same for a path that begins with a name that a `use` of `module` brings, if `user` may see it.
    fn imported(
        &self,
        user: &[String],
        module: &[String],
        path: &[String],
        seen: &mut BTreeSet<Names>,
    ) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut names = self.0.get(module)?.names.iter();
        let import = names.find(|named| {
            named.alias.as_ref() == Some(first) && (named.exported || user.starts_with(module))
        })?;
        self.definer(module, &[&import.path, rest].concat(), seen)
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (from, file) in &self.0 {
            let may_re_export = file.at.ends_with("/mod.rs") || file.at == "lib.rs";
            let counted = file.names.iter().filter(|named| match named.alias {
                Some(_) => !(may_re_export && named.exported),
                None => !self.has_child(from, &named.path[0]),
            });
            for named in counted {
                let to = self.definer(from, &named.path, &mut BTreeSet::new());
                if let Some(to) = to.filter(|to| to != from && self.0.contains_key(to)) {
                    let path = named.path.join("::");
                    edges.push(Edge { from: from.clone(), to, line: named.line, path });
                }
            }
        }
        edges
    }

    /// A shortest circle, in words, and all files that are in circles with it.
    fn circle(&self) -> Option<String> {
        let edges = self.edges();
        let circles = self.0.keys().filter_map(|module| way(&edges, module, module));
        let circle = circles.min_by_key(Vec::len)?;
        let at = |module: &Names| self.0[module].at.as_str();
        let first = &circle[0].from;
        let together = self
            .0
            .keys()
            .filter(|other| way(&edges, first, other).is_some() && way(&edges, other, first).is_some());
        let together: Vec<_> = together.map(at).collect();
        let lines = circle.iter().map(|edge| {
            format!("  {}:{} uses {} ({})\n", at(&edge.from), edge.line, at(&edge.to), edge.path)
        });
        Some(lines.collect::<String>() + &format!("  {} files: {}", together.len(), together.join(" ")))
    }
}

/// A shortest way over edges, at least one.
fn way<'a>(edges: &'a [Edge], from: &Names, to: &Names) -> Option<Vec<&'a Edge>> {
    let mut ways: VecDeque<Vec<&Edge>> = VecDeque::from([Vec::new()]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let here = way.last().map_or(from, |edge| &edge.to);
        if here == to && !way.is_empty() {
            return Some(way);
        }
        for edge in edges.iter().filter(|edge| edge.from == *here) {
            if reached.insert(&edge.to) {
                ways.push_back(way.iter().copied().chain([edge]).collect());
            }
        }
    }
    None
}

/// The module of a file below `src`.
fn module_of(at: &str) -> Names {
    let mut names: Names = at.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if at == "lib.rs" || at == "main.rs" || at.ends_with("/mod.rs") {
        names.pop();
    }
    names
}

/// Blanked code without the items that only tests have, and the modules among these that are files.
fn without_tests(code: &str) -> (String, Names) {
    const TEST: &str = "#[cfg(test)]";
    let mut code = code.to_owned();
    let mut files = Vec::new();
    while let Some(begin) = code.find(TEST) {
        let end = begin + TEST.len() + item_len(&code[begin + TEST.len()..]);
        let declared = code[..end].strip_suffix(';').and_then(|text| text[begin..].split_once("mod "));
        files.extend(declared.map(|(_, name)| name.trim().to_owned()));
        code.replace_range(begin..end, &spaces(&code[begin..end]));
    }
    (code, files)
}

/// All paths in blanked code: those of its `use`s, then the others.
fn names_in(code: &str) -> Vec<Named> {
    let mut code = code.to_owned();
    let mut names = Vec::new();
    let mut from = 0;
    while let Some(begin) = code[from..].find("use ").map(|at| from + at) {
        from = begin + "use ".len();
        if code[..begin].ends_with(is_of_name) {
            continue;
        }
        let end = code[begin..].find(';').map_or(code.len(), |len| begin + len);
        let statement = code[..begin].rfind([';', '{', '}', ']']).map_or(0, |at| at + 1);
        let exported = code[statement..begin].trim_start().starts_with("pub");
        let mut leaves = Vec::new();
        leaves_of(&code[from..end], &[], &mut leaves);
        let line = line_of(&code, begin);
        let named = |(path, alias)| Named { line, path, alias: Some(alias), exported };
        names.extend(leaves.into_iter().map(named));
        code.replace_range(begin..end, &spaces(&code[begin..end]));
    }
    let is_of_path = |c: char| is_of_name(c) || c == ':';
    let mut at = 0;
    for word in code.split_inclusive(|c: char| !is_of_path(c)) {
        let path: Names = word.trim_end_matches(|c| !is_of_path(c)).split("::").map(str::to_owned).collect();
        if path.len() > 1 && !path[0].is_empty() {
            names.push(Named { line: line_of(&code, at), path, alias: None, exported: false });
        }
        at += word.len();
    }
    names
}

/// What the tree of a `use` brings: each path, and what it is called.
fn leaves_of(tree: &str, above: &[String], leaves: &mut Vec<(Names, String)>) {
    let mut depth = 0;
    let parts = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (stem, inner) = part.split_once('{').map_or((part, None), |(stem, rest)| (stem, Some(rest)));
        let (stem, renamed) = stem.split_once(" as ").map_or((stem, None), |(stem, name)| (stem, Some(name)));
        let names = stem.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let mut path: Names = above.iter().cloned().chain(names).collect();
        if let Some(inner) = inner {
            leaves_of(inner.trim_end().strip_suffix('}').unwrap_or(inner), &path, leaves);
            continue;
        }
        let last = path.last().cloned().unwrap_or_default();
        if last == "*" || (last == "self" && path.len() > 1) {
            path.pop();
        }
        let called = if last == "self" { path.last().cloned().unwrap_or_default() } else { last };
        leaves.push((path, renamed.map_or(called, |name| name.trim().to_owned())));
    }
}

fn names(path: &str) -> Names {
    path.split("::").map(str::to_owned).collect()
}

fn brought(code: &str) -> Vec<(String, String)> {
    let brought = names_in(code).into_iter().filter_map(|n| Some((n.path.join("::"), n.alias?)));
    brought.collect()
}

fn crate_of(files: &[(&str, &str)]) -> Crate {
    let source = |&(at, text): &(&str, &str)| Source { at: at.to_owned(), text: text.to_owned() };
    Crate::new("", &files.iter().map(source).collect::<Vec<_>>())
}

fn uses(of: &Crate) -> Vec<(String, String)> {
    let mut uses: Vec<_> =
        of.edges().iter().map(|edge| (of.0[&edge.from].at.clone(), of.0[&edge.to].at.clone())).collect();
    uses.sort();
    uses.dedup();
    uses
}

fn pair(from: &str, to: &str) -> (String, String) {
    (from.to_owned(), to.to_owned())
}

#[test]
fn a_use_is_read_with_nested_braces_renames_and_globs() {
    let code = "use crate::{a::{B, c::{self, D}}, e::F as G};\npub(crate) use super::{\n h,\n i::*,\n};";
    let expected = [
        ("crate::a::B", "B"),
        ("crate::a::c", "c"),
        ("crate::a::c::D", "D"),
        ("crate::e::F", "G"),
        ("super::h", "h"),
        ("super::i", "*"),
    ];
    assert_eq!(brought(code), expected.map(|(path, alias)| pair(path, alias)));
    let exported: Vec<bool> = names_in(code).iter().map(|named| named.exported).collect();
    assert_eq!(exported, [false, false, false, false, true, true]);
}

#[test]
fn paths_in_the_code_are_read_with_their_lines() {
    let found = names_in("fn a() -> b::C {\n    crate::d::e(f::<g::H>())\n}");
    let found: Vec<_> = found.into_iter().map(|named| (named.line, named.path)).collect();
    let expected = [(1, "b::C"), (2, "crate::d::e"), (2, "f::"), (2, "g::H")];
    assert_eq!(found, expected.map(|(line, path)| (line, names(path))));
}

#[test]
fn what_only_tests_have_is_left_out() {
    let code = "use a::B;\n#[cfg(test)]\nmod tests {\n use c::D;\n}\n#[cfg(test)]\nmod more;\nuse e::F;";
    let (code, files) = without_tests(code);
    assert_eq!(brought(&code), [pair("a::B", "B"), pair("e::F", "F")]);
    assert_eq!(files, ["more"]);
    assert_eq!(line_of(&code, code.find("e::F").expect("the last use")), 8);
    let of = crate_of(&[("lib.rs", "#[cfg(test)]\nmod more;"), ("more.rs", "use crate::A;")]);
    assert_eq!(uses(&of), []);
}

#[test]
fn an_item_is_defined_where_re_exports_lead() {
    let of = crate_of(&[
        ("lib.rs", "pub use a::{B as C, D};\npub struct E;"),
        ("a/mod.rs", "pub(crate) use b::B;\npub struct D;"),
        ("a/b.rs", "use crate::E;\nuse super::D;"),
        ("f.rs", "use crate::{C, G};\nuse super::a;\nfn h(b: a::B) {}"),
    ]);
    let expected = [("a/b.rs", "a/mod.rs"), ("a/b.rs", "lib.rs"), ("f.rs", "a/b.rs"), ("f.rs", "a/mod.rs")];
    let expected = [&expected[..], &[("f.rs", "lib.rs")]].concat();
    assert_eq!(uses(&of), expected.into_iter().map(|(from, to)| pair(from, to)).collect::<Vec<_>>());
    assert_eq!(of.circle(), None);
}

#[test]
fn a_circle_is_found_with_the_lines_that_make_it() {
    let of = crate_of(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;"),
        ("a.rs", "//! A.\nuse crate::b::B;"),
        ("b.rs", "fn c() { super::c::d() }"),
        ("c.rs", "use std::fmt;\nuse crate::{a::A, d};"),
        ("d.rs", "use crate::e;"),
    ]);
    let circle = of.circle().expect("a circle");
    let expected = "  a.rs:2 uses b.rs (crate::b::B)\n  b.rs:1 uses c.rs (super::c::d)\n  \
                    c.rs:2 uses a.rs (crate::a::A)\n  3 files: a.rs b.rs c.rs";
    assert_eq!(circle, expected);
}

#[test]
fn a_child_that_uses_its_parent_makes_a_circle_only_with_a_parent_that_uses_the_child() {
    let child = ("a/b.rs", "use super::A;");
    let calls = crate_of(&[("lib.rs", ""), ("a/mod.rs", "mod b;\nstruct A;\nfn c() { b::c() }"), child]);
    assert_eq!(calls.circle(), None);
    let uses = crate_of(&[("lib.rs", ""), ("a/mod.rs", "mod b;\nstruct A;\nuse b::c;"), child]);
    assert!(uses.circle().is_some());
}
