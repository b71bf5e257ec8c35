//! Directories: cookies, and the page of entries an open directory is reading through.
//!
//! ```text
//! kernel offset   0      1     2           2 + c
//! comes after     start  "."   ".." (c=0)  the entry with the client's cookie c
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use fuser::{FileType, Generation, INodeNo, ReplyDirectory, ReplyDirectoryPlus};
use isobar_base::{Errno, Ino};
use isobar_client::{Attr, DirEntry, OpenDirectory};
use parking_lot::Mutex;

use crate::attr::{TTL, dot_attr, errno, file_attr, file_type};
use crate::kernel_attrs::KernelAttrCache;

/// Offset after `.`.
const AFTER_DOT: u64 = 1;
/// Offset after `..`; client cookies follow.
const AFTER_DOT_DOT: u64 = 2;

/// The client's cookie behind a kernel offset.
pub fn cookie_of_offset(offset: u64) -> u64 {
    offset.saturating_sub(AFTER_DOT_DOT)
}

/// The kernel's offset for a client's cookie. Offsets are signed in the kernel's interface.
fn offset_of_cookie(cookie: u64) -> u64 {
    cookie.saturating_add(AFTER_DOT_DOT).min(i64::MAX.unsigned_abs())
}

/// An open directory.
pub struct Dir {
    /// Which.
    pub ino: Ino,
    /// What fsync has to hear of it.
    pub open: OpenDirectory,
    /// What was read last.
    pub page: Mutex<Page>,
}

impl Dir {
    /// A directory that was just opened.
    pub fn new(ino: Ino, open: OpenDirectory) -> Dir {
        Dir { ino, open, page: Mutex::default() }
    }
}

/// A run of entries.
#[derive(Default)]
pub struct Page {
    /// The directory above, known once reading began.
    pub parent: Option<Ino>,
    /// The entries are those after this cookie.
    pub after: u64,
    /// In order of their cookies.
    pub entries: Vec<DirEntry>,
    /// Nothing follows the last entry.
    pub end: bool,
    /// The page was fetched (an empty directory has an empty page).
    pub fetched: bool,
}

/// Whether a page could serve a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// The reply is complete.
    Done,
    /// Entries after the request's cookie have to be fetched.
    Fetch,
}

/// Where entries go: one of the kernel's two forms of readdir. `true` from `add` means full.
pub trait Sink: Send + 'static {
    /// Adds `.` or `..`.
    fn add_dot(&mut self, ino: u64, offset: u64, name: &str) -> bool;
    /// Adds an entry.
    fn add(&mut self, attr: &Attr, offset: u64, name: &[u8], cache: &KernelAttrCache) -> bool;
    /// Sends it.
    fn finish(self, result: Result<(), Errno>);
}

impl Page {
    /// Where in the page the entries after a cookie begin.
    fn position(&self, cookie: u64) -> Option<usize> {
        if !self.fetched || cookie < self.after {
            return None;
        }
        let position = self.entries.partition_point(|e| e.cookie <= cookie);
        (position < self.entries.len() || self.end).then_some(position)
    }

    /// Fills a reply to a request at `offset`.
    pub fn serve(&self, dir: Ino, offset: u64, cache: &KernelAttrCache, sink: &mut impl Sink) -> Served {
        let Some(position) = self.position(cookie_of_offset(offset)) else {
            return Served::Fetch;
        };
        if offset < AFTER_DOT && sink.add_dot(dir.0, AFTER_DOT, ".") {
            return Served::Done;
        }
        if offset < AFTER_DOT_DOT {
            let parent = self.parent.unwrap_or(dir);
            if sink.add_dot(parent.0, AFTER_DOT_DOT, "..") {
                return Served::Done;
            }
        }
        for entry in &self.entries[position..] {
            if sink.add(&entry.attr, offset_of_cookie(entry.cookie), &entry.name, cache) {
                break;
            }
        }
        Served::Done
    }
}

impl Sink for ReplyDirectory {
    fn add_dot(&mut self, ino: u64, offset: u64, name: &str) -> bool {
        ReplyDirectory::add(self, INodeNo(ino), offset, FileType::Directory, name)
    }

    fn add(&mut self, attr: &Attr, offset: u64, name: &[u8], _cache: &KernelAttrCache) -> bool {
        ReplyDirectory::add(self, INodeNo(attr.ino.0), offset, file_type(attr.kind), OsStr::from_bytes(name))
    }

    fn finish(self, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.ok(),
            Err(e) => self.error(errno(e)),
        }
    }
}

