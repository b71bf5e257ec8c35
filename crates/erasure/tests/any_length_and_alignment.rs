//! Rows of any length at any address, data rows that end early, and ranges of rows.

mod reference;

use isobar_erasure::{encode, reconstruct};
use proptest::prelude::*;
use reference::{code_word, noise};

fn parity_of(data: &[&[u8]], k: usize, row_bytes: usize) -> Vec<Vec<u8>> {
    let mut parity = vec![vec![0xee; row_bytes]; k];
    let mut outputs: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
    encode(data, &mut outputs).unwrap();
    parity
}

#[test]
fn a_segment_is_encoded_without_padding() {
    let segment = noise(1, 100_000, 1).remove(0);
    for len in [1, 4096, 12_288, 12_289, 50_001, 70_000, 98_304] {
        let (n, k, row_bytes) = (8, 3, 12_288);
        let cut = |row: usize| &segment[(row * row_bytes).min(len)..((row + 1) * row_bytes).min(len)];
        let data: Vec<&[u8]> = (0..n).map(cut).collect();
        let mut padded: Vec<Vec<u8>> = data.iter().map(|row| row.to_vec()).collect();
        padded.iter_mut().for_each(|row| row.resize(row_bytes, 0));
        assert!(parity_of(&data, k, row_bytes) == code_word(&padded, k)[n..], "{len} bytes");
    }
}

#[test]
fn a_code_word_of_empty_data_rows_has_zero_parity() {
    assert_eq!(parity_of(&[&[], &[]], 2, 100), vec![vec![0; 100]; 2]);
    assert_eq!(parity_of(&[&[]], 4, 0), vec![Vec::<u8>::new(); 4]);
}

#[test]
fn one_data_row_is_mirrored() {
    let row = noise(1, 4096, 3).remove(0);
    assert_eq!(parity_of(&[&row], 4, 4096), vec![row; 4]);
}

#[test]
fn the_first_parity_row_is_the_xor_of_the_data() {
    let data = noise(16, 500, 4);
    let slices: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let xor: Vec<u8> = (0..500).map(|b| data.iter().fold(0, |sum, row| sum ^ row[b])).collect();
    assert_eq!(parity_of(&slices, 1, 500), [xor]);
}

#[test]
fn a_parity_row_does_not_depend_on_k_nor_on_empty_data_rows() {
    let data = noise(3, 300, 6);
    let mut slices: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let four = parity_of(&slices, 4, 300);
    for k in 1..4 {
        assert_eq!(parity_of(&slices, k, 300), four[..k]);
    }
    slices.resize(16, &[]);
    assert_eq!(parity_of(&slices, 4, 300), four);
}

#[test]
fn no_rows_are_wanted_and_none_are_computed() {
    let row: &[u8] = &[1, 2, 3];
    reconstruct(2, 1, &[(0, row), (2, row)], &mut []).unwrap();
}

#[test]
fn repeated_and_needless_rows_are_ignored_and_a_row_at_hand_may_be_wanted() {
    let word = code_word(&noise(3, 77, 8), 2);
    let have: Vec<(u8, &[u8])> =
        [4, 0, 0, 3, 4, 1].iter().map(|&row| (row, &word[usize::from(row)][..])).collect();
    let (mut first, mut third) = (vec![0; 77], vec![0; 77]);
    reconstruct(3, 2, &have, &mut [(0, &mut first), (2, &mut third)]).unwrap();
    assert_eq!((&first, &third), (&word[0], &word[2]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_shape_length_and_alignment_encodes_and_decodes(
        n in 1usize..=16,
        k in 1usize..=4,
        len in 0usize..5000,
        cuts in prop::collection::vec(0usize..5000, 16),
        shift in 0usize..64,
        lost_seed: u64,
    ) {
        // Each buffer begins elsewhere, so that no two rows are aligned alike.
        let mut buffers = noise(n, len + 64 + n, lost_seed);
        let skip = |row: usize| (shift + row * 7) % 64;
        let mut ends: Vec<usize> = cuts[..n].iter().map(|&cut| cut.min(len)).collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        for (row, buffer) in buffers.iter_mut().enumerate() {
            buffer[skip(row) + ends[row]..].fill(0);
        }
        let short: Vec<&[u8]> = buffers.iter().enumerate().map(|(r, b)| &b[skip(r)..skip(r) + ends[r]]).collect();
        let full: Vec<Vec<u8>> = buffers.iter().enumerate().map(|(r, b)| b[skip(r)..skip(r) + len].to_vec()).collect();
        let word = code_word(&full, k);

        let mut parity = vec![vec![0xee; len + 64]; k];
        let mut outputs: Vec<&mut [u8]> =
            parity.iter_mut().enumerate().map(|(i, row)| &mut row[skip(i)..skip(i) + len]).collect();
        encode(&short, &mut outputs).unwrap();
        for (i, row) in parity.iter().enumerate() {
            prop_assert!(row[skip(i)..skip(i) + len] == word[n + i]);
            prop_assert!(row[..skip(i)].iter().chain(&row[skip(i) + len..]).all(|&byte| byte == 0xee));
        }

        // Decode a range of the rows, with k rows lost.
        let range = len / 3..len - len / 5;
        let lost: Vec<usize> = (0..k).map(|i| (lost_seed as usize % 1000 + i * 5) % (n + k)).collect();
        let have: Vec<(u8, &[u8])> =
            (0..n + k).filter(|row| !lost.contains(row)).map(|row| (row as u8, &word[row][range.clone()])).collect();
        let mut outputs = vec![vec![0xee; range.len() + 1]; k];
        let mut want: Vec<(u8, &mut [u8])> =
            lost.iter().zip(&mut outputs).map(|(&row, bytes)| (row as u8, &mut bytes[1..])).collect();
        reconstruct(n as u8, k as u8, &have, &mut want).unwrap();
        for (&row, bytes) in lost.iter().zip(&outputs) {
            prop_assert!(bytes[1..] == word[row][range.clone()]);
        }
    }
}
