//! The path MTU to another node, found by sending: datagrams that routers must not fragment
//! (`IP_PMTUDISC_PROBE`), each confirmed by the other node, sizes by bisection.
//!
//! The other node opens a UDP port for it when it is asked over the authenticated connection, answers only
//! datagrams that begin with the number it was given, with less than it received, and closes the port after
//! a few seconds. A size counts as too large when the kernel refuses it or no answer to several tries came.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use isobar_wire::message::probe::{PathMtu, ProbeReply, ProbeRequest};
use isobar_wire::{Address, Opcode};
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use tokio::net::UdpSocket;

use crate::context::NodeContext;

/// Every IPv4 host takes packets of this size; nothing smaller is tried.
const PACKET_BYTES_MIN: u32 = 576;
/// The length field of an IP packet holds no more.
const PACKET_BYTES_MAX: u32 = 65_535;
/// Sizes that networks have: tried first, largest that arrives.
const USUAL: [u32; 5] = [65_535, 9_000, 3_900, 1_500, PACKET_BYTES_MIN];
const TRIES: u32 = 3;
const ANSWER_WAIT: Duration = Duration::from_millis(150);
const LISTEN_FOR: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers repeat number and length.
const ANSWER_BYTES: usize = 12;

/// Opens a port that confirms datagrams for a while.
pub(super) async fn listen(node: &NodeContext, nonce: u64) -> Result<u16, String> {
    let room = node.echoes.clone().try_acquire_owned();
    let room = room.map_err(|_| "the node answers as many probes as it may: ask again later".to_owned())?;
    let local: SocketAddr = resolve(&node.addr).await?;
    let socket =
        UdpSocket::bind((local.ip(), 0)).await.map_err(|e| format!("cannot open a UDP port: {e}"))?;
    let port = socket.local_addr().map_err(|e| e.to_string())?.port();
    tokio::spawn(tokio::time::timeout(LISTEN_FOR, async move {
        let _room = room;
        let mut buffer = vec![0; PACKET_BYTES_MAX as usize];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            if len > ANSWER_BYTES && buffer[..8] == nonce.to_le_bytes() {
                buffer[8..ANSWER_BYTES].copy_from_slice(&(len as u32).to_le_bytes());
                socket.send_to(&buffer[..ANSWER_BYTES], from).await.ok();
            } else if len == 8 && buffer[..8] == nonce.to_le_bytes() {
                return;
            }
        }
    }));
    Ok(port)
}

