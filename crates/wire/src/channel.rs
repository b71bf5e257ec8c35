//! The side that asks: one connection per address, opened when first needed, many requests in flight.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_base::{AlignedBuf, BufPool};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use crate::frame::{FLAG_REFUSED, FLAG_REPLY};
use crate::transport::{Ends, Flow, Message, Outgoing, Receive, Tcp, Transport};
use crate::{Address, Opcode, Refusal};
use crate::{Credential, HandshakeError};

/// Why there is no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No connection could be opened: the request was not sent.
    #[error("{addr} cannot be reached: {why}")]
    Unreachable {
        /// Where.
        addr: Address,
        /// Why.
        why: String,
        /// The two do not belong together (credential, cluster, protocol): trying again does not help.
        rejected: bool,
    },
    /// The connection broke: the request may or may not have been carried out.
    #[error("the connection to {0} broke")]
    Broken(Address),
    /// No reply in time: the request may or may not have been carried out.
    #[error("{0} did not answer in time")]
    TimedOut(Address),
    /// The other side did not execute the request, and said why.
    #[error("{0}")]
    Refused(Refusal),
    /// The reply makes no sense.
    #[error("{0} sent a reply that cannot be read")]
    Unreadable(Address),
}

/// A connection to one node, re-opened when it breaks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Channel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addr: Address,
    transport: Arc<dyn Transport>,
    credential: Credential,
    pool: BufPool,
    next_request: AtomicU64,
    /// Held by the one who connects: when and why it failed last, and whether the other side refused.
    connecting: tokio::sync::Mutex<Option<(Instant, String, bool)>>,
    /// The open connection, taken without waiting.
    open: Mutex<Option<Connection>>,
}

/// A connection and who waits for replies on it. Ends when the last clone is dropped.
#[derive(Clone, Debug)]
struct Connection {
    queue: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// `None` once the connection has ended.
    replies: Mutex<Option<HashMap<u64, oneshot::Sender<Message>>>>,
    /// When the first request was sent since anything has arrived.
    unanswered_since: Mutex<Option<Instant>>,
}

/// Hands replies to those who wait. Holds no sender of the queue: a connection that nobody uses ends.
struct Replies(Arc<Waiting>);

/// After a failed attempt to connect, further ones fail at once for this long.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// A connection on which a call times out, and nothing has arrived for so long although something was asked,
/// is of no use any more.
const SILENCE_MAX: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);

impl Channel {
    /// A channel to `addr`. Nothing is sent before the first call.
    pub fn new(
        addr: &Address,
        transport: Arc<dyn Transport>,
        credential: Credential,
        pool: BufPool,
    ) -> Channel {
        Channel(Arc::new(Inner {
            addr: addr.clone(),
            transport,
            credential,
            pool,
            next_request: AtomicU64::new(1),
            connecting: tokio::sync::Mutex::default(),
            open: Mutex::new(None),
        }))
    }

    /// Where the channel leads.
    pub fn addr(&self) -> &Address {
        &self.0.addr
    }

