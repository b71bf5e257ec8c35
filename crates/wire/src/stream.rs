//! Messages over one TCP connection, shared by both sides: reading them one by one, and a writer task
//! that sends whatever is queued in as few system calls as possible.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use isobar_base::{AlignedBuf, BufPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use zerocopy::IntoBytes;

use crate::frame::{HEADER_BYTES, Header};

/// A message as it arrived.
#[derive(Debug)]
pub struct Message {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Vec<u8>,
    /// Its payload.
    pub payload: AlignedBuf,
}

/// A message on its way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    head: Bytes,
    payload: Vec<Bytes>,
}

impl Outgoing {
    pub(crate) fn new(opcode: u16, flags: u32, request: u64, body: &[u8], payload: Vec<Bytes>) -> Outgoing {
        let payload_len: usize = payload.iter().map(Bytes::len).sum();
        let header = Header::new(opcode, flags, request, body, payload_len as u32);
        let mut head = Vec::with_capacity(HEADER_BYTES + body.len());
        head.extend_from_slice(header.as_bytes());
        head.extend_from_slice(body);
        Outgoing { head: head.into(), payload }
    }
}

/// Settings every connection has: nothing waits for more to send, and nothing is paced. A host whose
/// default paces its packets (BBR does) would add a timer to every message within a rack.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    // Where the kernel does not have it, its default serves.
    rustix::net::sockopt::set_tcp_congestion(stream, "cubic").ok();
    stream.set_nodelay(true)
}

/// Reads the next message.
pub(crate) async fn read_message(
    stream: &mut tokio::io::BufReader<OwnedReadHalf>,
    pool: &BufPool,
) -> io::Result<Message> {
    let mut bytes = [0; HEADER_BYTES];
    stream.read_exact(&mut bytes).await?;
    let invalid = |e| io::Error::new(io::ErrorKind::InvalidData, e);
    let header = Header::parse(&bytes).map_err(invalid)?;
    let mut body = vec![0; header.body_len.get() as usize];
    stream.read_exact(&mut body).await?;
    header.check_body(&body).map_err(invalid)?;
    let payload = match header.payload_len.get() as usize {
        0 => AlignedBuf::default(),
        len => {
            let mut payload = pool.get(len);
            stream.read_exact(&mut payload).await?;
            payload
        }
    };
    Ok(Message { header, body, payload })
}

/// Sends queued messages until the queue closes or the connection fails.
pub(crate) async fn write_messages(
    mut stream: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) -> io::Result<()> {
    const PARTS_MAX: usize = 64;
    let mut parts: Vec<Bytes> = Vec::with_capacity(PARTS_MAX);
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        while let Some(message) = next {
            parts.push(message.head);
            parts.extend(message.payload.into_iter().filter(|p| !p.is_empty()));
            next = if parts.len() < PARTS_MAX { queue.try_recv().ok() } else { None };
        }
        let mut from = 0;
        while from < parts.len() {
            let slices: Vec<IoSlice<'_>> = parts[from..].iter().map(|p| IoSlice::new(p)).collect();
            let mut written = stream.write_vectored(&slices).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            while written > 0 {
                let step = written.min(parts[from].len());
                parts[from].advance(step);
                written -= step;
                if parts[from].is_empty() {
                    from += 1;
                }
            }
        }
        parts.clear();
    }
    stream.shutdown().await
}
