use proptest::prelude::*;

use super::affine::{MATRICES, emulated};
use super::wide::{self, Vector};
use super::*;
use crate::gf::mul;
use crate::matrix::{DATA_MAX, PARITY_MAX};
use crate::plan::Coefficients;

/// A GFNI register in software, so that the GFNI kernels' loop and operands are tested on every machine.
#[derive(Clone, Copy)]
struct Emulated<const BYTES: usize>([u8; BYTES]);

// SAFETY: no instructions that could be missing; `load` and `store` move `BYTES` bytes unaligned.
unsafe impl<const BYTES: usize> Vector for Emulated<BYTES> {
    const BYTES: usize = BYTES;
    type Table = u64;
    type Split = Self;

    unsafe fn zero() -> Self {
        Emulated([0; BYTES])
    }
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller vouches for `BYTES` bytes.
        unsafe { Emulated(from.cast::<[u8; BYTES]>().read_unaligned()) }
    }
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller vouches for `BYTES` bytes.
        unsafe { to.cast::<[u8; BYTES]>().write_unaligned(self.0) }
    }
    unsafe fn xor(self, other: Self) -> Self {
        Emulated(std::array::from_fn(|i| self.0[i] ^ other.0[i]))
    }
    unsafe fn table(factor: u8) -> u64 {
        MATRICES[usize::from(factor)]
    }
    unsafe fn split(self) -> Self {
        self
    }
    unsafe fn mul(split: Self, table: u64) -> Self {
        Emulated(split.0.map(|byte| emulated(byte, table)))
    }
}

type Run = Box<dyn Fn(&Plan, &[&[u8]], &mut [&mut [u8]])>;

/// Every kernel of this machine and the emulated ones, by name.
fn kernels() -> Vec<(&'static str, Run)> {
    let mut kernels: Vec<(&str, Run)> = Vec::new();
    for kernel in Kernel::available() {
        kernels
            .push((kernel.name(), Box::new(move |plan, inputs, outputs| kernel.run(plan, inputs, outputs))));
    }
    // SAFETY: needs no special instructions.
    kernels.push(("emulated 256", Box::new(|p, i, o| unsafe { wide::run::<Emulated<32>>(p, i, o) })));
    // SAFETY: needs no special instructions.
    kernels.push(("emulated 512", Box::new(|p, i, o| unsafe { wide::run::<Emulated<64>>(p, i, o) })));
    kernels
}

/// Runs every kernel over rows at odd addresses and compares with sums of products byte by byte.
fn check(rows: &[Coefficients], inputs_len: usize, len: usize, seed: u8) {
    let plan = Plan::new(rows, inputs_len);
    let mut state = u32::from(seed) | 1 << 16;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let buffers: Vec<Vec<u8>> = (0..DATA_MAX).map(|i| (0..len + i).map(|_| random()).collect()).collect();
    let inputs: Vec<&[u8]> =
        plan.inputs().iter().map(|&i| &buffers[usize::from(i)][usize::from(i)..]).collect();
    for (name, run) in kernels() {
        // One byte before and after each output must survive.
        let mut outputs = vec![vec![0xa5; len + 2]; rows.len()];
        let mut slices: Vec<&mut [u8]> = outputs.iter_mut().map(|row| &mut row[1..=len]).collect();
        run(&plan, &inputs, &mut slices);
        for (output, &row) in outputs.iter().zip(plan.outputs()) {
            let factors = &rows[usize::from(row)];
            for b in 0..len {
                let expected = (0..inputs_len).fold(0, |sum, i| sum ^ mul(factors[i], buffers[i][i + b]));
                assert_eq!(output[b + 1], expected, "{name}, output {row}, byte {b} of {len}, {plan:?}");
            }
            assert_eq!((output[0], output[len + 1]), (0xa5, 0xa5), "{name} wrote outside its row");
        }
    }
}

#[test]
fn the_emulated_kernels_are_tested_along_with_those_of_the_machine() {
    assert!(kernels().len() >= 3);
    assert!(Kernel::available().any(|kernel| kernel.name() == "scalar"));
    assert_eq!(Some(Kernel::best()), Kernel::available().next());
}

#[test]
fn all_kernels_agree_at_every_length_around_the_vector_width() {
    let mut rows = [[0; DATA_MAX]; PARITY_MAX];
    for (o, row) in rows.iter_mut().enumerate() {
        *row = std::array::from_fn(|i| (37 * i + 91 * o + 2) as u8);
    }
    for outputs in 1..=PARITY_MAX {
        for len in 0..300 {
            check(&rows[..outputs], 3, len, len as u8);
        }
    }
}

#[test]
fn all_kernels_agree_when_an_output_is_an_xor() {
    for outputs in 1..=PARITY_MAX {
        let mut rows = [[0; DATA_MAX]; PARITY_MAX];
        for (o, row) in rows[..outputs].iter_mut().enumerate() {
            *row =
                std::array::from_fn(|i| if o == 0 { u8::from(i % 3 != 0) } else { (29 * i + 7 * o) as u8 });
        }
        check(&rows[..outputs], 7, 517, 1);

        // The sum of all outputs is 0 or 1 everywhere.
        let sum =
            rows[1..outputs].iter().fold([0; DATA_MAX], |sum, row| std::array::from_fn(|i| sum[i] ^ row[i]));
        rows[0] = std::array::from_fn(|i| sum[i] ^ u8::from(i % 2 == 0));
        check(&rows[..outputs], 9, 517, 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_kernels_agree_on_any_coefficients(
        rows in prop::collection::vec(any::<[u8; DATA_MAX]>(), 1..=PARITY_MAX),
        inputs in 1..=DATA_MAX,
        len in 0usize..700,
        seed: u8,
    ) {
        check(&rows, inputs, len, seed);
    }
}
