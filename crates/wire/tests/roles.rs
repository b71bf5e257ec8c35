//! What each role may send: the rest is refused before anybody looks at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use isobar_base::{BufPool, ClusterId};
use isobar_wire::transport::MemoryNetwork;
use isobar_wire::{
    Address, CallError, Channel, CredentialSet, Handler, Opcode, Protection, Refusal, Request, Responder,
    Role, serve,
};

/// Answers everything and counts.
#[derive(Default)]
struct Counts(AtomicU32);

impl Handler for Counts {
    fn handle(&self, request: Request, responder: Responder) {
        self.0.fetch_add(1, Ordering::SeqCst);
        responder.reply(&format!("{:?}", request.from));
    }
}

/// For everybody; for administrators and nodes; for nodes.
const OPCODES: [&[Opcode]; 3] = [
    &[
        Opcode::Mutate,
        Opcode::Query,
        Opcode::Renew,
        Opcode::Cluster,
        Opcode::NodeStatus,
        Opcode::Delegation,
        Opcode::Put,
        Opcode::Get,
        Opcode::Rewrite,
        Opcode::Withdraw,
        Opcode::Probe,
    ],
    &[Opcode::Admin, Opcode::List],
    &[
        Opcode::Heartbeat,
        Opcode::Delete,
        Opcode::RaftAppend,
        Opcode::RaftVote,
        Opcode::RaftSnapshot,
        Opcode::RaftStanding,
    ],
];

#[tokio::test]
async fn each_role_may_send_what_is_its_own_and_nothing_else() {
    let set = CredentialSet::generate(ClusterId(1)).unwrap();
    let (network, addr) = (MemoryNetwork::new(), "node:1".parse::<Address>().unwrap());
    let counts = Arc::new(Counts::default());
    let listener = network.at("node").listen(&addr).await.unwrap();
    let node = set.get(Role::Node, Protection::Clear);
    tokio::spawn(serve(listener, node, BufPool::new(0), counts.clone()));
    let mut handled = 0;
    for (rank, role) in [Role::Client, Role::Administrator, Role::Node].into_iter().enumerate() {
        let credential = set.get(role, Protection::Clear);
        let channel = Channel::new(&addr, network.at("asks"), credential, BufPool::new(0));
        for (needed, opcodes) in OPCODES.iter().enumerate() {
            for &opcode in *opcodes {
                let reply = channel.call::<_, String>(opcode, &(), Duration::from_secs(5)).await;
                if rank >= needed {
                    handled += 1;
                    assert_eq!(reply.unwrap(), format!("{role:?}"), "{opcode:?}");
                } else {
                    let refused = matches!(&reply, Err(CallError::Refused(Refusal::Forbidden(_))));
                    assert!(refused, "{role:?} {opcode:?}: {reply:?}");
                }
            }
        }
    }
    assert_eq!(counts.0.load(Ordering::SeqCst), handled, "what is refused reaches nobody");
    let all = (0..u16::MAX).filter(|number| Opcode::from_number(*number).is_some()).count();
    assert_eq!(OPCODES.iter().map(|of| of.len()).sum::<usize>(), all, "every opcode is in the table");
}
