//! What is written, and how it is known again: every byte of a file follows from (file, offset, seed).
//!
//! A file is a row of 4 KiB units. The words of a unit are those of a fixed random table, XORed with a key
//! that only this unit of this file under this seed has; its first 32 bytes are a stamp that says which
//! unit it is. So the bytes do not compress and do not repeat, making and checking them runs at the speed
//! of memory, and any range of any file is checked without a copy of the data: a flipped byte, a block in
//! the wrong place, an older generation and missing bytes all differ.
//!
//! ```text
//! unit u of file f:  | magic 8 | file 8 | unit 8 | seed 8 |  table[..] ^ key(f, u, seed)  … 4096 |
//! ```

use std::sync::OnceLock;

/// Bytes that have one key and one stamp.
pub const UNIT_BYTES: u64 = 4096;
/// Bytes of a stamp at the start of each unit.
pub const STAMP_BYTES: usize = 32;
const MAGIC: u64 = 0x1507_0ba2_be4c_4b01;
/// Table positions that consecutive units start at; the table stays in the second-level cache.
const ROTATIONS: u64 = 16;
const UNIT: usize = UNIT_BYTES as usize;
const TABLE: usize = UNIT * ROTATIONS as usize;

/// The contents of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    file: u64,
    seed: u64,
}

/// Where bytes differ from what they should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Offset in the file of the first byte that is wrong.
    pub offset: u64,
    /// What is there instead, as far as it can be told.
    pub found: String,
}

/// How thoroughly bytes that were read are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The stamps of all 4 KiB units: catches a block in the wrong place and missing bytes, costs nothing.
    Stamps,
    /// Every byte.
    Bytes,
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn table() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| (0..TABLE as u64 / 8).flat_map(|word| mix(word ^ MAGIC).to_le_bytes()).collect())
}

impl Content {
    /// The contents of the file with this name. Names are hashed (FNV-1a), so only the last part of a path
    /// that is the same for writer and reader should be given.
    pub fn of(name: &str, seed: u64) -> Content {
        let file =
            name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Content { file: mix(file), seed }
    }

    /// A number that follows from file and seed.
    pub fn random(&self) -> u64 {
        mix(self.file ^ mix(self.seed))
    }

    fn stamp(&self, unit: u64) -> [u8; STAMP_BYTES] {
        let mut stamp = [0; STAMP_BYTES];
        for (at, word) in [MAGIC, self.file, unit, self.seed].into_iter().enumerate() {
            stamp[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
        }
        stamp
    }

    fn key(&self, unit: u64) -> u64 {
        mix(self.file ^ mix(unit ^ mix(self.seed)))
    }

    /// Fills `out` with the bytes at `offset`.
    pub fn fill(&self, offset: u64, out: &mut [u8]) {
        for_units(offset, out.len(), |unit, from, range| {
            let out = &mut out[range];
            let stamped = STAMP_BYTES.saturating_sub(from).min(out.len());
            if stamped > 0 {
                out[..stamped].copy_from_slice(&self.stamp(unit)[from..from + stamped]);
            }
            let (key, noise) = self.words(unit, from + stamped);
            fill_words(&mut out[stamped..], noise, key);
        });
    }

    /// Compares `data` with the bytes that belong at `offset`.
    ///
    /// # Errors
    /// The first byte that is wrong.
    pub fn check(&self, offset: u64, data: &[u8], how: Check) -> Result<(), Difference> {
        let mut wrong = None;
        for_units(offset, data.len(), |unit, from, range| {
            if wrong.is_some() {
                return;
            }
            let part = &data[range];
            let stamped = STAMP_BYTES.saturating_sub(from).min(part.len());
            let (key, noise) = self.words(unit, from + stamped);
            let right = (stamped == 0 || part[..stamped] == self.stamp(unit)[from..from + stamped])
                && (how == Check::Stamps || same_words(&part[stamped..], noise, key));
            if !right {
                wrong = Some(self.difference(unit * UNIT_BYTES + from as u64, part));
            }
        });
        wrong.map_or(Ok(()), Err)
    }

    /// The key, turned so that it begins at `from`, and the table's bytes from there.
    fn words(&self, unit: u64, from: usize) -> (u64, &'static [u8]) {
        let start = (unit % ROTATIONS) as usize * UNIT;
        let turned = self.key(unit).rotate_right(8 * (from % 8) as u32);
        (turned, &table()[start + from.min(UNIT)..start + UNIT])
    }

    #[cold]
    fn difference(&self, offset: u64, part: &[u8]) -> Difference {
        let mut right = vec![0; part.len()];
        self.fill(offset, &mut right);
        let at = part.iter().zip(&right).position(|(a, b)| a != b).unwrap_or(0);
        let word = |n: usize| {
            part.get(n * 8..n * 8 + 8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()))
        };
        let found = match (word(0), word(1), word(2), word(3)) {
            _ if part.iter().all(|b| *b == 0) => "zeros".to_owned(),
            (Some(MAGIC), Some(file), Some(unit), Some(seed)) if offset.is_multiple_of(UNIT_BYTES) => {
                let at_offset = unit.wrapping_mul(UNIT_BYTES);
                match (file == self.file, at_offset == offset, seed == self.seed) {
                    (true, true, true) => format!("{:#04x} instead of {:#04x}", part[at], right[at]),
                    (true, false, true) => format!("bytes of this file at offset {at_offset}"),
                    (true, _, false) => format!("bytes written with seed {seed} instead of {}", self.seed),
                    (false, ..) => format!("bytes of another file at offset {at_offset}"),
                }
            }
            _ => format!("{:#04x} instead of {:#04x}", part[at], right[at]),
        };
        Difference { offset: offset + at as u64, found }
    }
}

