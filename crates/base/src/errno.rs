//! Errors as applications see them.

use serde::{Deserialize, Serialize};

/// A POSIX error number: what a file-system call returns to its caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.text())]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident $text:literal),* $(,)?) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno(libc::$name);)*

            /// What the number means, in words.
            pub fn text(self) -> &'static str {
                match self.0 { $(libc::$name => $text,)* _ => "unknown error" }
            }

            /// The symbol, as in `errno.h`.
            pub fn name(self) -> &'static str {
                match self.0 { $(libc::$name => stringify!($name),)* _ => "E?" }
            }
        }
    };
}

errnos! {
    EPERM "operation not permitted",
    ENOENT "no such file or directory",
    EINTR "interrupted call",
    EIO "input/output error",
    ENXIO "no such address",
    E2BIG "too long",
    EBADF "bad file handle",
    EAGAIN "try again",
    ENOMEM "not enough memory",
    EACCES "permission denied",
    EBUSY "busy",
    EEXIST "file exists",
    EXDEV "link across file systems",
    ENODEV "no such device",
    ENOTDIR "not a directory",
    EISDIR "is a directory",
    EINVAL "invalid argument",
    ENOTTY "inappropriate operation",
    EFBIG "file too large",
    ENOSPC "no space left",
    EROFS "read-only file system",
    EMLINK "too many links",
    ERANGE "buffer too small",
    EDEADLK "deadlock",
    ENAMETOOLONG "name too long",
    ELOOP "too many symbolic links",
    ENOLCK "no locks available",
    ENOSYS "not implemented",
    ENOTEMPTY "directory not empty",
    ENODATA "no such attribute",
    EPROTO "protocol error",
    EOVERFLOW "value too large",
    EOPNOTSUPP "not supported",
    ETIMEDOUT "timed out",
    ECONNREFUSED "connection refused",
    ESTALE "stale handle",
    EDQUOT "quota exceeded",
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}
