//! What is measured: a file system as calls, through the kernel or through the client library.
//!
//! `filesystem` says which calls there are, `posix` and `native` make them, `target` chooses. All calls
//! block. Errors carry the errno an application would see.

mod filesystem;
mod native;
mod posix;
mod target;

pub use filesystem::{Backend, OpenFile, OpenFlags, Space, Stat};
pub use target::Target;
