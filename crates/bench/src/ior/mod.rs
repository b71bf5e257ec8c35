//! IOR's workload: one shared file or a file per process, written and read in transfers of one size.
//!
//! Options, order of offsets, timing and tables are those of IOR (github.com/hpc/ior, 4.0): the time of an
//! access begins with the first open and ends with the last close; `open`, `wr/rd` and `close` are each from
//! the first process to begin to the last one to end; fsync counts as writing.

mod options;
mod report;
mod workload;

pub use options::IorOptions;
pub use report::{IorIteration, IorReport, IorSummary};
pub use workload::run;
