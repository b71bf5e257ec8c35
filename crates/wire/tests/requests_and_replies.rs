//! What every transport does: replies out of order, broken connections, strangers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{BufPool, ClusterId, limits};
use isobar_wire::transport::{MemoryNetwork, Tcp, Transport};
use isobar_wire::{
    Address, CallError, Channel, Credential, CredentialSet, Handler, Opcode, Protection, Refusal, Request,
    Responder, Role, serve,
};

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

/// A transport for each side, and addresses.
struct Ground {
    asking: Arc<dyn Transport>,
    answering: Arc<dyn Transport>,
    listen: Address,
    nobody: Address,
    protection: Protection,
}

fn addr(text: &str) -> Address {
    text.parse().unwrap()
}

fn tcp(protection: Protection) -> Ground {
    Ground {
        asking: Arc::new(Tcp),
        answering: Arc::new(Tcp),
        listen: addr("127.0.0.1:0"),
        nobody: addr("127.0.0.1:1"),
        protection,
    }
}

fn in_memory() -> Ground {
    let network = MemoryNetwork::new();
    Ground {
        asking: network.at("client"),
        answering: network.at("node"),
        listen: addr("node:1"),
        nobody: addr("nobody:1"),
        protection: Protection::Clear,
    }
}

impl Ground {
    /// Runs a node, as long as the runtime runs; gives its address.
    async fn node(&self, credential: &Credential) -> Address {
        let listener = self.answering.listen(&self.listen).await.unwrap();
        let addr = listener.addr();
        tokio::spawn(serve(listener, credential.clone(), BufPool::new(1 << 20), Arc::new(Echo)));
        addr
    }

    /// A node of a cluster that nobody else belongs to.
    fn member(&self) -> Credential {
        self.member_of(ClusterId(1))
    }

    fn member_of(&self, cluster: ClusterId) -> Credential {
        CredentialSet::generate(cluster).unwrap().get(Role::Node, self.protection)
    }

    fn channel(&self, addr: &Address, credential: Credential) -> Channel {
        Channel::new(addr, self.asking.clone(), credential, BufPool::new(1 << 20))
    }
}

macro_rules! over_every_transport {
    ($($behaviour:ident),* $(,)?) => {
        mod over_tcp {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(super::tcp(super::Protection::Clear)).await
            })*
        }
        mod over_tcp_encrypted {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(super::tcp(super::Protection::Encrypted)).await
            })*
        }
        mod in_memory {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(super::in_memory()).await
            })*
        }
    };
}

over_every_transport!(
    a_slow_request_does_not_hold_up_a_quick_one,
    refusals_dropped_requests_and_silence_are_told_apart,
    strangers_and_dead_nodes_are_named,
    a_channel_reconnects_after_its_node_restarted,
    many_requests_at_once_are_all_answered,
);

const SECOND: Duration = Duration::from_secs(1);

async fn a_slow_request_does_not_hold_up_a_quick_one(ground: Ground) {
    let credential = ground.member();
    let addr = ground.node(&credential).await;
    let channel = ground.channel(&addr, credential);
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

async fn refusals_dropped_requests_and_silence_are_told_apart(ground: Ground) {
    let credential = ground.member();
    let addr = ground.node(&credential).await;
    let channel = ground.channel(&addr, credential);
    let refused = channel.call::<_, ()>(Opcode::Put, &(), SECOND).await;
    assert!(matches!(refused, Err(CallError::Refused(Refusal::WrongRole))));
    let dropped = channel.call::<_, ()>(Opcode::List, &(), SECOND).await;
    assert!(matches!(dropped, Err(CallError::Refused(Refusal::Unavailable(_)))));
    let silent = channel.call::<_, u64>(Opcode::Get, &5_000u64, Duration::from_millis(50)).await;
    assert!(matches!(silent, Err(CallError::TimedOut(_))));
}

async fn strangers_and_dead_nodes_are_named(ground: Ground) {
    let credential = ground.member();
    let addr = ground.node(&credential).await;
    let stranger = ground.channel(&addr, ground.member());
    let refused = stranger.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap_err();
    assert!(refused.to_string().contains("does not belong to this cluster"), "{refused}");
    assert!(matches!(refused, CallError::Unreachable { rejected: true, .. }));
    let foreigner = ground.channel(&addr, ground.member_of(ClusterId(2)));
    let refused = foreigner.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap_err();
    assert!(refused.to_string().contains("does not belong to this cluster"), "{refused}");
    let nobody = ground.channel(&ground.nobody, credential);
    assert!(matches!(
        nobody.call::<_, u64>(Opcode::Get, &0u64, SECOND).await,
        Err(CallError::Unreachable { rejected: false, .. })
    ));
}

async fn a_channel_reconnects_after_its_node_restarted(ground: Ground) {
    let credential = ground.member();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (answering, listen, server_credential) =
        (ground.answering.clone(), ground.listen.clone(), credential.clone());
    let starting = runtime.spawn(async move {
        let listener = answering.listen(&listen).await.unwrap();
        let addr = listener.addr();
        tokio::spawn(serve(listener, server_credential, BufPool::new(1 << 20), Arc::new(Echo)));
        addr
    });
    let addr = starting.await.unwrap();
    let channel = ground.channel(&addr, credential.clone());
    channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap();
    runtime.shutdown_background();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.is_err());
    let listener = ground.answering.listen(&addr).await.unwrap();
    tokio::spawn(serve(listener, credential, BufPool::new(1 << 20), Arc::new(Echo)));
    tokio::time::sleep(Duration::from_millis(150)).await;
    channel.call::<_, u64>(Opcode::Get, &0u64, SECOND).await.unwrap();
}

/// More than a node takes into its hands at a time, in number and in bytes.
async fn many_requests_at_once_are_all_answered(ground: Ground) {
    let credential = ground.member();
    let addr = ground.node(&credential).await;
    let channel = ground.channel(&addr, credential);
    let small = (0..2 * limits::REQUESTS_IN_FLIGHT_MAX).map(|_| (10, Bytes::new()));
    let large = (0..24).map(|at| (50, Bytes::from(vec![at; 8 << 20])));
    let calls = small.chain(large).map(|(wait, payload)| {
        let channel = channel.clone();
        tokio::spawn(async move {
            let parts = vec![payload.slice(..payload.len() / 3), payload.slice(payload.len() / 3..)];
            let call = channel.call_with_payload::<u64, u64>(Opcode::Get, &wait, parts, 30 * SECOND);
            let (_, echoed) = call.await.unwrap();
            assert!(echoed[..] == payload[..]);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}
