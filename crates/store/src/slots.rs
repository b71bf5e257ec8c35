//! A set of small numbers, walked in their order.

/// One bit for each number.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    words: Vec<u64>,
    count: u64,
}

impl Slots {
    /// Adds a number; whether it was not there.
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        let (word, bit) = place(slot);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        if self.contains(slot) {
            let (word, bit) = place(slot);
            self.words[word] &= !bit;
            self.count -= 1;
        }
    }

    pub(crate) fn contains(&self, slot: u32) -> bool {
        let (word, bit) = place(slot);
        self.words.get(word).is_some_and(|found| found & bit != 0)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// The lowest number that is at least `from`.
    pub(crate) fn next(&self, from: u32) -> Option<u32> {
        let (first, bit) = place(from);
        let mut mask = !(bit - 1);
        for (word, found) in self.words.iter().enumerate().skip(first) {
            if found & mask != 0 {
                return Some(word as u32 * 64 + (found & mask).trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    /// Takes out what is not below `end`.
    pub(crate) fn truncate(&mut self, end: u32) {
        while let Some(slot) = self.next(end) {
            self.remove(slot);
        }
    }
}

fn place(slot: u32) -> (usize, u64) {
    ((slot / 64) as usize, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_their_order() {
        let mut slots = Slots::default();
        for slot in [700, 3, 64, 63, 3, 127, 128] {
            slots.insert(slot);
        }
        slots.remove(63);
        slots.remove(9000);
        slots.truncate(128);
        let mut found = Vec::new();
        while let Some(slot) = slots.next(found.last().map_or(0, |last| last + 1)) {
            found.push(slot);
        }
        assert_eq!((found, slots.len()), (vec![3, 64, 127], 3));
        assert!(slots.contains(64) && !slots.contains(63) && !slots.contains(5000));
    }
}
