//! Real sockets: replies out of order, broken connections, strangers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{BufPool, ClusterId};
use isobar_wire::{CallError, Channel, Handler, Opcode, Refusal, Request, Responder, Secret, serve};
use tokio::net::TcpListener;

/// Answers with the body and payload it got; waits as many milliseconds as the body says.
struct Echo;

impl Handler for Echo {
    fn handle(&self, request: Request, responder: Responder) {
        match request.opcode {
            Opcode::Get => {
                let wait: u64 = isobar_wire::decode(&request.body).unwrap();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    responder.reply_with_payload(&wait, vec![Bytes::from_owner(request.payload)]);
                });
            }
            Opcode::Put => responder.refuse(Refusal::WrongRole),
            _ => drop(responder),
        }
    }
}

async fn node(secret: &Secret) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (addr, tokio::spawn(serve(listener, secret.clone(), BufPool::new(1 << 20), Arc::new(Echo))))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_slow_request_does_not_hold_up_a_quick_one() {
    let secret = Secret::generate(ClusterId(1));
    let (addr, _node) = node(&secret).await;
    let channel = Channel::new(&addr, secret, BufPool::new(1 << 20));
    let payload = Bytes::from(vec![7; 3_000_000]);
    let slow = channel.call_with_payload::<u64, u64>(Opcode::Get, &300, vec![payload.clone()], 5 * SECOND);
    let quick = async {
        let reply: u64 = channel.call(Opcode::Get, &0u64, SECOND).await.unwrap();
        assert_eq!(reply, 0);
        std::time::Instant::now()
    };
    let (slow, quick_at) = tokio::join!(slow, quick);
    let (reply, echoed) = slow.unwrap();
    assert_eq!(reply, 300);
    assert_eq!(&echoed[..], &payload[..]);
    assert!(quick_at.elapsed() > Duration::from_millis(100));
}

#[tokio::test]
async fn refusals_dropped_requests_and_silence_are_told_apart() {
    let secret = Secret::generate(ClusterId(1));
    let (addr, _node) = node(&secret).await;
    let channel = Channel::new(&addr, secret, BufPool::new(1 << 20));
    let refused = channel.call::<_, ()>(Opcode::Put, &(), SECOND).await;
    assert!(matches!(refused, Err(CallError::Refused(Refusal::WrongRole))));
    let dropped = channel.call::<_, ()>(Opcode::List, &(), SECOND).await;
    assert!(matches!(dropped, Err(CallError::Refused(Refusal::Unavailable(_)))));
    let silent = channel.call::<_, u64>(Opcode::Get, &5_000u64, Duration::from_millis(50)).await;
    assert!(matches!(silent, Err(CallError::TimedOut(_))));
}

#[tokio::test]
async fn strangers_and_dead_nodes_are_named() {
    let secret = Secret::generate(ClusterId(1));
    let (addr, _node) = node(&secret).await;
    let stranger = Channel::new(&addr, Secret::generate(ClusterId(1)), BufPool::new(1 << 20));
    let refused = stranger.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap_err();
    assert!(refused.to_string().contains("secret"), "{refused}");
    let nobody = Channel::new("127.0.0.1:1", secret, BufPool::new(1 << 20));
    assert!(matches!(
        nobody.call::<_, u64>(Opcode::Get, &0u64, SECOND).await,
        Err(CallError::Unreachable { .. })
    ));
}

#[tokio::test]
async fn a_channel_reconnects_after_its_node_restarted() {
    let secret = Secret::generate(ClusterId(1));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let std_listener = listener.into_std().unwrap();
    let server_secret = secret.clone();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(std_listener).unwrap();
        serve(listener, server_secret, BufPool::new(1 << 20), Arc::new(Echo)).await;
    });
    let channel = Channel::new(&addr.to_string(), secret.clone(), BufPool::new(1 << 20));
    channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap();
    runtime.shutdown_background();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.is_err());
    let listener = TcpListener::bind(addr).await.unwrap();
    tokio::spawn(serve(listener, secret, BufPool::new(1 << 20), Arc::new(Echo)));
    tokio::time::sleep(Duration::from_millis(150)).await;
    channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap();
}
