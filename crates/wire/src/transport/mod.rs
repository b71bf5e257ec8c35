//! What a transport does: it opens and accepts connections, proves both ways who is there, and
//! carries messages.
//!
//! A transport carries messages, not bytes: some have no stream of bytes to offer. A connection is symmetric.
//! On each side it takes messages from a queue ([`Ends::outgoing`]) and hands those that arrive, one by one
//! and in the order in which the other side queued them, to a [`Receive`] ([`Ends::receiver`]). Payloads
//! arrive in buffers of [`Ends::pool`], which a transport may register with its device. Nothing on this way
//! is boxed per message, and none changes tasks between the transport and the receiver.
//!
//! **Life of a connection.** It is open once [`Transport::connect`] or [`Incoming::welcome`] returns: by
//! then each side has proved to the other what it is, and says so ([`Role`]). It ends on both sides when
//! one side drops all senders of its queue, ends, or cannot be reached any more. The end shows in two ways:
//! the receiver is dropped, and the queue takes no more messages. What was queued before the senders were
//! dropped is delivered.
//!
//! | transport | addresses | for |
//! |---|---|---|
//! | [`Tcp`] | `host:port` | everything |
//! | [`MemoryNetwork`] | `name:port` | tests, with links that fail when they should |

mod memory;
mod message;
mod room;
mod tcp;

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;

use isobar_base::BufPool;
use tokio::sync::mpsc;

use crate::{Address, Credential, HandshakeError, Role};

pub use memory::MemoryNetwork;
pub use message::{Message, Outgoing};
pub use room::Charge;
pub(crate) use room::Room;
pub use tcp::Tcp;

/// A boxed future: connecting and accepting are rare.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to reach nodes and to be reached.
pub trait Transport: Send + Sync + Debug {
    /// Opens a connection to `addr`. The caller bounds the time it takes.
    fn connect<'a>(
        &'a self,
        addr: &'a Address,
        credential: &'a Credential,
        ends: Ends,
    ) -> BoxFuture<'a, Result<(), HandshakeError>>;

    /// Begins to accept connections at `addr`, until the listener is dropped.
    fn listen<'a>(&'a self, addr: &'a Address) -> BoxFuture<'a, io::Result<Box<dyn Listener>>>;
}

/// Accepts connections.
pub trait Listener: Send {
    /// Where it listens.
    fn addr(&self) -> Address;

    /// The next one that wants to connect. After an error the listener can be used further.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Incoming>>>;
}

/// Somebody who wants to connect and has not proved anything yet.
pub trait Incoming: Send {
    /// Who it is, for the log.
    fn from(&self) -> String;

    /// Finds out what the other side is and opens the connection, with the ends for one that is that. The
    /// caller bounds the time it takes.
    fn welcome<'a>(
        self: Box<Self>,
        credential: &'a Credential,
        ends: EndsFor,
    ) -> BoxFuture<'a, Result<(), HandshakeError>>;
}

/// What the side that accepts a connection hands to the transport, once it is known whose it is.
pub type EndsFor = Box<dyn FnOnce(Role) -> Ends + Send>;

/// What one side of a connection hands to the transport.
pub struct Ends {
    /// Messages to send.
    pub outgoing: mpsc::UnboundedReceiver<Outgoing>,
    /// Takes those that arrive.
    pub receiver: Box<dyn Receive>,
    /// Where their payloads go.
    pub pool: BufPool,
}

/// Takes the messages that arrive on one connection. Dropped when the connection has ended.
pub trait Receive: Send {
    /// Takes one message. Called on the connection's task: it must not block.
    fn deliver(&mut self, message: Message) -> Flow;

    /// The connection fails, and why. Nothing is delivered any more.
    fn failed(&mut self, error: &io::Error);
}

/// What a transport does after it has delivered a message.
pub enum Flow {
    /// It delivers the next one.
    Continue,
    /// It delivers nothing before this is done.
    Pause(BoxFuture<'static, ()>),
}
