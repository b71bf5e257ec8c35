//! The network within a process: what callers see of links that are cut, healed and severed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use isobar_base::{BufPool, ClusterId};
use isobar_wire::transport::{BoxFuture, Ends, Listener, MemoryNetwork, Transport};
use isobar_wire::{
    Address, CallError, Channel, Credential, CredentialSet, Handler, HandshakeError, Opcode, Protection,
    Request, Responder, Role, serve,
};
use tokio::sync::Notify;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(50);

/// Counts the requests that arrive. Answers `Get` at once and `Put` never.
#[derive(Default)]
struct Counter {
    arrived: AtomicU32,
    notify: Notify,
    never: parking_lot::Mutex<Vec<Responder>>,
}

impl Handler for Counter {
    fn handle(&self, request: Request, responder: Responder) {
        let count = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        self.notify.notify_one();
        match request.opcode {
            Opcode::Get => responder.reply(&count),
            _ => self.never.lock().push(responder),
        }
    }
}

/// Counts the connections that are opened.
#[derive(Debug)]
struct Connects(AtomicU32, Arc<dyn Transport>);

impl Transport for Connects {
    fn connect<'a>(
        &'a self,
        addr: &'a Address,
        credential: &'a Credential,
        ends: Ends,
    ) -> BoxFuture<'a, Result<(), HandshakeError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.connect(addr, credential, ends)
    }

    fn listen<'a>(&'a self, addr: &'a Address) -> BoxFuture<'a, std::io::Result<Box<dyn Listener>>> {
        self.1.listen(addr)
    }
}

/// The credential of a node of a cluster of its own.
fn member() -> Credential {
    CredentialSet::generate(ClusterId(1)).unwrap().get(Role::Node, Protection::Clear)
}

fn addr(text: &str) -> Address {
    text.parse().unwrap()
}

struct World {
    network: MemoryNetwork,
    counter: Arc<Counter>,
    connects: Arc<Connects>,
    channel: Channel,
    serving: tokio::task::JoinHandle<()>,
}

impl World {
    async fn new() -> World {
        let network = MemoryNetwork::new();
        let credential = member();
        let counter = Arc::new(Counter::default());
        let listener = network.at("node").listen(&addr("node:1")).await.unwrap();
        let serving = tokio::spawn(serve(listener, credential.clone(), BufPool::new(0), counter.clone()));
        let connects = Arc::new(Connects(AtomicU32::new(0), network.at("client")));
        let channel = Channel::new(&addr("node:1"), connects.clone(), credential, BufPool::new(0));
        World { network, counter, connects, channel, serving }
    }

    async fn ask(&self, timeout: Duration) -> Result<u32, CallError> {
        self.channel.call(Opcode::Get, &(), timeout).await
    }
}

#[tokio::test]
async fn a_cut_link_is_silent_and_delivers_in_order_once_healed() {
    let world = World::new().await;
    assert_eq!(world.ask(SECOND).await.unwrap(), 1);
    world.network.cut("node", "client");
    assert!(matches!(world.ask(MOMENT).await, Err(CallError::TimedOut(_))));
    assert!(matches!(world.ask(MOMENT).await, Err(CallError::TimedOut(_))));
    assert_eq!(world.counter.arrived.load(Ordering::SeqCst), 1);
    world.network.heal("client", "node");
    assert_eq!(world.ask(SECOND).await.unwrap(), 4, "those before it have arrived");
}

#[tokio::test]
async fn a_reply_is_held_up_by_a_cut_as_well() {
    let world = World::new().await;
    world.ask(SECOND).await.unwrap();
    let asking = tokio::spawn({
        let channel = world.channel.clone();
        async move { channel.call::<_, u32>(Opcode::Put, &(), 5 * SECOND).await }
    });
    while world.counter.arrived.load(Ordering::SeqCst) < 2 {
        world.counter.notify.notified().await;
    }
    world.network.isolate("node");
    world.counter.never.lock().pop().unwrap().reply(&7u32);
    tokio::time::sleep(MOMENT).await;
    assert!(!asking.is_finished());
    world.network.rejoin("node");
    assert_eq!(asking.await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn nobody_connects_over_a_cut_link_and_others_do() {
    let world = World::new().await;
    world.network.cut("client", "node");
    let cut = world.ask(5 * SECOND).await;
    assert!(matches!(cut, Err(CallError::Unreachable { rejected: false, .. })), "{cut:?}");
    world.network.cut("elsewhere", "client");
    world.network.heal("client", "node");
    tokio::time::sleep(3 * MOMENT).await;
    world.ask(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_stays_silent_is_given_up_for_a_new_one() {
    let world = World::new().await;
    world.ask(SECOND).await.unwrap();
    // As with a peer that lost power: what was sent before will never be answered.
    let unanswered = world.channel.call::<_, u32>(Opcode::Put, &(), 4 * SECOND).await;
    assert!(matches!(unanswered, Err(CallError::TimedOut(_))));
    assert_eq!(world.connects.0.load(Ordering::SeqCst), 1);
    world.ask(SECOND).await.unwrap();
    assert_eq!(world.connects.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_that_times_out_soon_costs_no_connection() {
    let world = World::new().await;
    world.ask(SECOND).await.unwrap();
    world.channel.call::<_, u32>(Opcode::Put, &(), MOMENT).await.unwrap_err();
    world.ask(SECOND).await.unwrap();
    assert_eq!(world.connects.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_severed_connection_breaks_what_is_under_way_and_the_next_call_connects_again() {
    let world = World::new().await;
    let call = world.channel.call::<_, u32>(Opcode::Put, &(), 5 * SECOND);
    let sever = async {
        world.counter.notify.notified().await;
        world.network.sever("node", "client");
    };
    let (broken, ()) = tokio::join!(call, sever);
    assert!(matches!(broken, Err(CallError::Broken(_))), "{broken:?}");
    assert_eq!(world.ask(SECOND).await.unwrap(), 2);
}

#[tokio::test]
async fn an_address_that_is_not_listened_to_any_more_refuses_and_is_free_again() {
    let world = World::new().await;
    assert!(world.network.at("node").listen(&addr("node:1")).await.is_err(), "it is taken");
    assert!(world.network.at("node").listen(&addr("other:1")).await.is_err(), "it is another host's");
    world.serving.abort();
    tokio::time::sleep(MOMENT).await;
    assert!(matches!(world.ask(SECOND).await, Err(CallError::Unreachable { .. })));
    world.network.at("node").listen(&addr("node:1")).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_nobody_uses_any_more_ends_on_the_other_side() {
    let World { channel, counter, .. } = World::new().await;
    channel.call::<_, u32>(Opcode::Put, &(), MOMENT).await.unwrap_err();
    assert_eq!(Arc::strong_count(&counter), 3, "the test, the node and its connection");
    drop(channel);
    tokio::time::sleep(MOMENT).await;
    assert_eq!(Arc::strong_count(&counter), 2, "the connection is gone");
}
