//! The arithmetic on bytes, by the best instructions the machine has.
//!
//! All kernels follow the same [`Plan`] and give the same bytes. The vector kernels share one loop
//! (`wide`) and differ in the width of the register and in how they multiply.

#[cfg(any(target_arch = "x86_64", test))]
mod affine;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod gfni256;
#[cfg(target_arch = "x86_64")]
mod gfni512;
mod scalar;
#[cfg(any(target_arch = "x86_64", test))]
mod wide;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use crate::plan::Plan;

/// A kernel that this machine can run; there is no other way to get one than detection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kernel(Instructions);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Gfni512,
    #[cfg(target_arch = "x86_64")]
    Gfni256,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Scalar,
}

impl Instructions {
    /// All kernels of this architecture, best first.
    const ALL: &[Instructions] = &[
        #[cfg(target_arch = "x86_64")]
        Instructions::Gfni512,
        #[cfg(target_arch = "x86_64")]
        Instructions::Gfni256,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2,
        Instructions::Scalar,
    ];

    fn detected(&self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Instructions::Gfni512 => {
                is_x86_feature_detected!("gfni")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Gfni256 => is_x86_feature_detected!("gfni") && is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => is_x86_feature_detected!("avx2"),
            Instructions::Scalar => true,
        }
    }
}

impl Kernel {
    /// The kernels this machine can run, best first.
    pub(crate) fn available() -> impl Iterator<Item = Kernel> {
        Instructions::ALL.iter().filter(|instructions| instructions.detected()).map(|&it| Kernel(it))
    }

    /// The best of them, looked for once.
    pub(crate) fn best() -> Kernel {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Kernel::available().next().unwrap_or(Kernel(Instructions::Scalar)))
    }

    /// What operators see.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Instructions::Gfni512 => "gfni-512",
            #[cfg(target_arch = "x86_64")]
            Instructions::Gfni256 => "gfni-256",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => "avx2",
            Instructions::Scalar => "scalar",
        }
    }

    /// Computes `outputs` from `inputs`, both in the order of `plan`. All slices are equally long.
    pub(crate) fn run(self, plan: &Plan, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
        assert_eq!((inputs.len(), outputs.len()), (plan.inputs().len(), plan.outputs().len()));
        let len = outputs[0].len();
        assert!(inputs.iter().all(|row| row.len() == len) && outputs.iter().all(|row| row.len() == len));
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernel` exists only for instructions that were detected.
            Instructions::Gfni512 => unsafe { gfni512::run(plan, inputs, outputs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernel` exists only for instructions that were detected.
            Instructions::Gfni256 => unsafe { gfni256::run(plan, inputs, outputs) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernel` exists only for instructions that were detected.
            Instructions::Avx2 => unsafe { avx2::run(plan, inputs, outputs) },
            Instructions::Scalar => scalar::run(plan, inputs, outputs),
        }
    }
}
