//! Bounds on what a server can make grow.

use std::time::Duration;

/// How long connecting and the TLS handshake may take.
pub const CONNECT_MAX: Duration = Duration::from_secs(15);
/// How long an answer may take; servers give up earlier.
pub const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Bytes of an answer.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes of the head of an answer.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// The longest that is waited between two tries or two looks, whatever the server says.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long is waited between two where the server does not say.
pub const PAUSE: Duration = Duration::from_secs(2);
