//! A page of the index: entries in the order of their keys, encoded, one behind the other.
//!
//! Each entry is the length of what follows (a varint as `postcard` writes it), the key and the [`Entry`].
//! The same bytes are in RAM and on the device. A page is as long as one block with its frame allows
//! ([`PAGE_BYTES_MAX`]); only an entry that is longer than that by itself makes a longer page, alone.

use isobar_base::{FragmentKey, SegmentId, SessionId};

use crate::entry::Entry;
use crate::frame::encode_value;
use crate::limits::{PAGE_BYTES_MAX, PAGE_BYTES_STEP};

/// Some entries that follow each other in the index.
#[derive(Debug)]
pub(crate) struct Page {
    low: FragmentKey,
    bytes: Vec<u8>,
    added: Option<Added>,
}

/// The entry of a page that was added last, as long as nothing else has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Added {
    at: u32,
    end: u32,
    /// Whether it came right behind the one that was added before it.
    ascending: bool,
}

/// What is in a page that was read from the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Summary {
    pub last: FragmentKey,
    pub entries: u64,
    /// Blocks of its fragments.
    pub blocks: u64,
}

impl Added {
    fn moved(self, by: i64) -> Added {
        let moved = |at: u32| (i64::from(at) + by) as u32;
        Added { at: moved(self.at), end: moved(self.end), ..self }
    }
}

impl Page {
    /// An empty page for keys from `low` on.
    pub(crate) fn new(low: FragmentKey) -> Page {
        Page::of(low, Vec::new())
    }

    fn of(low: FragmentKey, bytes: Vec<u8>) -> Page {
        Page { low, bytes, added: None }
    }

    /// The page of these bytes, if they are one with at least one entry.
    pub(crate) fn load(bytes: Vec<u8>) -> Option<(Page, Summary)> {
        let mut summary: Option<Summary> = None;
        let mut low = None;
        let mut at = 0;
        while at < bytes.len() {
            let (body, end) = checked_bounds(&bytes, at)?;
            let (key, entry) = postcard::from_bytes::<(FragmentKey, Entry)>(&bytes[body..end]).ok()?;
            let before = summary.unwrap_or(Summary { last: key, entries: 0, blocks: 0 });
            if before.entries > 0 && before.last >= key {
                return None;
            }
            let (entries, blocks) = (before.entries + 1, before.blocks + entry.runs.blocks());
            summary = Some(Summary { last: key, entries, blocks });
            low.get_or_insert(key);
            at = end;
        }
        Some((Page::of(low?, bytes), summary?))
    }

    /// The key that the index finds this page by: none of its own is lower.
    pub(crate) fn low(&self) -> FragmentKey {
        self.low
    }

    /// The index finds it by a lower key from now on.
    pub(crate) fn lower_to(&mut self, low: FragmentKey) {
        self.low = low;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has to be split.
    pub(crate) fn is_too_long(&self) -> bool {
        self.bytes.len() > PAGE_BYTES_MAX && bounds(&self.bytes, 0).1 < self.bytes.len()
    }

    pub(crate) fn get(&self, key: &FragmentKey) -> Option<Entry> {
        let (at, end) = self.find(key).ok()?;
        Some(decode(&self.bytes[at..end]).1)
    }

    pub(crate) fn contains(&self, key: &FragmentKey) -> bool {
        self.find(key).is_ok()
    }

    /// Its entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FragmentKey, Entry)> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (_, end) = (at < self.bytes.len()).then(|| bounds(&self.bytes, at))?;
            let found = decode(&self.bytes[at..end]);
            at = end;
            Some(found)
        })
    }

    /// Adds an entry; returns the one that had the key before.
    pub(crate) fn insert(&mut self, key: FragmentKey, entry: &Entry) -> Option<Entry> {
        let encoded = encode_value(&(key, entry));
        let mut with_length = encode_value(&(encoded.len() as u32));
        with_length.extend_from_slice(&encoded);
        let found = self.find(&key);
        let (at, end) = found.unwrap_or_else(|at| (at, at));
        let old = (at < end).then(|| decode(&self.bytes[at..end]).1);
        self.reserve(with_length.len());
        let ascending = self.added.is_some_and(|added| added.end as usize == at);
        self.added = Some(Added { at: at as u32, end: (at + with_length.len()) as u32, ascending });
        self.bytes.splice(at..end, with_length);
        old
    }

    pub(crate) fn remove(&mut self, key: &FragmentKey) -> Option<Entry> {
        let (at, end) = self.find(key).ok()?;
        let entry = decode(&self.bytes[at..end]).1;
        self.bytes.drain(at..end);
        self.added = None;
        Some(entry)
    }

    /// Cuts off the upper part of a page of several entries. When entries come in ascending order, as those
    /// of one session do, the lower part is to be full: what is behind them is cut off, or the last one if
    /// nothing is. Else it is the upper half.
    pub(crate) fn split(&mut self) -> Page {
        let added = self.added.take().filter(|added| added.ascending);
        let cut = match added {
            Some(added) if (added.end as usize) < self.bytes.len() => added.end as usize,
            Some(added) => added.at as usize,
            None => self.middle(),
        };
        let upper = self.bytes.split_off(cut);
        let mut upper = Page::of(decode(&upper[..bounds(&upper, 0).1]).0, upper);
        self.bytes.shrink_to_fit();
        match added {
            Some(added) if added.at as usize == cut => upper.added = Some(added.moved(-(cut as i64))),
            added => self.added = added,
        }
        upper
    }

    /// Takes over the entries of the page that follows.
    pub(crate) fn append(&mut self, upper: &Page) {
        self.added = upper.added.map(|added| added.moved(self.bytes.len() as i64)).or(self.added);
        self.reserve(upper.bytes.len());
        self.bytes.extend_from_slice(&upper.bytes);
    }

    /// The last beginning of an entry in the lower half, or that of the second entry.
    fn middle(&self) -> usize {
        let mut cut = bounds(&self.bytes, 0).1;
        loop {
            let (_, end) = bounds(&self.bytes, cut);
            if end > self.bytes.len() / 2 {
                return cut;
            }
            cut = end;
        }
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let capacity = needed.next_multiple_of(PAGE_BYTES_STEP);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// Where the entry of `key` begins and ends, or where it would be.
    fn find(&self, key: &FragmentKey) -> Result<(usize, usize), usize> {
        // Most that are looked for come behind the one that was added last.
        let is_before =
            |added: &Added| decode_key(&self.bytes[bounds(&self.bytes, added.at as usize).0..]) < *key;
        let mut at = self.added.filter(is_before).map_or(0, |added| added.end as usize);
        while at < self.bytes.len() {
            let (body, end) = bounds(&self.bytes, at);
            match decode_key(&self.bytes[body..end]).cmp(key) {
                std::cmp::Ordering::Less => at = end,
                std::cmp::Ordering::Equal => return Ok((at, end)),
                std::cmp::Ordering::Greater => break,
            }
        }
        Err(at)
    }
}

