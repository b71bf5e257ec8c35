//! Operations that change the store.

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey, crc32c, verify_units};

use crate::StoreError;
use crate::frame::encode_value;
use crate::limits::DELETE_KEYS_MAX;

/// One change, checked and ready to be committed.
#[derive(Debug)]
pub struct Op(pub(crate) Change);

#[derive(Debug)]
pub(crate) enum Change {
    Put(Put),
    /// A PUT that takes the place of a damaged fragment.
    Rewrite(Put),
    Delete(Vec<FragmentKey>),
}

#[derive(Debug)]
pub(crate) struct Put {
    pub header: FragmentHeader,
    pub payload: AlignedBuf,
    /// The encoded header, and its CRC.
    pub encoded: Vec<u8>,
    pub header_crc: u32,
}

impl Op {
    /// Stores a fragment.
    ///
    /// # Errors
    /// `InvalidFragment` if its shape is impossible or the payload has another length;
    /// `ChecksumMismatch` if the payload does not match the CRCs of the header (I9).
    pub fn put(header: FragmentHeader, payload: AlignedBuf) -> Result<Op, StoreError> {
        Ok(Op(Change::Put(checked(header, payload)?)))
    }

    /// Stores a fragment again that is missing or damaged; one whose bytes are right stays as it is. It has
    /// to have the header that the damaged one was stored with (I1). The damaged one is given up only when
    /// the new one is durable.
    ///
    /// # Errors
    /// `InvalidFragment` if its shape is impossible or the payload has another length;
    /// `ChecksumMismatch` if the payload does not match the CRCs of the header (I9).
    pub fn rewrite(header: FragmentHeader, payload: AlignedBuf) -> Result<Op, StoreError> {
        Ok(Op(Change::Rewrite(checked(header, payload)?)))
    }

    /// Removes up to 1024 fragments; the ones that do not exist are no error (I12).
    ///
    /// # Panics
    /// With more keys.
    pub fn delete(keys: Vec<FragmentKey>) -> Op {
        assert!(keys.len() <= DELETE_KEYS_MAX, "a delete of {} keys is to be split", keys.len());
        Op(Change::Delete(keys))
    }

    /// Bytes of payload.
    pub(crate) fn payload_bytes(&self) -> u64 {
        match &self.0 {
            Change::Put(put) | Change::Rewrite(put) => put.payload.len() as u64,
            Change::Delete(_) => 0,
        }
    }
}

/// The parts of a PUT.
///
/// # Errors
/// `InvalidFragment` if its shape is impossible or the payload has another length;
/// `ChecksumMismatch` if the payload does not match the CRCs of the header (I9).
fn checked(header: FragmentHeader, payload: AlignedBuf) -> Result<Put, StoreError> {
    let invalid = |what| Err(StoreError::InvalidFragment { key: header.key, what });
    if !header.geometry.is_valid() {
        return invalid("its geometry is out of bounds");
    }
    if header.key.row >= header.geometry.rows() {
        return invalid("its segment has fewer rows");
    }
    if header.payload_bytes() != header.geometry.row_bytes() {
        return invalid("it does not have a checksum for each unit of its row");
    }
    let in_parity = usize::from(header.geometry.data) * header.unit_crcs.len();
    let parity = header.key.row >= header.geometry.data;
    if !(header.data_crcs.is_empty() || parity && header.data_crcs.len() == in_parity) {
        return invalid("it has checksums of other data rows than its segment");
    }
    if payload.len() as u64 != header.payload_bytes() {
        return invalid("its payload is not as long as its row");
    }
    if !verify_units(&payload, &header.unit_crcs) {
        return Err(StoreError::ChecksumMismatch(header.key));
    }
    let encoded = encode_value(&header);
    let header_crc = crc32c(&encoded);
    Ok(Put { header, payload, encoded, header_crc })
}
