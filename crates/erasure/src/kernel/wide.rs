//! The loop of all vector kernels, generic over the vector.
//!
//! Each byte of the inputs is loaded once for all outputs; the outputs are summed up in registers over all
//! inputs and stored once. An output is a function of the inputs alone, so the last vector of a row may
//! overlap the one before it: nothing is left over unless the rows are shorter than one vector.

use std::mem::MaybeUninit;

use super::scalar;
use crate::matrix::{DATA_MAX, PARITY_MAX};
use crate::plan::Plan;

/// A register full of bytes and the instructions used on it.
///
/// # Safety
/// Implementations read exactly `BYTES` bytes in `load` and write as many in `store`, at any alignment, and
/// touch no other memory. Callers of any function know that the machine has the instructions behind it, and
/// that the bytes to `load` and `store` are theirs.
pub(super) unsafe trait Vector: Copy {
    /// Width of the register.
    const BYTES: usize;
    /// What it takes to multiply by one coefficient.
    type Table: Copy;
    /// Bytes prepared for multiplication by any number of tables.
    type Split: Copy;

    /// All zeros.
    unsafe fn zero() -> Self;
    /// `BYTES` bytes from `from`.
    unsafe fn load(from: *const u8) -> Self;
    /// `BYTES` bytes to `to`.
    unsafe fn store(self, to: *mut u8);
    /// Sum.
    unsafe fn xor(self, other: Self) -> Self;
    /// The table for multiplying by `factor`.
    unsafe fn table(factor: u8) -> Self::Table;
    /// Prepares for multiplication.
    unsafe fn split(self) -> Self::Split;
    /// Product of every byte with the factor of the table.
    unsafe fn mul(split: Self::Split, table: Self::Table) -> Self;
}

/// Computes `outputs` from `inputs` as `plan` says.
///
/// # Safety
/// The instructions of `V` exist on this machine. Inlined into a function that enables them.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    if outputs[0].len() < V::BYTES {
        return scalar::run(plan, inputs, outputs);
    }
    // The vectors at a time are what fits AVX2's 16 registers without spilling.
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        match (plan.products, plan.xor.is_some()) {
            (0, true) => rows::<V, 0, true, 4>(plan, inputs, outputs),
            (1, false) => rows::<V, 1, false, 4>(plan, inputs, outputs),
            (1, true) => rows::<V, 1, true, 4>(plan, inputs, outputs),
            (2, false) => rows::<V, 2, false, 2>(plan, inputs, outputs),
            (2, true) => rows::<V, 2, true, 2>(plan, inputs, outputs),
            (3, false) => rows::<V, 3, false, 2>(plan, inputs, outputs),
            (3, true) => rows::<V, 3, true, 2>(plan, inputs, outputs),
            (4, false) => rows::<V, 4, false, 2>(plan, inputs, outputs),
            _ => unreachable!("a plan has 1 to 4 outputs"),
        }
    }
}

/// The rows from their start to their end, `VECTORS` vectors of every row at a time.
///
/// # Safety
/// The instructions of `V` exist on this machine.
#[inline(always)]
unsafe fn rows<V: Vector, const PRODUCTS: usize, const XOR: bool, const VECTORS: usize>(
    plan: &Plan,
    inputs: &[&[u8]],
    outputs: &mut [&mut [u8]],
) {
    // The bounds that make every access below good, once for the whole call.
    let len = outputs[0].len();
    assert!(len >= V::BYTES && inputs.len() <= DATA_MAX && outputs.len() == PRODUCTS + usize::from(XOR));
    assert!(inputs.iter().all(|row| row.len() == len) && outputs.iter().all(|row| row.len() == len));
    let xor = plan.xor.map_or(0, |xor| xor.inputs);
    let fold = plan.xor.is_some_and(|xor| xor.fold);
    assert!(xor <= inputs.len());

    let mut sources =
        [Source::<V, PRODUCTS> { row: std::ptr::null(), tables: MaybeUninit::uninit() }; DATA_MAX];
    for ((source, row), factors) in sources.iter_mut().zip(inputs).zip(&plan.factors) {
        source.row = row.as_ptr();
        // SAFETY: the caller vouches for the instructions.
        source.tables.write(std::array::from_fn(|product| unsafe { V::table(factors[product]) }));
    }
    let (with_xor, without_xor) = sources[..inputs.len()].split_at(xor);
    let mut targets = [std::ptr::null_mut(); PARITY_MAX];
    targets.iter_mut().zip(outputs).for_each(|(target, row)| *target = row.as_mut_ptr());

    let step = V::BYTES * VECTORS;
    let mut at = 0;
    // SAFETY: the caller vouches for the instructions; all rows have `len` bytes, `at` plus the bytes of
    // the call is at most `len` each time, and `sources` holds only rows and tables that were set.
    unsafe {
        while len - at >= step {
            columns::<V, PRODUCTS, XOR, VECTORS>(with_xor, without_xor, &targets, fold, at);
            at += step;
        }
        while len - at >= V::BYTES {
            columns::<V, PRODUCTS, XOR, 1>(with_xor, without_xor, &targets, fold, at);
            at += V::BYTES;
        }
        if at < len {
            columns::<V, PRODUCTS, XOR, 1>(with_xor, without_xor, &targets, fold, len - V::BYTES);
        }
    }
}

