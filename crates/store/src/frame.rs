//! The frame around everything on the device that is not a payload.
//!
//! ```text
//! 0..8    magic, one per kind        16..24  nonce of the device
//! 8..12   CRC32C of 12..32+length    24..28  length of the body
//! 12..16  format version             28..32  zero
//! 32..    body, then zeros to a whole number of blocks        (integers little-endian)
//! ```
//! These 32 bytes keep their meaning in all later versions. The nonce is drawn when a device is
//! formatted, so that frames left over from an earlier life of the device mean nothing.

use isobar_base::{AlignedBuf, crc32c};
use serde::Serialize;

use crate::limits::{BLOCK_BYTES, FRAME_HEAD_BYTES as HEAD};

/// Version of the on-disk format this code writes, and the newest it reads.
pub(crate) const VERSION: u32 = 1;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Superblock,
    LogBatch,
    Page,
    Node,
    Fragment,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Kind::Superblock => b"ISOBARsb",
            Kind::LogBatch => b"ISOBARlg",
            Kind::Page => b"ISOBARpg",
            Kind::Node => b"ISOBARnd",
            Kind::Fragment => b"ISOBARfr",
        }
    }
}

/// Why bytes are not a frame of the kind expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FrameError {
    /// All bytes are zero.
    Blank,
    /// Another magic, or another device's nonce.
    Foreign,
    /// Written by a newer version of the format.
    Version(u32),
    /// The magic is right, the CRC or the length is not.
    Corrupt,
}

/// `value` in the encoding of all bodies.
pub(crate) fn encode_value<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_else(|e| panic!("plain data always encodes into memory: {e}"))
}

/// Blocks a frame with a body of `body_bytes` takes.
pub(crate) fn blocks(body_bytes: usize) -> u64 {
    ((HEAD + body_bytes) as u64).div_ceil(BLOCK_BYTES)
}

/// A frame of whole blocks around `body`.
pub(crate) fn encode(kind: Kind, nonce: u64, body: &[u8]) -> AlignedBuf {
    let mut frame = AlignedBuf::zeroed((blocks(body.len()) * BLOCK_BYTES) as usize);
    frame[..8].copy_from_slice(kind.magic());
    frame[12..16].copy_from_slice(&VERSION.to_le_bytes());
    frame[16..24].copy_from_slice(&nonce.to_le_bytes());
    frame[24..28].copy_from_slice(&(body.len() as u32).to_le_bytes());
    frame[HEAD..HEAD + body.len()].copy_from_slice(body);
    let crc = crc32c(&frame[12..HEAD + body.len()]);
    frame[8..12].copy_from_slice(&crc.to_le_bytes());
    frame
}

/// The CRC in the head of a frame, which tells it from every other.
pub(crate) fn crc(frame: &[u8]) -> u32 {
    u32_at(frame, 8)
}

/// Blocks of the frame that starts with `bytes`, if they look like the start of one.
pub(crate) fn claimed_blocks(kind: Kind, bytes: &[u8]) -> Option<u64> {
    (bytes.len() >= HEAD && bytes[..8] == *kind.magic()).then(|| blocks(u32_at(bytes, 24) as usize))
}

/// The nonce and the body of the frame at the start of `bytes`; with `nonce`, only if it has that one.
///
/// # Errors
/// [`FrameError`], which says what the bytes are instead.
pub(crate) fn decode(kind: Kind, nonce: Option<u64>, bytes: &[u8]) -> Result<(u64, &[u8]), FrameError> {
    if bytes.len() < HEAD || bytes[..8] != *kind.magic() {
        return Err(if bytes.iter().all(|&b| b == 0) { FrameError::Blank } else { FrameError::Foreign });
    }
    let covered = bytes.get(12..HEAD + u32_at(bytes, 24) as usize).ok_or(FrameError::Corrupt)?;
    if crc32c(covered) != u32_at(bytes, 8) {
        return Err(FrameError::Corrupt);
    }
    let version = u32_at(bytes, 12);
    if version == 0 || version > VERSION {
        return Err(FrameError::Version(version));
    }
    let found = u64::from(u32_at(bytes, 16)) | u64::from(u32_at(bytes, 20)) << 32;
    if nonce.is_some_and(|expected| expected != found) {
        return Err(FrameError::Foreign);
    }
    Ok((found, &covered[HEAD - 12..]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_and_any_changed_bit_is_noticed() {
        let frame = encode(Kind::Fragment, 7, b"hello");
        assert_eq!(decode(Kind::Fragment, Some(7), &frame), Ok((7, &b"hello"[..])));
        assert_eq!(decode(Kind::Fragment, Some(8), &frame), Err(FrameError::Foreign));
        assert_eq!(decode(Kind::LogBatch, None, &frame), Err(FrameError::Foreign));
        for bit in 0..37 * 8 {
            let mut bad = frame.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(Kind::Fragment, Some(7), &bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_format_of_version_1_is_frozen() {
        let frame = encode(Kind::Superblock, 0x0102_0304_0506_0708, b"x");
        let golden = b"ISOBARsb\xbe\x75\x92\xc8\x01\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01\x01\0\0\0\0\0\0\0x";
        assert_eq!(&frame[..33], golden);
    }
}
