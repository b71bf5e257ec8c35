//! How a set of output rows is computed from a set of input rows.
//!
//! A multiplication costs a kernel several times an XOR, so a plan looks for one output that needs none:
//! - its coefficients are all 0 or 1 (parity row 0; one lost data row when parity row 0 is at hand), or
//! - the sum of *all* outputs has such coefficients: then the output is that XOR of inputs, plus the
//!   other outputs. Lost data rows are of this kind, since with parity row 0 their sum is known by XOR.

use crate::matrix::{DATA_MAX, PARITY_MAX};

/// Coefficients of one output row, by input.
pub(crate) type Coefficients = [u8; DATA_MAX];

/// A computation for the kernels: `products` outputs by multiplication, then perhaps one by XOR.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// For each input of the kernel its index among the caller's inputs. Inputs that no output needs are left
    /// out.
    inputs: [u8; DATA_MAX],
    inputs_len: usize,
    /// For each output of the kernel its index among the caller's outputs.
    outputs: [u8; PARITY_MAX],
    outputs_len: usize,
    /// `factors[i][o]`: what input i of the kernel is multiplied by in output o < products.
    pub(crate) factors: [[u8; PARITY_MAX]; DATA_MAX],
    /// How many outputs are sums of products; they come first.
    pub(crate) products: usize,
    /// How the output after those is computed, if there is one.
    pub(crate) xor: Option<Xor>,
}

/// The output that needs no multiplication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Xor {
    /// It is the XOR of this many of the first inputs of the kernel ...
    pub(crate) inputs: usize,
    /// ... and, if set, of all the other outputs.
    pub(crate) fold: bool,
}

impl Plan {
    /// A plan for 1..=4 outputs with the coefficients `rows` over 0..=16 `inputs`.
    pub(crate) fn new(rows: &[Coefficients], inputs: usize) -> Plan {
        assert!((1..=PARITY_MAX).contains(&rows.len()) && inputs <= DATA_MAX);
        let is_xor = |row: &Coefficients| row[..inputs].iter().all(|&factor| factor <= 1);
        let sum = rows.iter().fold([0; DATA_MAX], |sum, row| std::array::from_fn(|i| sum[i] ^ row[i]));
        let (xor_output, xor_row, fold) = match rows.iter().position(is_xor) {
            Some(output) => (Some(output), rows[output], false),
            None if is_xor(&sum) => (Some(rows.len() - 1), sum, true),
            None => (None, [0; DATA_MAX], false),
        };

        let mut plan = Plan {
            inputs: [0; DATA_MAX],
            inputs_len: 0,
            outputs: [0; PARITY_MAX],
            outputs_len: 0,
            factors: [[0; PARITY_MAX]; DATA_MAX],
            products: rows.len() - usize::from(xor_output.is_some()),
            xor: None,
        };
        for output in (0..rows.len()).filter(|&o| Some(o) != xor_output).chain(xor_output) {
            plan.outputs[plan.outputs_len] = output as u8;
            plan.outputs_len += 1;
        }
        let used = |&i: &usize| rows.iter().any(|row| row[i] != 0);
        let (first, second) = (|i: &usize| xor_row[*i] == 1, |i: &usize| xor_row[*i] == 0);
        for input in (0..inputs).filter(first).chain((0..inputs).filter(second)).filter(used) {
            for product in 0..plan.products {
                plan.factors[plan.inputs_len][product] = rows[usize::from(plan.outputs[product])][input];
            }
            plan.inputs[plan.inputs_len] = input as u8;
            plan.inputs_len += 1;
        }
        plan.xor = xor_output.map(|_| Xor { inputs: (0..inputs).filter(first).count(), fold });
        plan
    }

    /// The caller's inputs in the order of the kernel.
    pub(crate) fn inputs(&self) -> &[u8] {
        &self.inputs[..self.inputs_len]
    }

    /// The caller's outputs in the order of the kernel.
    pub(crate) fn outputs(&self) -> &[u8] {
        &self.outputs[..self.outputs_len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::PARITY_MATRIX;

    #[test]
    fn parity_row_0_is_computed_without_multiplying() {
        let plan = Plan::new(&PARITY_MATRIX[..2], 6);
        assert_eq!(plan.inputs(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(plan.outputs(), [1, 0]);
        assert_eq!((plan.products, plan.xor), (1, Some(Xor { inputs: 6, fold: false })));
    }

    #[test]
    fn inputs_that_no_output_needs_are_left_out() {
        let mut row = [0; DATA_MAX];
        row[3] = 1;
        let plan = Plan::new(&[row], 6);
        assert_eq!(plan.inputs(), [3]);
        assert_eq!((plan.products, plan.xor), (0, Some(Xor { inputs: 1, fold: false })));
    }

    #[test]
    fn outputs_whose_sum_is_an_xor_save_one_multiplication() {
        let mut rows = [[0; DATA_MAX]; 2];
        rows[0][..3].copy_from_slice(&[7, 9, 5]);
        rows[1][..3].copy_from_slice(&[6, 9, 4]);
        let plan = Plan::new(&rows, 3);
        assert_eq!(plan.inputs(), [0, 2, 1]);
        assert_eq!(plan.outputs(), [0, 1]);
        assert_eq!(plan.factors[..3], [[7, 0, 0, 0], [5, 0, 0, 0], [9, 0, 0, 0]]);
        assert_eq!((plan.products, plan.xor), (1, Some(Xor { inputs: 2, fold: true })));
    }

    #[test]
    fn other_outputs_are_all_products() {
        let plan = Plan::new(&PARITY_MATRIX[1..3], 4);
        assert_eq!((plan.products, plan.xor), (2, None));
    }
}
