//! Bytes on disks depend on these values. When a test here fails, the change is wrong, not the test.

mod reference;

use isobar_base::crc32c;
use isobar_erasure::{PARITY_MATRIX, PARITY_MATRIX_VERSION, encode};
use reference::generator_row;

const MATRIX_V1: [[u8; 16]; 4] = [
    [0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01],
    [0x01, 0xd9, 0x5c, 0xac, 0xbb, 0x87, 0xf8, 0xeb, 0x48, 0x33, 0x7b, 0x4b, 0xa6, 0xa8, 0x08, 0xb6],
    [0x01, 0x5c, 0x46, 0x7b, 0xf5, 0x3a, 0x65, 0x35, 0x68, 0x28, 0xc8, 0x6c, 0xd2, 0x67, 0xfa, 0x19],
    [0x01, 0xac, 0x7b, 0x9e, 0xc3, 0x1f, 0x8f, 0xe3, 0x52, 0x22, 0x25, 0xfa, 0x6e, 0x65, 0xbe, 0x53],
];

#[test]
fn the_matrix_of_version_1() {
    assert_eq!(PARITY_MATRIX_VERSION, 1);
    assert_eq!(PARITY_MATRIX, MATRIX_V1);
}

#[test]
fn the_matrix_is_the_scaled_cauchy_matrix_it_is_said_to_be() {
    for n in 1..=16 {
        for (i, row) in MATRIX_V1.iter().enumerate() {
            assert_eq!(generator_row(n, n + i), row[..n]);
        }
    }
}

#[test]
fn the_parity_of_an_example() {
    let data: Vec<[u8; 16]> =
        (0..6usize).map(|row| std::array::from_fn(|b| (row * 37 + b * b + 1) as u8)).collect();
    let parity: [u128; 4] = [
        0x3335335593b5f395339573f593d53375,
        0x822ae5ccaadc991d5afeedf67838eff0,
        0x1fccb87bf881a47a7c4fe1cef54cd698,
        0xc2c8f746b0bba70fcf24a9a271443b57,
    ];
    assert_eq!(parity_of(&data, 16), parity.map(|row| row.to_be_bytes().to_vec()));
}

#[test]
fn the_parity_of_a_large_example() {
    let byte = |row: usize, b: usize| (row * row * 13 + b * 31 + (b >> 8) * row) as u8;
    let data: Vec<Vec<u8>> = (0..16).map(|row| (0..4099).map(|b| byte(row, b)).collect()).collect();
    let crcs: Vec<u32> = parity_of(&data, 4099).iter().map(|row| crc32c(row)).collect();
    assert_eq!(crcs, [0x29c1_4bdf, 0x36c6_3882, 0xdeeb_2fc2, 0xd9ad_2e7e]);
}

fn parity_of(data: &[impl AsRef<[u8]>], row_bytes: usize) -> Vec<Vec<u8>> {
    let data: Vec<&[u8]> = data.iter().map(AsRef::as_ref).collect();
    let mut parity = vec![vec![0; row_bytes]; 4];
    let mut outputs: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
    encode(&data, &mut outputs).unwrap();
    parity
}
