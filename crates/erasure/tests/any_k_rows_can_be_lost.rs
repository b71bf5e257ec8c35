//! Every pattern of lost rows decodes to what the naive reference says.

mod reference;

use isobar_erasure::{encode, reconstruct};
use reference::{code_word, decode, noise};

/// The code word of `data` by the crate.
fn encoded(data: &[Vec<u8>], k: usize) -> Vec<Vec<u8>> {
    let slices: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let mut parity = vec![vec![0xee; data[0].len()]; k];
    let mut outputs: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
    encode(&slices, &mut outputs).unwrap();
    data.iter().cloned().chain(parity).collect()
}

/// Recomputes all rows in the set `lost` from all others.
fn recover(word: &[Vec<u8>], n: usize, lost: u32) {
    let rows = 0..word.len();
    let have: Vec<(u8, &[u8])> =
        rows.clone().filter(|row| lost >> row & 1 == 0).map(|row| (row as u8, &word[row][..])).collect();
    let mut recovered = vec![vec![0xee; word[0].len()]; lost.count_ones() as usize];
    let missing: Vec<usize> = rows.filter(|row| lost >> row & 1 == 1).collect();
    let mut want: Vec<(u8, &mut [u8])> =
        missing.iter().zip(&mut recovered).map(|(&row, bytes)| (row as u8, &mut bytes[..])).collect();
    reconstruct(n as u8, (word.len() - n) as u8, &have, &mut want).unwrap();
    for (row, bytes) in missing.into_iter().zip(recovered) {
        assert!(bytes == word[row], "row {row} of {n} + {}, lost {lost:b}", word.len() - n);
    }
}

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    (1..=16).flat_map(|n| (1..=4).map(move |k| (n, k)))
}

#[test]
fn parity_is_that_of_the_reference_in_every_shape() {
    for (n, k) in shapes() {
        let data = noise(n, 131, (n * 100 + k) as u64);
        assert!(encoded(&data, k) == code_word(&data, k), "{n} + {k}");
    }
}

#[test]
fn every_pattern_of_up_to_k_lost_rows_is_recovered_in_shapes_of_up_to_12_rows() {
    for (n, k) in shapes().filter(|(n, k)| n + k <= 12) {
        let word = encoded(&noise(n, 67, (n * 10 + k) as u64), k);
        for lost in (0u32..1 << (n + k)).filter(|lost| lost.count_ones() as usize <= k) {
            recover(&word, n, lost);
            // The reference gets the same data from what is left.
            let left = (0..n + k).filter(|row| lost >> row & 1 == 0);
            let left: Vec<(usize, Vec<u8>)> = left.rev().map(|row| (row, word[row].clone())).collect();
            if n <= 4 {
                assert!(decode(n, &left) == word[..n], "{n} + {k}, lost {lost:b}");
            }
        }
    }
}

#[test]
fn every_pattern_of_4_lost_rows_is_recovered_in_the_widest_shape() {
    let word = encoded(&noise(16, 33, 9), 4);
    for lost in (0u32..1 << 20).filter(|lost| lost.count_ones() == 4) {
        recover(&word, 16, lost);
    }
}

#[test]
fn samples_of_wide_shapes_decode_as_the_reference_does() {
    for (n, k) in shapes().filter(|(n, k)| n + k > 12) {
        let word = encoded(&noise(n, 40, (n + k) as u64), k);
        for shift in 0..n + k {
            // k rows that follow each other, around the end.
            let lost = (0..k).fold(0u32, |set, i| set | 1 << ((shift + i * 3) % (n + k)));
            recover(&word, n, lost);
            let left = (0..n + k).filter(|row| lost >> row & 1 == 0);
            let left: Vec<(usize, Vec<u8>)> = left.map(|row| (row, word[row].clone())).collect();
            assert!(decode(n, &left) == word[..n], "{n} + {k}, lost {lost:b}");
        }
    }
}

#[test]
fn any_n_rows_give_all_rows_at_once() {
    let (n, k) = (5, 3);
    let word = encoded(&noise(n, 200, 5), k);
    for chosen in (0u32..1 << (n + k)).filter(|set| set.count_ones() as usize == n) {
        let have: Vec<(u8, &[u8])> = (0..n + k)
            .rev()
            .filter(|row| chosen >> row & 1 == 1)
            .map(|row| (row as u8, &word[row][..]))
            .collect();
        let mut all = vec![vec![0xee; 200]; n + k];
        let mut want: Vec<(u8, &mut [u8])> =
            all.iter_mut().enumerate().map(|(row, bytes)| (row as u8, &mut bytes[..])).collect();
        reconstruct(n as u8, k as u8, &have, &mut want).unwrap();
        assert!(all == word, "from {chosen:b}");
    }
}
