//! A message as a transport takes it and as it delivers it.

use bytes::Bytes;
use isobar_base::{AlignedBuf, BufPool};
use zerocopy::IntoBytes;

use super::room::Charge;
use crate::frame::{FrameError, HEADER_BYTES, Header};

/// A message as it arrived.
#[derive(Debug)]
pub struct Message {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Vec<u8>,
    /// Its payload, in a buffer of the receiving side's pool.
    pub payload: AlignedBuf,
}

/// A message on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// Header and body.
    pub head: Bytes,
    /// The payload's parts, in order.
    pub payload: Vec<Bytes>,
    /// What it takes of the room of its connection. Kept until the message is written.
    pub charge: Option<Charge>,
}

impl Outgoing {
    pub(crate) fn new(opcode: u16, flags: u32, request: u64, body: &[u8], payload: Vec<Bytes>) -> Outgoing {
        let payload_len: usize = payload.iter().map(Bytes::len).sum();
        let header = Header::new(opcode, flags, request, body, payload_len as u32);
        let mut head = Vec::with_capacity(HEADER_BYTES + body.len());
        head.extend_from_slice(header.as_bytes());
        head.extend_from_slice(body);
        Outgoing { head: head.into(), payload, charge: None }
    }

    /// The message as the other side gets it, for a transport within one process. The payload is copied.
    ///
    /// # Errors
    /// As for a message that came over a network.
    pub fn arrive(self, pool: &BufPool) -> Result<Message, FrameError> {
        let (head, body) = self.head.split_first_chunk::<HEADER_BYTES>().ok_or(FrameError::Magic)?;
        let header = Header::parse(head)?;
        header.check_body(body)?;
        let payload = match header.payload_len.get() as usize {
            0 => AlignedBuf::default(),
            len => {
                let mut payload = pool.get(len);
                let mut at = 0;
                for part in &self.payload {
                    payload[at..at + part.len()].copy_from_slice(part);
                    at += part.len();
                }
                payload
            }
        };
        Ok(Message { header, body: body.to_vec(), payload })
    }
}
