//! The code written down naively from its definition, sharing nothing with the crate: products by long
//! multiplication, quotients by search, decoding by elimination on all n rows.
#![allow(dead_code, reason = "each test binary uses a part")]

/// a · b modulo x^8 + x^4 + x^3 + x^2 + 1.
pub fn mul(a: u8, b: u8) -> u8 {
    let (mut product, mut shifted) = (0u16, u16::from(a));
    for bit in 0..8 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted <<= 1;
        if shifted & 0x100 != 0 {
            shifted ^= 0x11d;
        }
    }
    product as u8
}

/// a / b.
pub fn div(a: u8, b: u8) -> u8 {
    (0..=255).find(|&quotient| mul(quotient, b) == a && b != 0).expect("b is not 0")
}

/// Row `row` of the generator matrix: the identity on top of a Cauchy matrix at x = i and y = 4 + j, whose
/// first row and first column are scaled to ones.
pub fn generator_row(n: usize, row: usize) -> Vec<u8> {
    let cauchy = |i: usize, j: usize| div(1, i as u8 ^ (4 + j as u8));
    (0..n)
        .map(|j| match row.checked_sub(n) {
            None => u8::from(row == j),
            Some(i) => {
                let column_scaled = |j: usize| div(cauchy(i, j), cauchy(0, j));
                div(column_scaled(j), column_scaled(0))
            }
        })
        .collect()
}

/// All n + k rows of the code word of `data`.
pub fn code_word(data: &[Vec<u8>], k: usize) -> Vec<Vec<u8>> {
    let n = data.len();
    (0..n + k).map(|row| combination(&generator_row(n, row), data)).collect()
}

fn combination(factors: &[u8], rows: &[Vec<u8>]) -> Vec<u8> {
    let mut sum = vec![0; rows[0].len()];
    for (&factor, row) in factors.iter().zip(rows) {
        let products: Vec<u8> = (0..=255).map(|byte| mul(factor, byte)).collect();
        sum.iter_mut().zip(row).for_each(|(sum, &byte)| *sum ^= products[usize::from(byte)]);
    }
    sum
}

/// The data rows from the first n of `have`, by elimination on the rows of the generator matrix.
pub fn decode(n: usize, have: &[(usize, Vec<u8>)]) -> Vec<Vec<u8>> {
    let mut matrix: Vec<Vec<u8>> = have[..n].iter().map(|(row, _)| generator_row(n, *row)).collect();
    let mut rows: Vec<Vec<u8>> = have[..n].iter().map(|(_, bytes)| bytes.clone()).collect();
    for pivot in 0..n {
        let swap = (pivot..n).find(|&row| matrix[row][pivot] != 0).expect("any n rows are independent");
        matrix.swap(pivot, swap);
        rows.swap(pivot, swap);
        let scale = div(1, matrix[pivot][pivot]);
        matrix[pivot].iter_mut().chain(&mut rows[pivot]).for_each(|entry| *entry = mul(*entry, scale));
        for row in (0..n).filter(|&row| row != pivot) {
            let factor = matrix[row][pivot];
            let scaled = matrix[pivot].clone().into_iter().chain(rows[pivot].clone());
            let entries = matrix[row].iter_mut().chain(&mut rows[row]);
            entries.zip(scaled).for_each(|(entry, scaled)| *entry ^= mul(factor, scaled));
        }
    }
    rows
}

/// `rows` rows of `len` bytes that look random and are the same each time.
pub fn noise(rows: usize, len: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..rows).map(|_| (0..len).map(|_| next()).collect()).collect()
}
