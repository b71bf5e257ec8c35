//! mdtest's workload: many files and directories are made, looked at, read and removed.
//!
//! Options, names, phases and tables are those of mdtest (github.com/hpc/ior, 4.0). A rate is all items of
//! all processes over the time from the first process to begin to the last one to end.

mod options;
mod report;
mod step;
mod tree;
mod workload;

pub use options::MdtestOptions;
pub use report::MdtestReport;
pub use step::MdtestStep;
pub use tree::Tree;
pub use workload::run;