const INTACT: &str = "the entries of a page are checked when it is read";

/// Where the body of the entry at `at` begins and ends.
fn checked_bounds(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (length, rest) = postcard::take_from_bytes::<u32>(&bytes[at..]).ok()?;
    let body = bytes.len() - rest.len();
    (length as usize <= rest.len()).then_some((body, body + length as usize))
}

fn bounds(bytes: &[u8], at: usize) -> (usize, usize) {
    match bytes[at] {
        // Nearly all entries are that short.
        length @ 0..0x80 => (at + 1, at + 1 + usize::from(length)),
        _ => checked_bounds(bytes, at).unwrap_or_else(|| panic!("{INTACT}")),
    }
}

/// What `postcard` would make of the first bytes, in a fraction of its time: searching is nothing but this.
fn decode_key(body: &[u8]) -> FragmentKey {
    let mut at = 0;
    let session = varint(body, &mut at);
    let counter = varint(body, &mut at);
    FragmentKey { segment: SegmentId { session: SessionId(session), counter }, row: body[at] }
}

fn varint(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

/// Decodes an entry with its length before it.
fn decode(bytes: &[u8]) -> (FragmentKey, Entry) {
    postcard::from_bytes(&bytes[bounds(bytes, 0).0..]).unwrap_or_else(|e| panic!("{INTACT}: {e}"))
}

#[cfg(test)]
mod tests {
    use isobar_base::Geometry;

    use super::*;
    use crate::entry::Crcs;
    use crate::space::{Run, Runs};

    #[test]
    fn the_pages_of_version_1_are_frozen() {
        let key = |counter| FragmentKey { segment: SegmentId { session: SessionId(300), counter }, row: 1 };
        let geometry = Geometry { data: 1, parity: 2, len: 4096 };
        let runs = Runs::One(Run { start: 1000, blocks: 1 });
        let entry = Entry { geometry, header_crc: 5, crcs: Crcs::One(7), runs };
        let mut page = Page::new(key(2));
        page.insert(key(3), &entry);
        page.insert(key(2), &Entry { crcs: Crcs::InDescriptor, ..entry });
        let golden = [
            &[14, 172, 2, 2, 1, 1, 2, 128, 32, 5, 0, 0, 232, 7, 1][..],
            &[15, 172, 2, 3, 1, 1, 2, 128, 32, 5, 1, 7, 0, 232, 7, 1],
        ];
        assert_eq!(page.bytes(), golden.concat());
        let (_, summary) = Page::load(golden.concat()).unwrap();
        assert_eq!(summary, Summary { last: key(3), entries: 2, blocks: 2 });
    }

    #[test]
    fn keys_are_read_as_they_are_encoded() {
        for session in [0, 127, 128, 1 << 35, u64::MAX] {
            for counter in [1, 300, 1 << 63, u64::MAX] {
                let key =
                    FragmentKey { segment: SegmentId { session: SessionId(session), counter }, row: 200 };
                assert_eq!(decode_key(&encode_value(&key)), key);
            }
        }
    }
}