/// Finds it.
pub(super) async fn find(node: &NodeContext, to: &Address) -> Result<PathMtu, String> {
    if !node.spec.node.iter().any(|n| n.addr == *to) {
        return Err(format!("{to} is not a node of this cluster"));
    }
    let peer = resolve(to).await?;
    let nonce = isobar_base::random_u64();
    let channel = node.cluster.channels().to(to);
    let port = match channel.call(Opcode::Probe, &ProbeRequest::Echo { nonce }, PATIENCE).await {
        Ok(ProbeReply::Echo { port }) => port,
        Ok(ProbeReply::Not(why)) => return Err(why),
        Ok(_) => return Err("an answer of another kind".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let mut path = Path::open(peer.ip(), port, nonce).await?;
    let mut tried = Vec::new();
    let mut arrives = None;
    for size in USUAL {
        if path.carries(size).await? {
            arrives = Some(size);
            break;
        }
        tried.push(size);
    }
    let Some(mut arrives) = arrives else {
        return Err("no datagram of any size is confirmed: UDP is filtered between these nodes".to_owned());
    };
    let mut too_large = tried.last().copied().unwrap_or(PACKET_BYTES_MAX + 1);
    while let Some(size) = between(arrives, too_large) {
        if path.carries(size).await? {
            arrives = size;
        } else {
            too_large = size;
        }
    }
    path.socket.send(&nonce.to_le_bytes()).await.ok();
    Ok(PathMtu {
        bytes: arrives,
        is_udp_max: arrives == PACKET_BYTES_MAX,
        datagrams: path.sent,
        loopback: peer.ip().is_loopback(),
    })
}

/// The next size to try between one that arrives and one that does not. Usual sizes end the search at once:
/// the byte above them is tried first.
fn between(arrives: u32, too_large: u32) -> Option<u32> {
    if too_large - arrives <= 1 {
        return None;
    }
    Some(if USUAL.contains(&arrives) { arrives + 1 } else { arrives + (too_large - arrives) / 2 })
}

async fn resolve(addr: &Address) -> Result<SocketAddr, String> {
    let mut found = tokio::net::lookup_host(addr.to_string()).await.map_err(|e| format!("{addr}: {e}"))?;
    found.next().ok_or(format!("{addr} has no address"))
}

/// A connected socket whose datagrams are never fragmented.
struct Path {
    socket: UdpSocket,
    nonce: u64,
    headers: u32,
    sent: u32,
}

impl Path {
    async fn open(peer: IpAddr, port: u16, nonce: u64) -> Result<Path, String> {
        let failed = |e: std::io::Error| format!("cannot open a UDP port: {e}");
        let any: SocketAddr = if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).await.map_err(failed)?;
        let headers = if peer.is_ipv4() {
            rustix::net::sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)
                .map_err(|e| failed(e.into()))?;
            28
        } else {
            rustix::net::sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)
                .map_err(|e| failed(e.into()))?;
            48
        };
        socket.connect((peer, port)).await.map_err(failed)?;
        Ok(Path { socket, nonce, headers, sent: 0 })
    }

    /// Whether a packet of so many bytes reaches the peer.
    async fn carries(&mut self, packet_bytes: u32) -> Result<bool, String> {
        let mut datagram = vec![0; (packet_bytes - self.headers) as usize];
        datagram[..8].copy_from_slice(&self.nonce.to_le_bytes());
        for _ in 0..TRIES {
            self.sent += 1;
            match self.socket.send(&datagram).await {
                Ok(_) => {}
                // EMSGSIZE: larger than the interface takes. No further try changes that.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) => {
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    return Err("the other node closed its port".to_owned());
                }
                Err(error) => return Err(format!("cannot send a datagram: {error}")),
            }
            if tokio::time::timeout(ANSWER_WAIT, self.confirmed(datagram.len() as u32)).await.is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits for the confirmation of a datagram of this length.
    async fn confirmed(&self, len: u32) {
        let mut answer = [0; ANSWER_BYTES];
        loop {
            match self.socket.recv(&mut answer).await {
                Ok(ANSWER_BYTES)
                    if answer[..8] == self.nonce.to_le_bytes() && answer[8..] == len.to_le_bytes() =>
                {
                    return;
                }
                Ok(_) => {}
                // Refused ones are told at the next send.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search with a path that carries up to `mtu` bytes: what it finds and how many sizes it tries.
    fn search(mtu: u32) -> (u32, u32) {
        let mut tries = 0;
        let mut carries = |size: u32| {
            tries += 1;
            size <= mtu
        };
        let mut too_large = PACKET_BYTES_MAX + 1;
        let mut arrives = 0;
        for size in USUAL {
            if carries(size) {
                arrives = size;
                break;
            }
            too_large = size;
        }
        while let Some(size) = between(arrives, too_large) {
            if carries(size) { arrives = size } else { too_large = size }
        }
        (arrives, tries)
    }

    #[test]
    fn every_mtu_is_found_to_the_byte() {
        for mtu in [576, 577, 1400, 1499, 1500, 1501, 3900, 4092, 8999, 9000, 9001, 65_534, 65_535] {
            let (found, tries) = search(mtu);
            assert_eq!(found, mtu);
            assert!(tries <= 25, "{mtu} took {tries}");
        }
    }

    #[test]
    fn usual_sizes_take_few_datagrams() {
        assert!(search(1500).1 <= 5 && search(9000).1 <= 3 && search(65_535).1 == 1);
    }

    #[tokio::test]
    async fn the_kernel_says_what_is_larger_than_the_loopback_takes() {
        let listener = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let mut path = Path::open(IpAddr::from([127, 0, 0, 1]), port, 7).await.expect("a socket");
        let answering = tokio::spawn(async move {
            let mut buffer = vec![0; 70_000];
            let (len, from) = listener.recv_from(&mut buffer).await.expect("a datagram");
            buffer[8..12].copy_from_slice(&(len as u32).to_le_bytes());
            listener.send_to(&buffer[..12], from).await.expect("it is answered");
        });
        assert_eq!(path.carries(1500).await, Ok(true));
        answering.await.expect("it ends");
        assert_eq!(path.carries(70_000).await, Ok(false), "no datagram is that long");
        assert_eq!(path.sent, 2);
    }
}
