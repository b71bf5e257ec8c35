//! One message on the wire: a 64-byte header, a postcard body, a raw payload.
//!
//! ```text
//!  0 magic "ISOB"   4 version u16   6 opcode u16   8 flags u32   12 body length u32
//! 16 request id u64                24 payload length u32         28 body CRC32C u32
//! 32 reserved, zero                                              60 CRC32C of bytes 0..60
//! ```
//! All numbers little-endian. The payload carries no CRC here: rows have one per 4 KiB unit, made
//! before encoding, and these are checked end to end (I9).

use isobar_base::{crc32c, limits};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Length of the header in bytes.
pub const HEADER_BYTES: usize = 64;
/// First bytes of every message.
pub const MAGIC: [u8; 4] = *b"ISOB";
/// Version of the framing and of all bodies.
pub const VERSION: u16 = 1;

/// The message answers a request.
pub const FLAG_REPLY: u32 = 1;
/// The body is a [`crate::Refusal`], not the reply of the opcode.
pub const FLAG_REFUSED: u32 = 2;

/// The header of a message.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 4],
    /// [`VERSION`].
    pub version: U16,
    /// What it asks for: an [`crate::Opcode`].
    pub opcode: U16,
    /// [`FLAG_REPLY`] and others.
    pub flags: U32,
    /// Bytes of the body.
    pub body_len: U32,
    /// Chosen by the one who asks; the reply repeats it.
    pub request: U64,
    /// Bytes of the payload.
    pub payload_len: U32,
    /// CRC32C of the body.
    pub body_crc: U32,
    /// Zero.
    pub reserved: [u8; 28],
    /// CRC32C of everything before.
    pub header_crc: U32,
}

/// Why bytes are not a message. The connection is of no use after any of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Not this protocol.
    #[error("not an Isobar message")]
    Magic,
    /// Another version of it.
    #[error("protocol version {0}, this side speaks {VERSION}: use the same release on both")]
    Version(u16),
    /// Damaged on the way.
    #[error("message damaged on the way")]
    Checksum,
    /// Longer than the limits allow.
    #[error("message too long")]
    TooLong,
}

impl Header {
    /// The header of a message with this body and a payload of `payload_len` bytes.
    pub fn new(opcode: u16, flags: u32, request: u64, body: &[u8], payload_len: u32) -> Header {
        let mut header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            opcode: opcode.into(),
            flags: flags.into(),
            body_len: (body.len() as u32).into(),
            request: request.into(),
            payload_len: payload_len.into(),
            body_crc: crc32c(body).into(),
            reserved: [0; 28],
            header_crc: 0.into(),
        };
        header.header_crc = crc32c(&header.as_bytes()[..60]).into();
        header
    }

    /// Reads and checks a header.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Header, FrameError> {
        let header = Header::read_from_bytes(bytes).map_err(|_| FrameError::Magic)?;
        if header.magic != MAGIC {
            return Err(FrameError::Magic);
        }
        if crc32c(&bytes[..60]) != header.header_crc.get() {
            return Err(FrameError::Checksum);
        }
        if header.version.get() != VERSION {
            return Err(FrameError::Version(header.version.get()));
        }
        if header.body_len.get() > limits::MESSAGE_BODY_BYTES_MAX
            || header.payload_len.get() > limits::MESSAGE_PAYLOAD_BYTES_MAX
        {
            return Err(FrameError::TooLong);
        }
        Ok(header)
    }

    /// Checks the body that came with the header.
    ///
    /// # Errors
    /// [`FrameError::Checksum`].
    pub fn check_body(&self, body: &[u8]) -> Result<(), FrameError> {
        if crc32c(body) == self.body_crc.get() { Ok(()) } else { Err(FrameError::Checksum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_layout_is_frozen() {
        let header = Header::new(32, FLAG_REPLY, 0x0102_0304_0506_0708, b"body", 4096);
        let bytes = header.as_bytes();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(&bytes[..32], b"ISOB\x01\x00\x20\x00\x01\x00\x00\x00\x04\x00\x00\x00\x08\x07\x06\x05\x04\x03\x02\x01\x00\x10\x00\x00\x50\xc9\x3f\x26".as_slice());
    }

    #[test]
    fn damage_and_other_versions_are_refused() {
        let header = Header::new(1, 0, 7, b"", 0);
        let mut bytes: [u8; HEADER_BYTES] = header.as_bytes().try_into().unwrap();
        assert!(Header::parse(&bytes).is_ok());
        bytes[16] ^= 1;
        assert_eq!(Header::parse(&bytes).unwrap_err(), FrameError::Checksum);
        bytes[0] = b'G';
        assert_eq!(Header::parse(&bytes).unwrap_err(), FrameError::Magic);
        assert_eq!(header.check_body(b"x").unwrap_err(), FrameError::Checksum);
    }
}
