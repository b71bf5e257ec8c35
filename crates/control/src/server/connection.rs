//! One connection: the handshake, then one request after the other.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::exchange::Exchange;
use crate::limits::{HANDSHAKE_MAX, HEAD_BYTES_MAX, HEAD_MAX};

/// Serves a connection to its end. What goes wrong on it is its client's business.
pub(super) async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    tls: TlsAcceptor,
    exchange: Arc<Exchange>,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and somebody waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
    }
    let Ok(Ok(stream)) = timeout(HANDSHAKE_MAX, tls.accept(stream)).await else {
        tracing::debug!(%peer, "a connection without a handshake");
        return;
    };
    let service = service_fn(|request| {
        let exchange = exchange.clone();
        async move { Ok::<_, Infallible>(exchange.answer(request, peer).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let stopped = async move {
        // Nobody is left who could stop it: that is a stop, too.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped => {
            // The request under way is answered, and no other one is taken.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}
