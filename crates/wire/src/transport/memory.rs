//! Messages within one process: a network whose hosts are names, and whose links can be cut.
//!
//! Each side of a connection takes messages straight from the other side's queue, so none waits in between.
//! Who is there is proved as over a network, and payloads are copied into the receiving side's pool. A side
//! ends with its runtime: the other side sees the end of the connection, as when a process dies.
//!
//! | fault | connections there are | new ones | a caller sees |
//! |---|---|---|---|
//! | link cut, host isolated | stay; what is sent arrives once repaired | wait | `TimedOut`, `Unreachable` |
//! | connections are severed | end at once | succeed | `Broken` |
//! | nobody listens | – | are refused | `Unreachable` |

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Weak};

use isobar_base::BufPool;
use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::{BoxFuture, Ends, EndsFor, Flow, Incoming, Listener, Outgoing, Receive, Transport};
use crate::{Address, Credential, HandshakeError};

/// Bytes of the handshake that wait to be read.
const HANDSHAKE_BUFFER_BYTES: usize = 16 << 10;

/// A network within this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct MemoryNetwork(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    listeners: Mutex<BTreeMap<Address, mpsc::UnboundedSender<Knock>>>,
    faults: watch::Sender<Faults>,
    connections: Mutex<Vec<Weak<Connection>>>,
}

/// What does not get through at the moment.
#[derive(Debug, Default)]
struct Faults {
    /// Pairs of hosts, each in order.
    cut: BTreeSet<(String, String)>,
    isolated: BTreeSet<String>,
}

/// One connection, as both sides see it.
#[derive(Debug)]
struct Connection {
    hosts: (String, String),
    faults: watch::Receiver<Faults>,
    ended: watch::Sender<bool>,
}

/// Somebody who wants to connect, on the way to a listener.
#[derive(Debug)]
struct Knock {
    connection: Arc<Connection>,
    handshake: DuplexStream,
    /// Where the listener's side finds what the other one sends, once that has seen the proof.
    theirs: oneshot::Receiver<mpsc::UnboundedReceiver<Outgoing>>,
    /// Where it puts what it sends itself.
    ours: oneshot::Sender<mpsc::UnboundedReceiver<Outgoing>>,
}

impl MemoryNetwork {
    /// A network without hosts.
    pub fn new() -> MemoryNetwork {
        MemoryNetwork::default()
    }

    /// The network as `host` uses it. Others reach what it listens to at `host:port`.
    pub fn at(&self, host: &str) -> Arc<dyn Transport> {
        Arc::new(MemoryTransport { network: self.clone(), host: host.to_owned() })
    }

    /// Nothing gets from one host to the other, nor back, until the link is healed.
    pub fn cut(&self, one: &str, other: &str) {
        self.0.faults.send_modify(|faults| {
            faults.cut.insert(pair(one, other));
        });
    }

    /// The reverse of [`MemoryNetwork::cut`].
    pub fn heal(&self, one: &str, other: &str) {
        self.0.faults.send_modify(|faults| {
            faults.cut.remove(&pair(one, other));
        });
    }

    /// Nothing gets to the host or away from it until it rejoins.
    pub fn isolate(&self, host: &str) {
        self.0.faults.send_modify(|faults| {
            faults.isolated.insert(host.to_owned());
        });
    }

    /// The reverse of [`MemoryNetwork::isolate`].
    pub fn rejoin(&self, host: &str) {
        self.0.faults.send_modify(|faults| {
            faults.isolated.remove(host);
        });
    }

    /// Ends all connections between two hosts.
    pub fn sever(&self, one: &str, other: &str) {
        let hosts = pair(one, other);
        self.0.connections.lock().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            if pair(&connection.hosts.0, &connection.hosts.1) == hosts {
                connection.end();
            }
            true
        });
    }
}

fn pair(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    (first.to_owned(), second.to_owned())
}

impl Faults {
    fn pass(&self, one: &str, other: &str) -> bool {
        let is_cut = || !self.cut.is_empty() && self.cut.contains(&pair(one, other));
        one == other || !(self.isolated.contains(one) || self.isolated.contains(other) || is_cut())
    }
}

impl Connection {
    /// Waits until messages get through.
    async fn passes(&self) {
        let (one, other) = (&self.hosts.0, &self.hosts.1);
        if self.faults.borrow().pass(one, other) {
            return;
        }
        let mut faults = self.faults.clone();
        // The network lives as long as anybody uses it: without it nothing gets through.
        if faults.wait_for(|faults| faults.pass(one, other)).await.is_err() {
            self.end();
        }
    }

