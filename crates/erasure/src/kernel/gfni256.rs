//! GFNI and AVX2: a product is one `gf2p8affineqb` on 32 bytes.

use std::arch::x86_64::*;

use super::affine::MATRICES;
use super::wide::{self, Vector};
use crate::plan::Plan;

/// # Safety
/// The machine has GFNI and AVX2.
#[target_feature(enable = "gfni,avx2")]
pub(super) unsafe fn run(plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    // SAFETY: the instructions are there.
    unsafe { wide::run::<Bytes32>(plan, inputs, outputs) }
}

#[derive(Clone, Copy)]
struct Bytes32(__m256i);

// SAFETY: instructions of GFNI and AVX2 only; `load` and `store` are the unaligned ones and 32 bytes wide.
unsafe impl Vector for Bytes32 {
    const BYTES: usize = 32;
    /// The bit matrix of the factor, once for every 8 bytes.
    type Table = __m256i;
    type Split = __m256i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes32(_mm256_setzero_si256()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the instructions are there, 32 bytes can be read.
        unsafe { Bytes32(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the instructions are there, 32 bytes can be written.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes32(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn table(factor: u8) -> Self::Table {
        // SAFETY: the instructions are there.
        unsafe { _mm256_set1_epi64x(MATRICES[usize::from(factor)].cast_signed()) }
    }

    #[inline(always)]
    unsafe fn split(self) -> Self::Split {
        self.0
    }

    #[inline(always)]
    unsafe fn mul(split: Self::Split, table: Self::Table) -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes32(_mm256_gf2p8affine_epi64_epi8::<0>(split, table)) }
    }
}
