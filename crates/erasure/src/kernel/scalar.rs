//! Portable kernel: one table lookup for each byte and product. Also computes what is too short for a vector.

use crate::gf::PRODUCTS;
use crate::plan::Plan;

/// The part of the rows worked on at a time, so that outputs stay in the first-level cache.
const BLOCK_BYTES: usize = 4096;

/// Computes `outputs` from `inputs` as `plan` says; all slices are equally long, as [`super::Kernel::run`]
/// checks.
pub(super) fn run(plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    let len = outputs[0].len();
    for start in (0..len).step_by(BLOCK_BYTES) {
        let range = start..len.min(start + BLOCK_BYTES);
        outputs.iter_mut().for_each(|output| output[range.clone()].fill(0));
        for (product, output) in outputs[..plan.products].iter_mut().enumerate() {
            for (input, factors) in inputs.iter().zip(&plan.factors) {
                let table = &PRODUCTS[usize::from(factors[product])];
                for (out, &byte) in output[range.clone()].iter_mut().zip(&input[range.clone()]) {
                    *out ^= table[usize::from(byte)];
                }
            }
        }
        if let Some(xor) = plan.xor
            && let Some((output, products)) = outputs.split_last_mut()
        {
            let output = &mut output[range.clone()];
            inputs[..xor.inputs].iter().for_each(|input| add(output, &input[range.clone()]));
            if xor.fold {
                products.iter().for_each(|product| add(output, &product[range.clone()]));
            }
        }
    }
}

fn add(sum: &mut [u8], bytes: &[u8]) {
    sum.iter_mut().zip(bytes).for_each(|(sum, byte)| *sum ^= byte);
}
