//! One clear error for each kind of mistake, and no output touched.

use isobar_base::Errno;
use isobar_erasure::{ErasureError, encode, reconstruct};

const ROW: &[u8] = &[7; 8];

fn encode_error(data: &[&[u8]], parity_lengths: &[usize]) -> ErasureError {
    let mut parity: Vec<Vec<u8>> = parity_lengths.iter().map(|&len| vec![0xee; len]).collect();
    let mut outputs: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
    let error = encode(data, &mut outputs).unwrap_err();
    assert!(parity.iter().flatten().all(|&byte| byte == 0xee));
    error
}

fn reconstruct_error(n: u8, k: u8, have: &[(u8, &[u8])], want: u8, want_bytes: usize) -> ErasureError {
    let mut output = vec![0xee; want_bytes];
    let error = reconstruct(n, k, have, &mut [(want, &mut output)]).unwrap_err();
    assert!(output.iter().all(|&byte| byte == 0xee));
    error
}

#[test]
fn shapes_out_of_range() {
    assert_eq!(encode_error(&[], &[8]), ErasureError::BadShape { data_rows: 0, parity_rows: 1 });
    assert_eq!(encode_error(&[ROW; 17], &[8]), ErasureError::BadShape { data_rows: 17, parity_rows: 1 });
    assert_eq!(encode_error(&[ROW], &[]), ErasureError::BadShape { data_rows: 1, parity_rows: 0 });
    assert_eq!(encode_error(&[ROW], &[8; 5]), ErasureError::BadShape { data_rows: 1, parity_rows: 5 });
    for (n, k) in [(0, 1), (17, 1), (1, 0), (1, 5), (255, 255)] {
        let expected = ErasureError::BadShape { data_rows: usize::from(n), parity_rows: usize::from(k) };
        assert_eq!(reconstruct_error(n, k, &[(0, ROW)], 0, 8), expected);
    }
}

#[test]
fn lengths_that_differ() {
    let error = ErasureError::LengthMismatch { row: 3, len: 9, expected: 8 };
    assert_eq!(encode_error(&[ROW; 2], &[8, 9]), error);
    let error = ErasureError::LengthMismatch { row: 1, len: 8, expected: 7 };
    assert_eq!(encode_error(&[&ROW[1..], ROW], &[7]), error);

    let error = ErasureError::LengthMismatch { row: 2, len: 7, expected: 8 };
    assert_eq!(reconstruct_error(2, 2, &[(0, ROW), (2, &ROW[1..])], 1, 8), error);
    let error = ErasureError::LengthMismatch { row: 1, len: 9, expected: 8 };
    assert_eq!(reconstruct_error(2, 2, &[(0, ROW), (2, ROW)], 1, 9), error);
}

#[test]
fn rows_that_do_not_exist() {
    assert_eq!(
        reconstruct_error(2, 2, &[(0, ROW), (4, ROW)], 1, 8),
        ErasureError::BadRow { row: 4, rows: 4 }
    );
    assert_eq!(
        reconstruct_error(2, 2, &[(0, ROW), (2, ROW)], 4, 8),
        ErasureError::BadRow { row: 4, rows: 4 }
    );
}

#[test]
fn too_few_rows() {
    assert_eq!(reconstruct_error(2, 2, &[], 1, 8), ErasureError::TooFewRows { have: 0, need: 2 });
    let twice = [(0, ROW), (0, ROW)];
    assert_eq!(reconstruct_error(2, 2, &twice, 1, 8), ErasureError::TooFewRows { have: 1, need: 2 });
}

#[test]
fn only_missing_rows_are_an_input_output_error() {
    assert_eq!(ErasureError::TooFewRows { have: 1, need: 2 }.errno(), Errno::EIO);
    assert_eq!(ErasureError::BadShape { data_rows: 0, parity_rows: 1 }.errno(), Errno::EINVAL);
}
