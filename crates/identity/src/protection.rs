//! What happens to bytes after the handshake.

/// What a connection is after the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Encrypted and authenticated.
    Encrypted,
    /// In clear: for networks whose every machine is trusted.
    Clear,
}

impl Protection {
    /// How the protocol is named in the handshake. Sides that mean different things do not come together.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Protection::Encrypted => b"isobar/1",
            Protection::Clear => b"isobar/1-clear",
        }
    }
}
