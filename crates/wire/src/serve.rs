//! The side that answers: accepts connections, checks the secret, hands requests to a [`Handler`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{AlignedBuf, BufPool, limits};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::frame::{FLAG_REFUSED, FLAG_REPLY};
use crate::secret::{HandshakeError, Secret};
use crate::transport::{Ends, Flow, Incoming, Listener, Message, Outgoing, Receive};
use crate::{Opcode, Refusal};

/// Payload bytes of one connection that may be in the handler's hands before reading pauses.
const PAYLOAD_BYTES_IN_FLIGHT_MAX: usize = 64 << 20;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests. Called on the connection's task: it must not block.
pub trait Handler: Send + Sync + 'static {
    /// Takes one request; the reply may come later, from any thread.
    fn handle(&self, request: Request, responder: Responder);
}

/// A request as it arrived.
#[derive(Debug)]
pub struct Request {
    /// What it asks for.
    pub opcode: Opcode,
    /// Its encoded body.
    pub body: Vec<u8>,
    /// Its payload.
    pub payload: AlignedBuf,
}

/// Sends the reply to one request. Dropping it refuses the request.
#[derive(Debug)]
pub struct Responder {
    queue: mpsc::UnboundedSender<Outgoing>,
    opcode: u16,
    request: u64,
    _room: Option<OwnedSemaphorePermit>,
    answered: bool,
}

impl Responder {
    /// Replies with an encodable body.
    pub fn reply<A: Serialize>(self, reply: &A) {
        self.reply_raw(&crate::encode(reply), Vec::new());
    }

    /// Replies with an encodable body and a payload.
    pub fn reply_with_payload<A: Serialize>(self, reply: &A, payload: Vec<Bytes>) {
        self.reply_raw(&crate::encode(reply), payload);
    }

    /// Replies with an encoded body.
    pub fn reply_raw(mut self, body: &[u8], payload: Vec<Bytes>) {
        self.send(FLAG_REPLY, body, payload);
    }

    /// Says that the request was not carried out, and why.
    pub fn refuse(mut self, refusal: Refusal) {
        self.send(FLAG_REPLY | FLAG_REFUSED, &crate::encode(&refusal), Vec::new());
    }

    fn send(&mut self, flags: u32, body: &[u8], payload: Vec<Bytes>) {
        self.answered = true;
        // The connection may be gone: then nobody waits for the reply.
        self.queue.send(Outgoing::new(self.opcode, flags, self.request, body, payload)).ok();
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            let body = crate::encode(&Refusal::Unavailable("the node dropped the request".to_owned()));
            self.send(FLAG_REPLY | FLAG_REFUSED, &body, Vec::new());
        }
    }
}

/// Accepts connections until the task is aborted.
pub async fn serve(
    mut listener: Box<dyn Listener>,
    secret: Secret,
    pool: BufPool,
    handler: Arc<dyn Handler>,
) {
    loop {
        match listener.accept().await {
            Ok(incoming) => {
                let (secret, pool, handler) = (secret.clone(), pool.clone(), handler.clone());
                tokio::spawn(async move { welcome(incoming, &secret, pool, handler).await });
            }
            Err(error) => {
                // Out of file descriptors, most likely: others may close theirs meanwhile.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Opens the connection, if the other side knows the secret and is quick about it.
async fn welcome(incoming: Box<dyn Incoming>, secret: &Secret, pool: BufPool, handler: Arc<dyn Handler>) {
    let from = incoming.from();
    let (queue, outgoing) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(limits::REQUESTS_IN_FLIGHT_MAX * PERMITS_PER_REQUEST));
    let receiver = Box::new(Requests { from: from.clone(), queue, room, handler });
    let ends = Ends { outgoing, receiver, pool };
    let welcomed = match tokio::time::timeout(HANDSHAKE_TIMEOUT, incoming.welcome(secret, ends)).await {
        Ok(result) => result,
        Err(_) => Err(HandshakeError::TimedOut),
    };
    match welcomed {
        Ok(()) => {}
        // A port probe or a peer that changed its mind, not somebody who tried.
        Err(HandshakeError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            tracing::debug!(%from, "connection closed before it proved the secret");
        }
        Err(error) if error.is_rejection() => tracing::warn!(%from, %error, "stranger refused"),
        Err(error) => tracing::warn!(%from, %error, "connection not opened"),
    }
}

/// The requests of one connection. Those still being carried out when it ends hold their own handle of the
/// queue.
struct Requests {
    from: String,
    queue: mpsc::UnboundedSender<Outgoing>,
    /// Room for requests in the handler's hands.
    room: Arc<Semaphore>,
    handler: Arc<dyn Handler>,
}

impl Receive for Requests {
    fn deliver(&mut self, message: Message) -> Flow {
        let permits = PERMITS_PER_REQUEST.max(message.payload.len() / BYTES_PER_PERMIT) as u32;
        if let Ok(room) = self.room.clone().try_acquire_many_owned(permits) {
            hand_over(&*self.handler, self.queue.clone(), Some(room), message);
            return Flow::Continue;
        }
        let (handler, queue, room) = (self.handler.clone(), self.queue.clone(), self.room.clone());
        Flow::Pause(Box::pin(async move {
            let room = room.acquire_many_owned(permits).await.ok();
            hand_over(&*handler, queue, room, message);
        }))
    }

    fn failed(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            tracing::warn!(from = %self.from, %error, "connection closed");
        }
    }
}

fn hand_over(
    handler: &dyn Handler,
    queue: mpsc::UnboundedSender<Outgoing>,
    room: Option<OwnedSemaphorePermit>,
    message: Message,
) {
    let Message { header, body, payload } = message;
    let (opcode, request) = (header.opcode.get(), header.request.get());
    let responder = Responder { queue, opcode, request, _room: room, answered: false };
    match Opcode::from_number(opcode) {
        Some(opcode) => handler.handle(Request { opcode, body, payload }, responder),
        None => responder.refuse(Refusal::Unknown),
    }
}

const PERMITS_PER_REQUEST: usize = 16;
const BYTES_PER_PERMIT: usize =
    PAYLOAD_BYTES_IN_FLIGHT_MAX / (limits::REQUESTS_IN_FLIGHT_MAX * PERMITS_PER_REQUEST);
