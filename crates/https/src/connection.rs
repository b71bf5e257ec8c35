//! One connection to a server, made when it is needed and again when it has ended.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::Address;
use crate::error::HttpsError;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_MAX, CONNECT_MAX, HEAD_BYTES_MAX, PAUSE, PAUSE_MAX};
use crate::tls::Trust;

/// What a server answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or a text where it is none. `Null` without one.
    pub body: Value,
    headers: HeaderMap,
}

/// What goes over the wire.
pub struct Message<'m> {
    /// The method.
    pub method: &'m str,
    /// Path and query.
    pub path: &'m str,
    /// Names and values, beside `Host`.
    pub headers: Vec<(&'m str, String)>,
    /// The body.
    pub body: Bytes,
}

/// A connection to one server.
pub struct Connection {
    /// The server.
    pub address: Address,
    trust: Trust,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Answer {
    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long to wait before coming again: what the server says, within reason.
    pub fn pause(&self) -> Duration {
        let said = self.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        said.map_or(PAUSE, Duration::from_secs).min(PAUSE_MAX)
    }
}

impl Connection {
    /// To this server, which is connected to when there is something to send.
    pub fn new(address: Address, trust: Trust) -> Connection {
        Connection { address, trust, sender: None }
    }

    /// Sends a message and reads the answer.
    ///
    /// # Errors
    /// `HttpsError`. What the server refuses is an answer.
    pub async fn send(&mut self, message: &Message<'_>) -> Result<Answer, HttpsError> {
        let answered = timeout(ANSWER_MAX, self.exchange_or_again(message)).await;
        answered.unwrap_or_else(|_| Err(self.unreachable("no answer in time")))
    }

    /// The server may have ended a connection that was not used for a while, in the moment when it was used
    /// again. What may be done twice is.
    async fn exchange_or_again(&mut self, message: &Message<'_>) -> Result<Answer, HttpsError> {
        let had_one = self.sender.is_some();
        match self.exchange(message).await {
            Err(error) if error.is_away() && had_one && may_be_repeated(message.method) => {
                self.exchange(message).await
            }
            answered => answered,
        }
    }

    /// Keeps the connection only if all goes well.
    async fn exchange(&mut self, message: &Message<'_>) -> Result<Answer, HttpsError> {
        let mut sender = match self.sender.take() {
            Some(mut sender) => match sender.ready().await {
                Ok(()) => sender,
                Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        let mut request = hyper::Request::builder().method(message.method).uri(message.path);
        request = request.header("host", self.address.authority());
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(message.body.clone()));
        let request = request.map_err(|error| HttpsError::Message(format!("{}: {error}", message.path)))?;
        let response = sender.send_request(request).await.map_err(|error| self.unreachable(&said(&error)))?;
        let answer = self.read(response).await?;
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answer, HttpsError> {
        let (parts, body) = response.into_parts();
        let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let bytes = read.map_err(|error| self.not_read(&*error))?.to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
        };
        Ok(Answer { status: parts.status.as_u16(), body, headers: parts.headers })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, HttpsError> {
        let Address { host, port } = &self.address;
        let name = ServerName::try_from(host.clone()).map_err(|_| HttpsError::Address(self.address.url()))?;
        let connecting = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            self.trust.connector.connect(name, stream).await
        };
        let connected = timeout(CONNECT_MAX, connecting).await;
        let stream = connected
            .map_err(|_| self.unreachable("no connection in time"))?
            .map_err(|error| self.not_connected(&error))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(&said(&error)))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn not_read(&self, error: &(dyn Error + Send + Sync + 'static)) -> HttpsError {
        if error.is::<LengthLimitError>() {
            let why = format!("its answer is longer than {} MiB: ask for less", ANSWER_BYTES_MAX >> 20);
            return HttpsError::Nonsense { url: self.address.url(), why };
        }
        self.unreachable(&said(error))
    }

    fn not_connected(&self, error: &io::Error) -> HttpsError {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(why @ rustls::Error::InvalidCertificate(_)) => {
                HttpsError::Untrusted { url: self.address.url(), why: why.to_string() }
            }
            _ if error.kind() == io::ErrorKind::ConnectionRefused => {
                HttpsError::NobodyListens { url: self.address.url() }
            }
            _ => self.unreachable(&format!("cannot connect: {error}")),
        }
    }

    fn unreachable(&self, why: &str) -> HttpsError {
        HttpsError::Unreachable { url: self.address.url(), why: why.to_owned() }
    }
}

/// Reads a document from a URL, by a connection of its own.
///
/// # Errors
/// `HttpsError`; a status other than 200 is nonsense.
pub async fn get(url: &str, trust: &Trust) -> Result<Value, HttpsError> {
    let (address, path) = Address::of_url(url)?;
    let mut connection = Connection::new(address, trust.clone());
    let headers = vec![("accept", "application/json".to_owned())];
    let message = Message { method: "GET", path: &path, headers, body: Bytes::new() };
    let answer = connection.send(&message).await?;
    match answer.status {
        200 => Ok(answer.body),
        status => {
            Err(HttpsError::Nonsense { url: url.to_owned(), why: format!("it answers with status {status}") })
        }
    }
}

/// Whether doing it twice is doing it once.
pub fn may_be_repeated(method: &str) -> bool {
    ["GET", "HEAD", "PUT", "DELETE"].contains(&method)
}

/// An error with what has caused it.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
