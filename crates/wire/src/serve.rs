//! The side that answers: accepts connections, checks who it is, hands requests to a [`Handler`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{AlignedBuf, BufPool, limits};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::frame::{FLAG_REFUSED, FLAG_REPLY};
use crate::strangers::Strangers;
use crate::transport::{Charge, Ends, Flow, Incoming, Listener, Message, Outgoing, Receive, Room};
use crate::{Credential, HandshakeError, Opcode, Refusal, Role, permissions};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests. Called on the connection's task: it must not block.
pub trait Handler: Send + Sync + 'static {
    /// Takes one request; the reply may come later, from any thread.
    fn handle(&self, request: Request, responder: Responder);
}

/// A request as it arrived.
#[derive(Debug)]
pub struct Request {
    /// What the one who asks has proved to be. It may send this opcode.
    pub from: Role,
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
    /// `None` once it is answered.
    charge: Option<Charge>,
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
        let Some(mut charge) = self.charge.take() else { return };
        let too_long;
        let (flags, body, payload) = if body.len() > limits::MESSAGE_BODY_BYTES_MAX as usize {
            let refusal = Refusal::Unavailable("the reply is longer than a message may be".to_owned());
            too_long = crate::encode(&refusal);
            (FLAG_REPLY | FLAG_REFUSED, &too_long[..], Vec::new())
        } else {
            (flags, body, payload)
        };
        charge.add(body.len() + payload.iter().map(Bytes::len).sum::<usize>());
        let mut message = Outgoing::new(self.opcode, flags, self.request, body, payload);
        message.charge = Some(charge);
        // The connection may be gone: then nobody waits for the reply.
        self.queue.send(message).ok();
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.charge.is_some() {
            let body = crate::encode(&Refusal::Unavailable("the node dropped the request".to_owned()));
            self.send(FLAG_REPLY | FLAG_REFUSED, &body, Vec::new());
        }
    }
}

/// Accepts connections until the task is aborted.
pub async fn serve(
    mut listener: Box<dyn Listener>,
    credential: Credential,
    pool: BufPool,
    handler: Arc<dyn Handler>,
) {
    let strangers = Arc::new(Strangers::default());
    loop {
        match listener.accept().await {
            Ok(incoming) => {
                let (credential, pool, handler) = (credential.clone(), pool.clone(), handler.clone());
                let (from, known) = (incoming.from(), strangers.clone());
                strangers.prove(&from, async move {
                    welcome(incoming, &credential, pool, handler, &known).await;
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: others may close theirs meanwhile.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Opens the connection, if the other side belongs to the cluster and is quick about it.
async fn welcome(
    incoming: Box<dyn Incoming>,
    credential: &Credential,
    pool: BufPool,
    handler: Arc<dyn Handler>,
    strangers: &Strangers,
) {
    let from = incoming.from();
    let (queue, outgoing) = mpsc::unbounded_channel();
    let ends = {
        let from = from.clone();
        move |role| {
            let receiver = Box::new(Requests { from, role, queue, room: Arc::default(), handler });
            Ends { outgoing, receiver, pool }
        }
    };
    let welcoming = incoming.welcome(credential, Box::new(ends));
    let welcomed = match tokio::time::timeout(HANDSHAKE_TIMEOUT, welcoming).await {
        Ok(result) => result,
        Err(_) => Err(HandshakeError::TimedOut),
    };
    match welcomed {
        Ok(()) => {}
        // A port probe or a peer that changed its mind, not somebody who tried.
        Err(HandshakeError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            tracing::debug!(%from, "connection closed before the credentials were proven");
        }
        Err(error) => {
            let what = if error.is_rejection() { "stranger refused" } else { "connection not opened" };
            match strangers.worth_a_line() {
                Some(refused) => tracing::warn!(%from, %error, refused, "{what}"),
                None => tracing::debug!(%from, %error, "{what}"),
            }
        }
    }
}

/// The requests of one connection. Those still being carried out when it ends hold their own handle of the
/// queue.
struct Requests {
    from: String,
    role: Role,
    queue: mpsc::UnboundedSender<Outgoing>,
    /// Room for requests in the handler's hands and for unwritten replies.
    room: Arc<Room>,
    handler: Arc<dyn Handler>,
}

impl Receive for Requests {
    fn deliver(&mut self, message: Message) -> Flow {
        let charge = self.room.request(message.body.len() + message.payload.len());
        self.hand_over(charge, message);
        if self.room.is_free() {
            return Flow::Continue;
        }
        let room = self.room.clone();
        Flow::Pause(Box::pin(async move { room.free().await }))
    }

    fn failed(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData {
            tracing::warn!(from = %self.from, %error, "connection closed");
        }
    }
}

impl Requests {
    fn hand_over(&self, charge: Charge, message: Message) {
        let Message { header, body, payload } = message;
        let (opcode, request) = (header.opcode.get(), header.request.get());
        let responder = Responder { queue: self.queue.clone(), opcode, request, charge: Some(charge) };
        let Some(opcode) = Opcode::from_number(opcode) else { return responder.refuse(Refusal::Unknown) };
        match permissions::may_send(self.role, opcode) {
            Ok(()) => self.handler.handle(Request { from: self.role, opcode, body, payload }, responder),
            Err(refusal) => responder.refuse(refusal),
        }
    }
}