/// An input row and what its bytes are multiplied by for each product.
#[derive(Clone, Copy)]
struct Source<V: Vector, const PRODUCTS: usize> {
    row: *const u8,
    tables: MaybeUninit<[V::Table; PRODUCTS]>,
}

/// Bytes `at..at + VECTORS * V::BYTES` of all outputs.
///
/// # Safety
/// The instructions of `V` exist on this machine; rows of `with_xor`, `without_xor` and the first
/// `PRODUCTS + XOR` of `targets` are valid for that range, and the tables are initialized.
#[inline(always)]
unsafe fn columns<V: Vector, const PRODUCTS: usize, const XOR: bool, const VECTORS: usize>(
    with_xor: &[Source<V, PRODUCTS>],
    without_xor: &[Source<V, PRODUCTS>],
    targets: &[*mut u8; PARITY_MAX],
    fold: bool,
    at: usize,
) {
    // SAFETY: as the caller vouches for all of it.
    unsafe {
        let mut products = [[V::zero(); VECTORS]; PRODUCTS];
        let mut sum = [V::zero(); VECTORS];
        for source in with_xor {
            let bytes = load::<V, VECTORS>(source.row.add(at));
            if XOR {
                add(&mut sum, &bytes);
            }
            accumulate(&mut products, bytes, source.tables.assume_init_ref());
        }
        for source in without_xor {
            let bytes = load::<V, VECTORS>(source.row.add(at));
            accumulate(&mut products, bytes, source.tables.assume_init_ref());
        }
        if XOR {
            if fold {
                for product in &products {
                    add(&mut sum, product);
                }
            }
            store(&sum, targets[PRODUCTS].add(at));
        }
        for (product, target) in products.iter().zip(targets) {
            store(product, target.add(at));
        }
    }
}

/// # Safety
/// The instructions of `V` exist on this machine, and `VECTORS` vectors can be read at `from`.
#[inline(always)]
unsafe fn load<V: Vector, const VECTORS: usize>(from: *const u8) -> [V; VECTORS] {
    // SAFETY: as the caller vouches.
    std::array::from_fn(|v| unsafe { V::load(from.add(v * V::BYTES)) })
}

/// # Safety
/// The instructions of `V` exist on this machine, and `VECTORS` vectors can be written at `to`.
#[inline(always)]
unsafe fn store<V: Vector, const VECTORS: usize>(vectors: &[V; VECTORS], to: *mut u8) {
    for (v, vector) in vectors.iter().enumerate() {
        // SAFETY: as the caller vouches.
        unsafe { vector.store(to.add(v * V::BYTES)) }
    }
}

/// # Safety
/// The instructions of `V` exist on this machine.
#[inline(always)]
unsafe fn add<V: Vector, const VECTORS: usize>(sum: &mut [V; VECTORS], vectors: &[V; VECTORS]) {
    for (sum, vector) in sum.iter_mut().zip(vectors) {
        // SAFETY: as the caller vouches.
        *sum = unsafe { sum.xor(*vector) };
    }
}

/// Adds `bytes` times each table to the product of that table.
///
/// # Safety
/// The instructions of `V` exist on this machine.
#[inline(always)]
unsafe fn accumulate<V: Vector, const PRODUCTS: usize, const VECTORS: usize>(
    products: &mut [[V; VECTORS]; PRODUCTS],
    bytes: [V; VECTORS],
    tables: &[V::Table; PRODUCTS],
) {
    // SAFETY: as the caller vouches.
    unsafe {
        let mut splits = [bytes[0].split(); VECTORS];
        for v in 1..VECTORS {
            splits[v] = bytes[v].split();
        }
        for product in 0..PRODUCTS {
            for v in 0..VECTORS {
                products[product][v] = products[product][v].xor(V::mul(splits[v], tables[product]));
            }
        }
    }
}