    fn end(&self) {
        self.ended.send_replace(true);
    }

    async fn ended(&self) {
        // An error would mean that the sender is gone, which `self` holds.
        self.ended.subscribe().wait_for(|ended| *ended).await.ok();
    }
}

/// The network as one host uses it.
#[derive(Debug)]
struct MemoryTransport {
    network: MemoryNetwork,
    host: String,
}

impl Transport for MemoryTransport {
    fn connect<'a>(
        &'a self,
        addr: &'a Address,
        credential: &'a Credential,
        ends: Ends,
    ) -> BoxFuture<'a, Result<(), HandshakeError>> {
        Box::pin(async move {
            let shared = &self.network.0;
            let connection = Arc::new(Connection {
                hosts: (self.host.clone(), addr.host().to_string()),
                faults: shared.faults.subscribe(),
                ended: watch::Sender::new(false),
            });
            connection.passes().await;
            let (mut near, far) = tokio::io::duplex(HANDSHAKE_BUFFER_BYTES);
            let (give, theirs) = oneshot::channel();
            let (ours, take) = oneshot::channel();
            let knock = Knock { connection: connection.clone(), handshake: far, theirs, ours };
            let listener = shared.listeners.lock().get(addr).cloned();
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            listener.ok_or_else(refused)?.send(knock).map_err(|_| refused())?;
            credential.greet(&mut near).await?;
            let Ends { outgoing, receiver, pool } = ends;
            let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
            give.send(outgoing).map_err(|_| gone())?;
            let incoming = take.await.map_err(|_| gone())?;
            let mut connections = shared.connections.lock();
            connections.retain(|connection| connection.strong_count() > 0);
            connections.push(Arc::downgrade(&connection));
            tokio::spawn(carry(EndOnDrop(connection), incoming, pool, receiver));
            Ok(())
        })
    }

    fn listen<'a>(&'a self, addr: &'a Address) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            if addr.host().to_string() != self.host {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            let mut listeners = self.network.0.listeners.lock();
            if listeners.contains_key(addr) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (sender, knocks) = mpsc::unbounded_channel();
            listeners.insert(addr.clone(), sender);
            let network = self.network.clone();
            Ok(Box::new(Door { network, addr: addr.clone(), knocks }) as Box<dyn Listener>)
        })
    }
}

/// Where a host listens, until it is dropped.
struct Door {
    network: MemoryNetwork,
    addr: Address,
    knocks: mpsc::UnboundedReceiver<Knock>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.network.0.listeners.lock().remove(&self.addr);
    }
}

impl Listener for Door {
    fn addr(&self) -> Address {
        self.addr.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn Incoming>>> {
        Box::pin(async {
            let knock = self.knocks.recv().await;
            let knock = knock.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted))?;
            Ok(Box::new(knock) as Box<dyn Incoming>)
        })
    }
}

impl Incoming for Knock {
    fn from(&self) -> String {
        self.connection.hosts.0.clone()
    }

    fn welcome<'a>(
        mut self: Box<Self>,
        credential: &'a Credential,
        ends: EndsFor,
    ) -> BoxFuture<'a, Result<(), HandshakeError>> {
        Box::pin(async move {
            let (role, _) = credential.welcome(&mut self.handshake).await?;
            let Knock { connection, theirs, ours, .. } = *self;
            let Ends { outgoing, receiver, pool } = ends(role);
            let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
            ours.send(outgoing).map_err(|_| gone())?;
            let incoming = theirs.await.map_err(|_| gone())?;
            tokio::spawn(carry(EndOnDrop(connection), incoming, pool, receiver));
            Ok(())
        })
    }
}

/// Ends the connection when one side's task is dropped.
struct EndOnDrop(Arc<Connection>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Delivers to one side what the other one sends, until the connection ends.
async fn carry(
    connection: EndOnDrop,
    mut incoming: mpsc::UnboundedReceiver<Outgoing>,
    pool: BufPool,
    mut receiver: Box<dyn Receive>,
) {
    let delivering = async {
        while let Some(message) = incoming.recv().await {
            connection.0.passes().await;
            match message.arrive(&pool) {
                Ok(message) => {
                    if let Flow::Pause(done) = receiver.deliver(message) {
                        done.await;
                    }
                }
                Err(error) => return receiver.failed(&io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    };
    tokio::select! {
        biased;
        () = connection.0.ended() => {}
        () = delivering => {}
    }
}
