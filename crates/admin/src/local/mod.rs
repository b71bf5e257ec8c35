//! A whole cluster on this machine: its directory, its processes. Whoever makes, starts, stops and removes
//! one may be killed at any moment and do it again: every call finishes what was cut off, and what is done
//! already it does not do twice.
//!
//! ```text
//! DIR/cluster.toml *.pem NAME.toml  as for every cluster
//! DIR/cluster.toml.unfinished       it is being made or removed: what is missing is not coming by itself
//! DIR/NAME/                         a node's own files and its target
//! DIR/NAME.gone/                    the same, when they are being removed
//! DIR/log/NAME.log                  what a process says
//! DIR/run/NAME.pid NAME.lock        who it is; held while it is started
//! DIR/run/mount.point               where the mount is, or was
//! DIR/mnt                           the default mount point
//! ```
//! | file | what |
//! |---|---|
//! | `blank` | a node loses its disks |
//! | `create` | makes one, or finishes making it |
//! | `directory` | what is where; loading |
//! | `error` | why something is not done |
//! | `files` | its files, for whoever removes them |
//! | `mounts` | the kernel's table of mounts |
//! | `options` | what is asked for |
//! | `process` | which process is a node, by its file and its command line |
//! | `readiness` | whether it takes data on all nodes, and what it waits for |
//! | `remove` | removes one, or finishes removing it |
//! | `start` | starts processes, each once |
//! | `stop` | stops and kills them |
//!
//! All calls block, for as long as they say, but [`Local::ready`]: within a runtime they belong on a thread
//! that may wait. No daemon is known here: what is started is a program that the caller names, with the
//! arguments of the binary `isobar`.

mod blank;
mod create;
mod directory;
mod error;
mod files;
mod mounts;
mod options;
mod process;
mod readiness;
mod remove;
mod start;
mod stop;

pub use directory::{Local, MOUNT, Waits};
pub use error::LocalError;
pub use options::LocalOptions;
pub use readiness::{Readiness, WaitsFor};
pub use remove::Removed;
pub use start::Started;
