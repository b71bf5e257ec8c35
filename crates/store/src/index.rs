//! The index in RAM: where each fragment is.
//!
//! Its entries are in [`Page`]s, which an ordered map finds by their lowest key; a page is the unit that
//! checkpoints write. Pages are numbered without gaps: the *slot* is a page's place in the checkpoint's
//! table.
//!
//! **Two pages that follow each other do not fit into one.** So the number of pages, and with it all that
//! RAM and checkpoints need, is bounded by the bytes of the entries (`table::blocks_needed`).
//!
//! [`Index::freeze`] fixes what the next checkpoint is made of: the pages that changed since the one before.
//! Changes go on meanwhile; the first change of a frozen page that is not written yet saves its bytes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use isobar_base::{FragmentKey, Geometry};

use crate::entry::Entry;
use crate::limits::PAGE_BYTES_MAX;
use crate::page::{Page, Summary};
use crate::slots::Slots;

/// One line of [`crate::Store::list`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentInfo {
    /// The fragment.
    pub key: FragmentKey,
    /// Shape of its segment.
    pub geometry: Geometry,
    /// Length of its payload.
    pub payload_bytes: u64,
}

/// All fragments, ordered.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pages: Vec<Page>,
    order: BTreeMap<FragmentKey, u32>,
    size: Size,
    used_blocks: u64,
    /// Changed since the last freeze.
    changed: Slots,
    /// Frozen and not written yet.
    frozen: Slots,
    /// Those of them that have changed since.
    saved: HashMap<u32, Vec<u8>>,
}

/// How much is in an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Size {
    pub pages: u32,
    pub entries: u64,
    /// Of the encoded entries.
    pub bytes: u64,
}

