//! Bytes that were read, in as many pieces as they came in.

/// Bytes that were read; fewer than asked for only at the end of the file.
#[derive(Clone, Debug, Default)]
pub struct ReadBytes {
    pub(super) parts: Vec<bytes::Bytes>,
}

impl ReadBytes {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.parts.iter().map(bytes::Bytes::len).sum()
    }

    /// No bytes: the end of the file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces, in order.
    pub fn parts(&self) -> &[bytes::Bytes] {
        &self.parts
    }

    /// The bytes in one piece; copies only when they are in several.
    pub fn contiguous(self) -> bytes::Bytes {
        match self.parts.len() {
            0 => bytes::Bytes::new(),
            1 => self.parts.into_iter().next().unwrap_or_default(),
            _ => self.parts.concat().into(),
        }
    }
}
