//! A server with a script: what it answers to each request, and what it was asked.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use isobar_remote::{Answer, Profile, ProfileFile, RemoteError, Request, Session};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How a token is asked for.
pub const TOKEN: &str = "POST /tenant/oauth2/v2.0/token";

/// What it does when it is asked.
#[derive(Clone)]
pub enum Reply {
    /// It answers.
    Say { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// It ends the connection.
    HangUp,
}

/// A server.
pub struct Server {
    pub url: String,
    pub authority: String,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    /// By method and path with its query; the last one of each stays.
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    asked: Mutex<Vec<String>>,
    connections: Mutex<u32>,
}

/// An answer in JSON.
pub fn say(status: u16, body: Value) -> Reply {
    Reply::Say { status, headers: Vec::new(), body: body.to_string() }
}

/// An answer that wants to be asked again at once.
pub fn busy(status: u16) -> Reply {
    say(status, json!({"error": {"code": "Busy", "message": "Too much."}})).with("retry-after", "0")
}

impl Reply {
    /// The same with another header.
    pub fn with(mut self, name: &'static str, value: &str) -> Reply {
        if let Reply::Say { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

impl Server {
    /// Starts one that gives tokens, whatever its script has besides.
    pub async fn start(script: &[(&str, &[Reply])]) -> Server {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = Server { url, authority: made.cert.pem(), script: Arc::default() };
        server.then(TOKEN, &[say(200, json!({"access_token": "secret-token", "expires_in": 3600}))]);
        script.iter().for_each(|(request, replies)| server.then(request, replies));
        let script = server.script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *script.connections.lock().unwrap() += 1;
                tokio::spawn(serve(acceptor.clone(), stream, script.clone()));
            }
        });
        server
    }

    /// What it answers to a request from now on.
    pub fn then(&self, request: &str, replies: &[Reply]) {
        self.script.replies.lock().unwrap().insert(request.to_owned(), replies.iter().cloned().collect());
    }

    /// How often it was asked for that.
    pub fn asked(&self, request: &str) -> usize {
        self.script.asked.lock().unwrap().iter().filter(|asked| *asked == request).count()
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> u32 {
        *self.script.connections.lock().unwrap()
    }

    /// A profile of it, without a token.
    pub fn profile(&self) -> Profile {
        Profile::new(&self.url, Some(self.authority.clone()), "tenant", "client", "secret")
    }
}

impl Script {
    fn next(&self, request: String) -> Reply {
        let mut replies = self.replies.lock().unwrap();
        let reply = match replies.get_mut(&request) {
            Some(left) if left.len() > 1 => left.pop_front(),
            Some(left) => left.front().cloned(),
            None => None,
        };
        self.asked.lock().unwrap().push(request);
        reply.unwrap_or_else(|| {
            say(404, json!({"error": {"code": "NotFound", "message": "It is not there."}}))
        })
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, script: Arc<Script>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let reply = script.next(format!("{} {}", request.method(), request.uri()));
        async move {
            let Reply::Say { status, headers, body } = reply else {
                return Err(io::Error::other("it hangs up"));
            };
            let mut response = hyper::Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::<Bytes>::from(body)).unwrap())
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
}

/// Somebody who is logged in to a server, in a directory of its own.
pub struct User {
    pub file: ProfileFile,
    pub session: Session,
    _directory: TempDir,
}

impl User {
    pub fn of(server: &Server) -> User {
        let directory = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_directory(directory.path());
        file.write(&server.profile()).unwrap();
        let session = Session::open(file.clone()).unwrap();
        User { file, session, _directory: directory }
    }

    /// Sends a request: a method and a path.
    pub async fn send(&mut self, request: &str) -> Result<Answer, RemoteError> {
        self.session.send(&asking(request)).await
    }

    /// What is in the file, as it is.
    pub fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file.path()).unwrap()).unwrap()
    }
}

/// A request: a method and a path.
pub fn asking(request: &str) -> Request {
    let (method, path) = request.split_once(' ').unwrap();
    Request { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: None }
}