    /// Asks and waits for the reply: its body, decoded.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        opcode: Opcode,
        request: &Q,
        timeout: Duration,
    ) -> Result<A, CallError> {
        let (reply, _) = self.call_with_payload(opcode, request, Vec::new(), timeout).await?;
        Ok(reply)
    }

    /// Like [`Channel::call`], with raw payloads both ways.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_with_payload<Q: Serialize, A: DeserializeOwned>(
        &self,
        opcode: Opcode,
        request: &Q,
        payload: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<(A, AlignedBuf), CallError> {
        let body = crate::encode(request);
        let (body, payload) = self.call_raw(opcode, &body, payload, timeout).await?;
        let reply = crate::decode(&body).map_err(|_| CallError::Unreadable(self.0.addr.clone()))?;
        Ok((reply, payload))
    }

    /// Asks with an encoded body and waits for the encoded reply.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_raw(
        &self,
        opcode: Opcode,
        body: &[u8],
        payload: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<(Vec<u8>, AlignedBuf), CallError> {
        let asking = async {
            let connection = self.connection().await?;
            let request = self.0.next_request.fetch_add(1, Ordering::Relaxed);
            let reply = connection.waiting.expect(request).ok_or_else(|| self.broken())?;
            let message = Outgoing::new(opcode as u16, 0, request, body, payload);
            let _forget = Forget { waiting: &connection.waiting, request };
            connection.queue.send(message).map_err(|_| self.broken())?;
            reply.await.map_err(|_| self.broken())
        };
        let message = tokio::time::timeout(timeout, asking).await.map_err(|_| {
            self.give_up_if_silent();
            CallError::TimedOut(self.0.addr.clone())
        })??;
        if message.header.flags.get() & FLAG_REFUSED != 0 {
            let refusal =
                crate::decode(&message.body).map_err(|_| CallError::Unreadable(self.0.addr.clone()))?;
            return Err(CallError::Refused(refusal));
        }
        Ok((message.body, message.payload))
    }

    /// A call has timed out: ends a connection on which nothing arrives any more.
    fn give_up_if_silent(&self) {
        let silent = |connection: &mut Connection| connection.waiting.silence() >= SILENCE_MAX;
        if let Some(connection) = self.0.open.lock().take_if(silent) {
            connection.waiting.close();
        }
    }

    fn broken(&self) -> CallError {
        CallError::Broken(self.0.addr.clone())
    }

    async fn connection(&self) -> Result<Connection, CallError> {
        if let Some(connection) = self.usable() {
            return Ok(connection);
        }
        let mut failure = self.0.connecting.lock().await;
        if let Some(connection) = self.usable() {
            return Ok(connection);
        }
        let unreachable =
            |why: String, rejected| CallError::Unreachable { addr: self.0.addr.clone(), why, rejected };
        if let Some((at, why, rejected)) = &*failure
            && at.elapsed() < RETRY_AFTER
        {
            return Err(unreachable(why.clone(), *rejected));
        }
        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await {
            Ok(Ok(connection)) => {
                *failure = None;
                *self.0.open.lock() = Some(connection.clone());
                Ok(connection)
            }
            failed => {
                let (why, rejected) = match failed {
                    Ok(Err(error)) => (error.to_string(), error.is_rejection()),
                    _ => ("no answer".to_owned(), false),
                };
                *failure = Some((Instant::now(), why.clone(), rejected));
                Err(unreachable(why, rejected))
            }
        }
    }

    fn usable(&self) -> Option<Connection> {
        self.0.open.lock().clone().filter(|c| !c.queue.is_closed() && c.waiting.is_open())
    }

    async fn connect(&self) -> Result<Connection, HandshakeError> {
        let (queue, outgoing) = mpsc::unbounded_channel();
        let replies = Mutex::new(Some(HashMap::new()));
        let waiting = Arc::new(Waiting { replies, unanswered_since: Mutex::default() });
        let receiver = Box::new(Replies(waiting.clone()));
        let ends = Ends { outgoing, receiver, pool: self.0.pool.clone() };
        self.0.transport.connect(&self.0.addr, &self.0.credential, ends).await?;
        Ok(Connection { queue, waiting })
    }
}

impl Receive for Replies {
    fn deliver(&mut self, message: Message) -> Flow {
        if message.header.flags.get() & FLAG_REPLY != 0 {
            self.0.deliver(message);
        }
        Flow::Continue
    }

    fn failed(&mut self, _: &std::io::Error) {}
}

impl Drop for Replies {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Waiting {
    fn expect(&self, request: u64) -> Option<oneshot::Receiver<Message>> {
        let (sender, receiver) = oneshot::channel();
        self.replies.lock().as_mut()?.insert(request, sender);
        self.unanswered_since.lock().get_or_insert_with(Instant::now);
        Some(receiver)
    }

    fn deliver(&self, message: Message) {
        let request = message.header.request.get();
        *self.unanswered_since.lock() = None;
        let waiter = self.replies.lock().as_mut().and_then(|w| w.remove(&request));
        if let Some(waiter) = waiter {
            // Whoever asked may have given up.
            waiter.send(message).ok();
        }
    }

    /// Drops all who wait: they see the connection as broken.
    fn close(&self) {
        self.replies.lock().take();
    }

    fn is_open(&self) -> bool {
        self.replies.lock().is_some()
    }

    /// How long nothing has arrived although something was asked.
    fn silence(&self) -> Duration {
        self.unanswered_since.lock().map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Takes a request off the list when its caller stops waiting.
struct Forget<'a> {
    waiting: &'a Waiting,
    request: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.replies.lock().as_mut() {
            waiting.remove(&self.request);
        }
    }
}

/// Channels by address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Channels {
    transport: Arc<dyn Transport>,
    credential: Credential,
    pool: BufPool,
    by_addr: Arc<Mutex<HashMap<Address, Channel>>>,
}

impl Channels {
    /// No channels yet; they will be over TCP.
    pub fn new(credential: Credential, pool: BufPool) -> Channels {
        Channels::with_transport(Arc::new(Tcp), credential, pool)
    }

    /// No channels yet; they will be over this transport.
    pub fn with_transport(transport: Arc<dyn Transport>, credential: Credential, pool: BufPool) -> Channels {
        Channels { transport, credential, pool, by_addr: Arc::default() }
    }

    /// The channel to `addr`.
    pub fn to(&self, addr: &Address) -> Channel {
        let mut by_addr = self.by_addr.lock();
        if let Some(channel) = by_addr.get(addr) {
            return channel.clone();
        }
        let channel = Channel::new(addr, self.transport.clone(), self.credential.clone(), self.pool.clone());
        by_addr.insert(addr.clone(), channel.clone());
        channel
    }

    /// The credential all channels use.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The pool payloads are read into.
    pub fn pool(&self) -> &BufPool {
        &self.pool
    }
}