impl Sink for ReplyDirectoryPlus {
    fn add_dot(&mut self, ino: u64, offset: u64, name: &str) -> bool {
        let attr = dot_attr(ino);
        ReplyDirectoryPlus::add(self, INodeNo(ino), offset, name, &TTL, &attr, Generation(0))
    }

    fn add(&mut self, attr: &Attr, offset: u64, name: &[u8], cache: &KernelAttrCache) -> bool {
        let full = ReplyDirectoryPlus::add(
            self,
            INodeNo(attr.ino.0),
            offset,
            OsStr::from_bytes(name),
            &TTL,
            &file_attr(attr),
            Generation(0),
        );
        if !full {
            cache.record(attr);
        }
        full
    }

    fn finish(self, result: Result<(), Errno>) {
        match result {
            Ok(()) => self.ok(),
            Err(e) => self.error(errno(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_client::{FileKind, Time};

    #[derive(Default)]
    struct Names {
        names: Vec<(String, u64, u64)>,
        room: usize,
    }

    impl Names {
        fn push(&mut self, ino: u64, offset: u64, name: &str) -> bool {
            if self.names.len() == self.room {
                return true;
            }
            self.names.push((name.into(), ino, offset));
            false
        }
    }

    impl Sink for Names {
        fn add_dot(&mut self, ino: u64, offset: u64, name: &str) -> bool {
            self.push(ino, offset, name)
        }
        fn add(&mut self, attr: &Attr, offset: u64, name: &[u8], _cache: &KernelAttrCache) -> bool {
            self.push(attr.ino.0, offset, std::str::from_utf8(name).unwrap())
        }
        fn finish(self, _result: Result<(), Errno>) {}
    }

    fn page(after: u64, cookies: &[u64], end: bool) -> Page {
        let entries = cookies
            .iter()
            .map(|cookie| DirEntry {
                name: format!("n{cookie}").into_bytes(),
                cookie: *cookie,
                attr: Attr::new(Ino(100 + cookie), FileKind::File, Time::default()),
            })
            .collect();
        Page { parent: Some(Ino(9)), after, entries, end, fetched: true }
    }

    fn read(page: &Page, offset: u64, room: usize) -> (Served, Vec<(String, u64, u64)>) {
        let mut sink = Names { room, ..Names::default() };
        let served = page.serve(Ino(5), offset, &KernelAttrCache::new(), &mut sink);
        (served, sink.names)
    }

    #[test]
    fn dots_come_first_and_cookies_behind_them() {
        let page = page(0, &[1, 4], true);
        let (served, names) = read(&page, 0, 10);
        assert_eq!(served, Served::Done);
        let expected: Vec<(String, u64, u64)> = [(".", 5, 1), ("..", 9, 2), ("n1", 101, 3), ("n4", 104, 6)]
            .map(|(n, i, o)| (n.to_string(), i, o))
            .to_vec();
        assert_eq!(names, expected);
    }

    #[test]
    fn every_offset_continues_where_it_stopped() {
        let page = page(0, &[1, 4, 5], true);
        let (_, all) = read(&page, 0, 10);
        for room in 1..4 {
            let mut offset = 0;
            let mut seen = Vec::new();
            loop {
                let (served, names) = read(&page, offset, room);
                assert_eq!(served, Served::Done);
                let Some(last) = names.last() else { break };
                offset = last.2;
                seen.extend(names);
            }
            assert_eq!(seen, all);
        }
        // An entry that was removed meanwhile leaves its cookie valid.
        let (_, names) = read(&page, 4, 10);
        assert_eq!(names[0].0, "n4");
    }

    #[test]
    fn a_page_knows_what_it_does_not_have() {
        let middle = page(10, &[11, 15], false);
        assert_eq!(read(&middle, 2 + 9, 10).0, Served::Fetch);
        assert_eq!(read(&middle, 2 + 10, 10).1.len(), 2);
        assert_eq!(read(&middle, 2 + 15, 10).0, Served::Fetch);
        let last = page(10, &[11, 15], true);
        assert_eq!(read(&last, 2 + 15, 10), (Served::Done, vec![]));
        assert_eq!(read(&Page::default(), 0, 10).0, Served::Fetch);
    }

    #[test]
    fn an_empty_directory_has_its_dots() {
        let empty = page(0, &[], true);
        assert_eq!(read(&empty, 0, 10).1.len(), 2);
        assert_eq!(read(&empty, 2, 10), (Served::Done, vec![]));
    }
}
