//! AVX2: a product is the sum of two 16-entry table lookups, one for each nibble (`vpshufb`), after Plank,
//! Greenan and Miller, "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions", FAST 2013.

use std::arch::x86_64::*;

use super::wide::{self, Vector};
use crate::gf::PRODUCTS;
use crate::plan::Plan;

/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    // SAFETY: AVX2 is there.
    unsafe { wide::run::<Bytes32>(plan, inputs, outputs) }
}

#[derive(Clone, Copy)]
struct Bytes32(__m256i);

// SAFETY: AVX2 instructions only; `load` and `store` are the unaligned ones and 32 bytes wide.
unsafe impl Vector for Bytes32 {
    const BYTES: usize = 32;
    /// Products of the factor with 0..16 and with 0, 16, .. 240, each in both halves.
    type Table = (__m256i, __m256i);
    /// Low and high nibbles.
    type Split = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: AVX2 is there.
        unsafe { Bytes32(_mm256_setzero_si256()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: AVX2 is there, 32 bytes can be read.
        unsafe { Bytes32(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: AVX2 is there, 32 bytes can be written.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: AVX2 is there.
        unsafe { Bytes32(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn table(factor: u8) -> Self::Table {
        let products = &PRODUCTS[usize::from(factor)];
        let low: [u8; 16] = std::array::from_fn(|nibble| products[nibble]);
        let high: [u8; 16] = std::array::from_fn(|nibble| products[nibble << 4]);
        // SAFETY: AVX2 is there, both arrays are 16 bytes.
        unsafe {
            (
                _mm256_broadcastsi128_si256(_mm_loadu_si128(low.as_ptr().cast())),
                _mm256_broadcastsi128_si256(_mm_loadu_si128(high.as_ptr().cast())),
            )
        }
    }

    #[inline(always)]
    unsafe fn split(self) -> Self::Split {
        // SAFETY: AVX2 is there.
        unsafe {
            let nibble = _mm256_set1_epi8(0x0f);
            (_mm256_and_si256(self.0, nibble), _mm256_and_si256(_mm256_srli_epi64::<4>(self.0), nibble))
        }
    }

    #[inline(always)]
    unsafe fn mul((low, high): Self::Split, table: Self::Table) -> Self {
        // SAFETY: AVX2 is there.
        unsafe {
            Bytes32(_mm256_xor_si256(_mm256_shuffle_epi8(table.0, low), _mm256_shuffle_epi8(table.1, high)))
        }
    }
}
