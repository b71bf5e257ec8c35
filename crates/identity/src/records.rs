//! A stream of TLS records from which no byte is taken beyond the record that is asked for.
//!
//! Without it, what follows the handshake in clear could end up among what TLS has read ahead.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Type, version and length of a record (RFC 8446, section 5.1).
const HEADER_BYTES: usize = 5;
/// A handshake is read in pieces of at most so much.
const PIECE_BYTES: usize = 4096;

/// The stream below TLS.
#[derive(Debug)]
pub(crate) struct Records<S> {
    stream: S,
    /// `None` once there is nothing to hold back.
    at: Option<Place>,
}

/// Where the reader is.
#[derive(Debug, Default)]
struct Place {
    header: [u8; HEADER_BYTES],
    /// Bytes of the header that are there.
    have: usize,
    /// Bytes of the record after its header that are not read yet.
    left: usize,
}

impl<S> Records<S> {
    pub(crate) fn new(stream: S) -> Records<S> {
        Records { stream, at: Some(Place::default()) }
    }

    /// From now on everything is TLS: it may be read ahead.
    pub(crate) fn read_ahead(&mut self) {
        self.at = None;
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl Place {
    /// So much may be read.
    fn allowed(&self) -> usize {
        if self.left > 0 { self.left } else { HEADER_BYTES - self.have }
    }

    /// Takes note of what was read.
    fn passed(&mut self, bytes: &[u8]) {
        if self.left > 0 {
            self.left -= bytes.len();
            return;
        }
        self.header[self.have..self.have + bytes.len()].copy_from_slice(bytes);
        self.have += bytes.len();
        if self.have == HEADER_BYTES {
            self.left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
            self.have = 0;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Records<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Records { stream, at } = &mut *self;
        let Some(place) = at else { return Pin::new(stream).poll_read(cx, buf) };
        let mut piece = [0; PIECE_BYTES];
        let allowed = place.allowed().min(buf.remaining()).min(PIECE_BYTES);
        let mut limited = ReadBuf::new(&mut piece[..allowed]);
        ready!(Pin::new(stream).poll_read(cx, &mut limited))?;
        place.passed(limited.filled());
        buf.put_slice(limited.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Records<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn nothing_is_taken_beyond_the_record_that_is_asked_for() {
        let sent =
            [&[22, 3, 3, 0, 4][..], b"hand", &[23, 3, 3, 0, 0], &[23, 3, 3, 0, 1], b"x", b"clear"].concat();
        let mut records = Records::new(&sent[..]);
        let mut seen = Vec::new();
        let mut piece = [0; 64];
        while seen.len() < sent.len() - b"clear".len() {
            let read = records.read(&mut piece).await.unwrap();
            assert!(read <= HEADER_BYTES);
            seen.extend_from_slice(&piece[..read]);
        }
        assert_eq!(seen, sent[..sent.len() - 5]);
        assert_eq!(records.into_inner(), b"clear");
    }
}
