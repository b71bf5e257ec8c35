//! HTTPS: connections in, replies out. What a request means is not known here.
//!
//! Bounded are connections, requests at once, their bytes, and the seconds that reading one and finding its
//! answer take; not those in which a client takes its answer. A request that was read is answered to its end
//! also when its client has gone: what it began is kept or dropped as a whole.

mod certificate;
mod connection;
mod exchange;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use certificate::{AUTHORITY, Authority, given_config, server_config};
pub use certificate::{CertificateError, GivenCertificate};
use connection::serve;
pub(crate) use exchange::Exchange;

use crate::limits::{CONNECTIONS_MAX, FAREWELL_MAX};

/// How long to wait when the system gives no connection: it has too many open files.
const ACCEPT_RETRY: std::time::Duration = std::time::Duration::from_millis(100);

async fn told(stop: &mut watch::Receiver<bool>) {
    // Nobody is left who could stop it: that is a stop, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves until it is told to stop, and then until the requests under way are answered, or their time is
/// over.
pub(crate) async fn run(
    listener: TcpListener,
    tls: TlsAcceptor,
    exchange: Arc<Exchange>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = told(&mut stop) => break,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, peer))) => {
                let connection = serve(stream, peer.ip(), tls.clone(), exchange.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "no connection was taken");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    let farewell = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL_MAX, farewell).await.is_err() {
        tracing::warn!("some requests were not answered in time");
    }
}
