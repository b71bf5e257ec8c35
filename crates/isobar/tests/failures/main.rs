//! What fails, and what must hold then: real processes, real mounts, real signals.
//!
//! | file | what fails |
//! |---|---|
//! | `missing_nodes` | nodes die and stay away: width shrinks, what is lost is known exactly |
//! | `quorum` | voters die; a voter returns with a blank disk |
//! | `power_cuts` | everything dies at once; servers restart under a mount |
//! | `replacement` | disks are gone for good |
//! | `room` | devices run full; what was removed must free its space |
//! | `frozen` | processes stop without dying |
//! | `bit_rot` | bytes on a device change |
//! | `strangers` | secrets and configurations that do not belong |

#[path = "../common/mod.rs"]
mod common;

mod bit_rot;
mod frozen;
mod missing_nodes;
mod power_cuts;
mod quorum;
mod replacement;
mod room;
mod strangers;
mod support;