impl Index {
    /// The index of the pages of a checkpoint, in the order of their slots.
    ///
    /// # Errors
    /// Says why they are none.
    pub(crate) fn from_pages(loaded: Vec<(Page, Summary)>) -> Result<Index, &'static str> {
        let mut by_key: Vec<(FragmentKey, FragmentKey, u32)> =
            loaded.iter().zip(0..).map(|((page, summary), slot)| (page.low(), summary.last, slot)).collect();
        by_key.sort_unstable();
        if by_key.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
            return Err("two pages have the same keys");
        }
        let mut index = Index { pages: Vec::with_capacity(loaded.len()), ..Index::default() };
        for (page, summary) in loaded {
            index.size.entries += summary.entries;
            index.size.bytes += page.len() as u64;
            index.used_blocks += summary.blocks;
            index.pages.push(page);
        }
        index.order = by_key.into_iter().map(|(low, _, slot)| (low, slot)).collect();
        Ok(index)
    }

    pub(crate) fn get(&self, key: &FragmentKey) -> Option<Entry> {
        self.pages[self.slot_of(key)? as usize].get(key)
    }

    pub(crate) fn contains(&self, key: &FragmentKey) -> bool {
        self.slot_of(key).is_some_and(|slot| self.pages[slot as usize].contains(key))
    }

    /// How much is in it.
    pub(crate) fn size(&self) -> Size {
        Size { pages: self.pages.len() as u32, ..self.size }
    }

    /// Blocks of all fragments.
    pub(crate) fn used_blocks(&self) -> u64 {
        self.used_blocks
    }

    /// All entries, in no order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.pages.iter().flat_map(Page::iter).map(|(_, entry)| entry)
    }

    /// Adds a fragment; returns what had the key before.
    pub(crate) fn insert(&mut self, key: FragmentKey, entry: &Entry) -> Option<Entry> {
        let slot = self.slot_of(&key).unwrap_or_else(|| self.push(Page::new(key)));
        let low = self.pages[slot as usize].low();
        if key < low {
            self.order.remove(&low);
            self.order.insert(key, slot);
            self.pages[slot as usize].lower_to(key);
        }
        let old = self.change(slot, |page| page.insert(key, entry));
        self.used_blocks += entry.runs.blocks();
        match &old {
            Some(old) => self.used_blocks -= old.runs.blocks(),
            None => self.size.entries += 1,
        }
        self.fit(key);
        if old.is_some() {
            self.join(key);
        }
        old
    }

    pub(crate) fn remove(&mut self, key: &FragmentKey) -> Option<Entry> {
        let slot = self.slot_of(key).filter(|&slot| self.pages[slot as usize].contains(key))?;
        let entry = self.change(slot, |page| page.remove(key))?;
        self.used_blocks -= entry.runs.blocks();
        self.size.entries -= 1;
        let page = &self.pages[slot as usize];
        if page.len() == 0 {
            self.take(page.low());
        }
        self.join(*key);
        Some(entry)
    }

    /// At most `limit` fragments that come after `after`.
    pub(crate) fn list(&self, after: Option<FragmentKey>, limit: usize) -> Vec<FragmentInfo> {
        let from = after.and_then(|after| self.slot_of(&after)).map(|slot| self.pages[slot as usize].low());
        let pages = self.order.range((from.map_or(Bound::Unbounded, Bound::Included), Bound::Unbounded));
        let entries = pages.flat_map(|(_, &slot)| self.pages[slot as usize].iter());
        let infos = entries.filter(|(key, _)| after.is_none_or(|after| *key > after)).take(limit);
        let info = |(key, Entry { geometry, .. })| FragmentInfo {
            key,
            geometry,
            payload_bytes: geometry.row_bytes(),
        };
        infos.map(info).collect()
    }

    /// The page that has `key` if any has, and gets it if none has.
    fn slot_of(&self, key: &FragmentKey) -> Option<u32> {
        let found = self.order.range(..=key).next_back().or_else(|| self.order.first_key_value());
        found.map(|(_, &slot)| slot)
    }

    /// To be called before a slot gets other contents.
    fn touch(&mut self, slot: u32) {
        self.changed.insert(slot);
        if self.frozen.contains(slot) {
            let page = |slot| self.pages.get(slot as usize).map(|page| page.bytes().to_vec());
            self.saved.entry(slot).or_insert_with(|| {
                page(slot).unwrap_or_else(|| panic!("slot {slot} was frozen and gone before it was saved"))
            });
        }
    }

    fn change<T>(&mut self, slot: u32, change: impl FnOnce(&mut Page) -> T) -> T {
        self.touch(slot);
        let page = &mut self.pages[slot as usize];
        self.size.bytes -= page.len() as u64;
        let result = change(page);
        self.size.bytes += page.len() as u64;
        result
    }

    fn push(&mut self, page: Page) -> u32 {
        let slot = self.pages.len() as u32;
        self.touch(slot);
        self.size.bytes += page.len() as u64;
        self.order.insert(page.low(), slot);
        self.pages.push(page);
        slot
    }

    /// Takes out the page of this lowest key; the last slot's page moves into its place.
    fn take(&mut self, low: FragmentKey) -> Page {
        let slot = self.order.remove(&low).unwrap_or_else(|| panic!("no page begins with {low}"));
        let last = self.pages.len() as u32 - 1;
        self.touch(slot);
        self.touch(last);
        let page = self.pages.swap_remove(slot as usize);
        self.size.bytes -= page.len() as u64;
        if slot != last {
            self.order.insert(self.pages[slot as usize].low(), slot);
        }
        page
    }

    /// Splits the page of `key` until all parts fit their pages.
    fn fit(&mut self, key: FragmentKey) {
        let Some(slot) = self.slot_of(&key).filter(|&slot| self.pages[slot as usize].is_too_long()) else {
            return;
        };
        let low = self.pages[slot as usize].low();
        let upper = self.change(slot, Page::split);
        let upper_low = upper.low();
        self.push(upper);
        for part in [low, upper_low] {
            self.fit(part);
        }
        for part in [low, upper_low] {
            self.join(part);
        }
    }

    /// Joins the page of `key` with its neighbours where they fit into one.
    fn join(&mut self, key: FragmentKey) {
        let Some(slot) = self.slot_of(&key) else { return };
        let low = self.pages[slot as usize].low();
        let before = self.order.range(..low).next_back().map(|(&before, _)| before);
        let low = before.filter(|&before| self.join_two(before, low)).unwrap_or(low);
        let after =
            self.order.range((Bound::Excluded(low), Bound::Unbounded)).next().map(|(&after, _)| after);
        if let Some(after) = after {
            self.join_two(low, after);
        }
    }

    fn join_two(&mut self, low: FragmentKey, upper: FragmentKey) -> bool {
        let len = |index: &Index, low| index.pages[index.order[low] as usize].len();
        if len(self, &low) + len(self, &upper) > PAGE_BYTES_MAX {
            return false;
        }
        let upper = self.take(upper);
        self.change(self.order[&low], |page| page.append(&upper));
        true
    }

    /// Begins a checkpoint of the index as it is now.
    ///
    /// # Panics
    /// When pages of the checkpoint before have not been written.
    pub(crate) fn freeze(&mut self) -> Size {
        assert_eq!(self.frozen.len(), 0, "one checkpoint at a time");
        self.frozen = std::mem::take(&mut self.changed);
        self.frozen.truncate(self.pages.len() as u32);
        self.size()
    }

    /// How many frozen pages are to be written.
    pub(crate) fn frozen_pages(&self) -> u64 {
        self.frozen.len()
    }

    /// The next slot from `from` on whose frozen page is to be written, and that page.
    pub(crate) fn next_frozen(&self, from: u32) -> Option<(u32, &[u8])> {
        let slot = self.frozen.next(from)?;
        let saved = self.saved.get(&slot).map(Vec::as_slice);
        Some((slot, saved.unwrap_or_else(|| self.pages[slot as usize].bytes())))
    }

    /// The frozen page of `slot` need not be kept any more.
    pub(crate) fn written(&mut self, slot: u32) {
        self.frozen.remove(slot);
        self.saved.remove(&slot);
    }

    /// The next checkpoint writes this slot, changed or not.
    pub(crate) fn write_again(&mut self, slot: u32) {
        self.changed.insert(slot);
    }
}

#[cfg(test)]
mod tests;
