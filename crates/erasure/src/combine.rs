//! Output rows as linear combinations of input rows: from coefficients to a kernel call.

use crate::kernel::Kernel;
use crate::matrix::{DATA_MAX, PARITY_MAX};
use crate::plan::{Coefficients, Plan};

/// `outputs[o]` = sum over i of `rows[o][i] · inputs[i]`, by `kernel`.
///
/// At most 16 inputs and 4 outputs, one row of coefficients for each output, all slices equally long.
pub(crate) fn combine(kernel: Kernel, rows: &[Coefficients], inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
    assert_eq!(rows.len(), outputs.len());
    let plan = Plan::new(rows, inputs.len());

    // From a single input the outputs share nothing, and the factor 1 (mirrors) is a copy.
    if plan.inputs().len() == 1 && rows.len() > 1 {
        for (row, output) in rows.iter().zip(outputs) {
            combine(kernel, std::slice::from_ref(row), inputs, &mut [output]);
        }
        return;
    }
    if plan.inputs().is_empty() {
        outputs.iter_mut().for_each(|output| output.fill(0));
        return;
    }

    let mut ordered_inputs: [&[u8]; DATA_MAX] = [&[]; DATA_MAX];
    for (slot, &input) in ordered_inputs.iter_mut().zip(plan.inputs()) {
        *slot = inputs[usize::from(input)];
    }
    let mut ordered_outputs: [&mut [u8]; PARITY_MAX] = [&mut [], &mut [], &mut [], &mut []];
    for (slot, &output) in ordered_outputs.iter_mut().zip(plan.outputs()) {
        *slot = std::mem::take(&mut outputs[usize::from(output)]);
    }
    let (inputs_len, outputs_len) = (plan.inputs().len(), plan.outputs().len());
    kernel.run(&plan, &ordered_inputs[..inputs_len], &mut ordered_outputs[..outputs_len]);
}