/// Whether the first bytes of a file are of our making: only such files are overwritten.
pub fn is_ours(first_bytes: &[u8]) -> bool {
    first_bytes.get(..8) == Some(&MAGIC.to_le_bytes()[..])
}

/// Calls `with(unit, offset within it, range of the buffer)` for every unit a range touches.
fn for_units(offset: u64, len: usize, mut with: impl FnMut(u64, usize, std::ops::Range<usize>)) {
    let mut done = 0;
    while done < len {
        let at = offset + done as u64;
        let from = (at % UNIT_BYTES) as usize;
        let end = (done + UNIT - from).min(len);
        with(at / UNIT_BYTES, from, done..end);
        done = end;
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(all)
}

fn fill_words(out: &mut [u8], noise: &[u8], key: u64) {
    let noise = &noise[..out.len()];
    let (mut outs, mut noises) = (out.chunks_exact_mut(8), noise.chunks_exact(8));
    for (out, noise) in (&mut outs).zip(&mut noises) {
        out.copy_from_slice(&(word(noise) ^ key).to_le_bytes());
    }
    let (out, noise) = (outs.into_remainder(), noises.remainder());
    let last = (word(noise) ^ key).to_le_bytes();
    out.copy_from_slice(&last[..out.len()]);
}

fn same_words(data: &[u8], noise: &[u8], key: u64) -> bool {
    let noise = &noise[..data.len()];
    let (mut datas, mut noises) = (data.chunks_exact(8), noise.chunks_exact(8));
    let mut wrong = 0;
    for (data, noise) in (&mut datas).zip(&mut noises) {
        wrong |= word(data) ^ word(noise) ^ key;
    }
    let (data, noise) = (datas.remainder(), noises.remainder());
    let last = (word(noise) ^ key).to_le_bytes();
    wrong == 0 && data == &last[..data.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Content = Content { file: 7, seed: 1 };

    fn bytes(offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        FILE.fill(offset, &mut bytes);
        bytes
    }

    #[test]
    fn any_range_has_the_bytes_of_the_whole() {
        let whole = bytes(0, 50_000);
        for (offset, len) in [(0, 1), (1, 31), (31, 2), (4095, 2), (4096, 4096), (47_001, 2_999), (8190, 13)]
        {
            assert_eq!(bytes(offset as u64, len), whole[offset..offset + len], "{offset} {len}");
            assert_eq!(FILE.check(offset as u64, &whole[offset..offset + len], Check::Bytes), Ok(()));
        }
    }

    #[test]
    fn a_flipped_byte_is_caught_wherever_it_is() {
        let right = bytes(47_008, 9_001);
        for at in (0..right.len()).step_by(61).chain([right.len() - 1]) {
            let mut wrong = right.clone();
            wrong[at] ^= 0x10;
            let found = FILE.check(47_008, &wrong, Check::Bytes).expect_err("a flipped byte");
            assert_eq!(found.offset, 47_008 + at as u64);
        }
    }

    #[test]
    fn a_swapped_block_is_caught_and_named() {
        let mut data = bytes(0, 16_384);
        data[4096..].rotate_left(4096);
        for how in [Check::Stamps, Check::Bytes] {
            let found = FILE.check(0, &data, how).expect_err("a swapped block");
            assert!((4096..8192).contains(&found.offset), "{found:?}");
            assert_eq!(found.found, "bytes of this file at offset 8192");
        }
    }

    #[test]
    fn another_file_another_seed_and_zeros_are_told_apart() {
        let other = Content { file: 8, seed: 1 };
        let old = Content { file: 7, seed: 2 };
        let data = bytes(8192, 4096);
        let said = |of: Content, data: &[u8]| of.check(8192, data, Check::Stamps).expect_err("wrong").found;
        assert_eq!(said(other, &data), "bytes of another file at offset 8192");
        assert_eq!(said(old, &data), "bytes written with seed 1 instead of 2");
        assert_eq!(said(FILE, &[0; 4096]), "zeros");
        assert_ne!(Content::of("a", 0), Content::of("b", 0));
    }

    #[test]
    fn units_share_no_words() {
        let mut data = vec![0; 1 << 20];
        Content::of("file", 1 << 40).fill(0, &mut data);
        let words: std::collections::HashSet<&[u8]> = data.chunks(8).collect();
        // A stamp has three words that other stamps of the file have, too.
        assert_eq!(words.len(), data.len() / 8 - 3 * 256 + 3);
    }

    #[test]
    fn only_files_of_our_making_are_ours() {
        assert!(is_ours(&bytes(0, 4096)));
        assert!(!is_ours(&[0; 4096]) && !is_ours(b"text") && !is_ours(b""));
    }
}
