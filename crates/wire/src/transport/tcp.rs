//! Messages over TCP: a stream starts with the handshake, then one message follows another, encrypted or not.
//!
//! Each side has a task that reads messages one by one, and one that writes whatever is queued in as few
//! system calls as possible.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use isobar_base::{AlignedBuf, BufPool};
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{BoxFuture, Ends, EndsFor, Flow, Incoming, Listener, Message, Outgoing, Receive, Transport};
use crate::frame::{HEADER_BYTES, Header};
use crate::{Address, Credential, HandshakeError, Secured};

/// Headers and bodies are read through a buffer of so many bytes; payloads go past it.
const READ_BUFFER_BYTES: usize = 16 << 10;
/// Most parts of one vectored write.
const PARTS_MAX: usize = 64;

/// The transport that everybody uses.
#[derive(Clone, Copy, Debug)]
pub struct Tcp;

impl Transport for Tcp {
    fn connect<'a>(
        &'a self,
        addr: &'a Address,
        credential: &'a Credential,
        ends: Ends,
    ) -> BoxFuture<'a, Result<(), HandshakeError>> {
        Box::pin(async move {
            let stream = TcpStream::connect(addr.to_string()).await?;
            tune(&stream)?;
            spawn(credential.greet(stream).await?, ends);
            Ok(())
        })
    }

    fn listen<'a>(&'a self, addr: &'a Address) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let listener = TcpListener::bind(addr.to_string()).await?;
            let addr = listener.local_addr()?;
            Ok(Box::new(Bound { listener, addr }) as Box<dyn Listener>)
        })
    }
}

struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Listener for Bound {
    fn addr(&self) -> Address {
        self.addr.into()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Incoming>>> {
        Box::pin(async {
            let (stream, from) = self.listener.accept().await?;
            Ok(Box::new(Accepted { stream, from }) as Box<dyn Incoming>)
        })
    }
}

struct Accepted {
    stream: TcpStream,
    from: SocketAddr,
}

impl Incoming for Accepted {
    fn from(&self) -> String {
        self.from.to_string()
    }

    fn welcome<'a>(
        self: Box<Self>,
        credential: &'a Credential,
        ends: EndsFor,
    ) -> BoxFuture<'a, Result<(), HandshakeError>> {
        Box::pin(async move {
            tune(&self.stream)?;
            let (role, stream) = credential.welcome(self.stream).await?;
            spawn(stream, ends(role));
            Ok(())
        })
    }
}

/// Carries messages both ways, as a task of its own, until the connection ends.
fn spawn(stream: Secured<TcpStream>, ends: Ends) {
    match stream {
        Secured::Clear(stream) => {
            let (reader, writer) = stream.into_split();
            tokio::spawn(carry(reader, writer, ends));
        }
        Secured::Encrypted(stream) => {
            let (reader, writer) = tokio::io::split(stream);
            tokio::spawn(carry(reader, writer, ends));
        }
    }
}

async fn carry(reader: impl AsyncRead + Unpin, writer: impl AsyncWrite + Unpin + Send + 'static, ends: Ends) {
    let Ends { outgoing, mut receiver, pool } = ends;
    let mut writing = tokio::spawn(write_messages(writer, outgoing));
    tokio::select! {
        biased;
        error = read_messages(reader, &pool, &mut *receiver) => receiver.failed(&error),
        // A connection that cannot be written to is of no use for reading either.
        Ok(Err(error)) = &mut writing => receiver.failed(&error),
    }
    // Replies to what was read are still sent: the writer ends with the last sender of its queue.
}

/// A peer that acknowledges nothing for so long is gone, whether it said so or not.
const PEER_TIMEOUT_MS: u32 = 5_000;
/// An idle connection asks whether its peer is still there this often.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);

/// Settings every connection has. One whose peer lost power or its link ends on both sides within seconds:
/// without that the kernel repeats what was sent at intervals of up to two minutes, and an idle side never
/// learns. Nothing waits for more to send, and nothing is paced. A host whose
/// default paces its packets (BBR does) would add a timer to every message within a rack.
fn tune(stream: &TcpStream) -> io::Result<()> {
    // Where the kernel does not have it, its default serves.
    sockopt::set_tcp_congestion(stream, "cubic").ok();
    sockopt::set_tcp_user_timeout(stream, PEER_TIMEOUT_MS)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_EVERY)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_EVERY)?;
    sockopt::set_socket_keepalive(stream, true)?;
    stream.set_nodelay(true)
}

/// Delivers messages until none can be read any more, and says why.
async fn read_messages(
    reader: impl AsyncRead + Unpin,
    pool: &BufPool,
    receiver: &mut dyn Receive,
) -> io::Error {
    let mut stream = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
    loop {
        match read_message(&mut stream, pool).await {
            Ok(message) => {
                if let Flow::Pause(done) = receiver.deliver(message) {
                    done.await;
                }
            }
            Err(error) => return error,
        }
    }
}

/// Reads the next message.
async fn read_message(stream: &mut (impl AsyncRead + Unpin), pool: &BufPool) -> io::Result<Message> {
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
async fn write_messages(
    mut stream: impl AsyncWrite + Unpin,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) -> io::Result<()> {
    let mut parts: Vec<Bytes> = Vec::with_capacity(PARTS_MAX);
    let mut charges = Vec::new();
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        while let Some(message) = next {
            parts.push(message.head);
            charges.extend(message.charge);
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
        stream.flush().await?;
        parts.clear();
        charges.clear();
    }
    stream.shutdown().await
}
