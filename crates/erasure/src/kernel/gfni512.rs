//! GFNI and AVX-512 (F, BW): a product is one `gf2p8affineqb` on 64 bytes.

use std::arch::x86_64::*;

use super::affine::MATRICES;
use super::wide::{self, Vector};
use crate::plan::Plan;

/// # Safety
/// The machine has GFNI and AVX-512 (F, BW).
#[target_feature(enable = "gfni,avx512f,avx512bw")]
pub(super) unsafe fn run(plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    // SAFETY: the instructions are there.
    unsafe { wide::run::<Bytes64>(plan, inputs, outputs) }
}

#[derive(Clone, Copy)]
struct Bytes64(__m512i);

// SAFETY: instructions of GFNI and AVX-512 (F, BW) only; `load` and `store` are the unaligned ones and 64
// bytes wide.
unsafe impl Vector for Bytes64 {
    const BYTES: usize = 64;
    /// The bit matrix of the factor, once for every 8 bytes.
    type Table = __m512i;
    type Split = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes64(_mm512_setzero_si512()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the instructions are there, 64 bytes can be read.
        unsafe { Bytes64(_mm512_loadu_si512(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the instructions are there, 64 bytes can be written.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes64(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn table(factor: u8) -> Self::Table {
        // SAFETY: the instructions are there.
        unsafe { _mm512_set1_epi64(MATRICES[usize::from(factor)].cast_signed()) }
    }

    #[inline(always)]
    unsafe fn split(self) -> Self::Split {
        self.0
    }

    #[inline(always)]
    unsafe fn mul(split: Self::Split, table: Self::Table) -> Self {
        // SAFETY: the instructions are there.
        unsafe { Bytes64(_mm512_gf2p8affine_epi64_epi8::<0>(split, table)) }
    }
}
