//! The machine that validates: its name for the report, and how busy it is.

use serde::Serialize;

/// The machine that the clients ran on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClientMachine {
    /// Its name.
    pub host: String,
    /// Its kernel.
    pub kernel: String,
    /// Its processors.
    pub processors: u32,
}

impl ClientMachine {
    /// This one.
    pub(crate) fn this() -> ClientMachine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        ClientMachine {
            host: read("/proc/sys/kernel/hostname"),
            kernel: read("/proc/sys/kernel/osrelease"),
            processors: std::thread::available_parallelism().map_or(0, |n| n.get() as u32),
        }
    }
}

/// Processes that wanted to run on this machine, on average over the last minute.
pub(crate) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}
