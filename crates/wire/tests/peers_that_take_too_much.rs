//! What a node puts up with: silent sockets, and peers that ask and never read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{BufPool, ClusterId};
use isobar_wire::frame::Header;
use isobar_wire::transport::{Tcp, Transport};
use isobar_wire::{
    Address, Channel, Credential, CredentialSet, Handler, Opcode, Protection, Request, Responder, Role,
    Secured, serve,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use zerocopy::IntoBytes;

const REPLY_BYTES: usize = 1 << 20;

/// Bytes of a reply, counted as long as they are held.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

/// Answers every request with 1 MiB, and counts the bytes of replies that are not written.
#[derive(Default)]
struct Generous {
    asked: AtomicUsize,
    held: Arc<AtomicUsize>,
}

impl Handler for Generous {
    fn handle(&self, _: Request, responder: Responder) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.held.fetch_add(REPLY_BYTES, Ordering::SeqCst);
        let payload = Bytes::from_owner(Counted(vec![0; REPLY_BYTES], self.held.clone()));
        responder.reply_with_payload(&(), vec![payload]);
    }
}

/// The credential of a node of a cluster of its own.
fn member() -> Credential {
    CredentialSet::generate(ClusterId(1)).unwrap().get(Role::Node, Protection::Clear)
}

async fn node(credential: &Credential) -> (Arc<Generous>, Address) {
    let listen: Address = "127.0.0.1:0".parse().unwrap();
    let listener = Tcp.listen(&listen).await.unwrap();
    let (addr, handler) = (listener.addr(), Arc::new(Generous::default()));
    tokio::spawn(serve(listener, credential.clone(), BufPool::new(1 << 20), handler.clone()));
    (handler, addr)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_connects_past_hundreds_of_silent_sockets() {
    let credential = member();
    let (_, addr) = node(&credential).await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(TcpStream::connect(addr.to_string()).await.unwrap());
    }
    let channel = Channel::new(&addr, Arc::new(Tcp), credential, BufPool::new(1 << 20));
    // Before any of the silent ones is given up for its silence.
    channel.call::<_, ()>(Opcode::Get, &(), Duration::from_secs(3)).await.unwrap();
    // Most of them were dropped for those who came later.
    let mut dropped = 0;
    for socket in &silent {
        let closed = tokio::time::timeout(Duration::from_millis(1), socket.readable()).await;
        dropped += usize::from(closed.is_ok());
    }
    assert!(dropped >= 200, "{dropped} of 400 were dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_to_a_peer_that_never_reads_are_bounded() {
    let credential = member();
    let (handler, addr) = node(&credential).await;
    let stream = TcpStream::connect(addr.to_string()).await.unwrap();
    let Secured::Clear(mut stream) = credential.greet(stream).await.unwrap() else { panic!("encrypted") };
    let request = Header::new(Opcode::Get as u16, 0, 1, b"", 0);
    let asking = async {
        for _ in 0..10_000 {
            stream.write_all(request.as_bytes()).await.unwrap();
        }
    };
    // It may be held up for ever.
    tokio::time::timeout(Duration::from_secs(3), asking).await.ok();
    let (asked, held) = (handler.asked.load(Ordering::SeqCst), handler.held.load(Ordering::SeqCst));
    assert!(asked >= 16, "{asked} were read");
    assert!(held <= 80 << 20, "{held} bytes of replies wait");
}
