//! A client that speaks HTTPS, a connection for each request.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use isobar_control::Running;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    connector: TlsConnector,
    pub tenant: String,
    pub token: Option<String>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body; null if there is none.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Names of what a list has.
    pub fn names(&self) -> Vec<&str> {
        let list = self.body["value"].as_array().unwrap_or_else(|| panic!("no list: {self:?}"));
        list.iter().map(|item| item["name"].as_str().expect("a name")).collect()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Answer {
        assert_eq!((self.status, self.code()), (status, code), "{self:#?}");
        self
    }
}

impl Client {
    /// A stranger.
    pub fn of(running: &Running) -> Client {
        let pem = std::fs::read(running.ca_file.as_ref().expect("an authority")).expect("the authority");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client {
            url: running.url.clone(),
            connector: TlsConnector::from(Arc::new(config)),
            tenant: running.tenant.clone(),
            token: None,
        }
    }

    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A connection.
    pub async fn connect(&self) -> TlsStream<TcpStream> {
        let authority = self.url.strip_prefix("https://").expect("https");
        let (host, _) = authority.rsplit_once(':').expect("a port");
        let stream = TcpStream::connect(authority).await.expect("a connection");
        let name = ServerName::try_from(host.to_owned()).expect("a name");
        self.connector.connect(name, stream).await.expect("a handshake")
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let authority = self.url.strip_prefix("https://").expect("https");
        let stream = self.connect().await;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.expect("HTTP");
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", authority);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request");
        let (parts, body) = sender.send_request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        connection.abort();
        let is_json = parts
            .headers
            .get("content-type")
            .is_none_or(|kind| kind.as_bytes().starts_with(b"application/json"));
        let body = match is_json {
            _ if body.is_empty() => Value::Null,
            true => serde_json::from_slice(&body).expect("JSON"),
            false => String::from_utf8_lossy(&body).into(),
        };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn json(&self, method: &str, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[]).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json("PUT", path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], &[]).await
    }

    /// Follows a link as it is.
    pub async fn follow(&self, url: &str) -> Answer {
        self.get(url.strip_prefix(&self.url).unwrap_or_else(|| panic!("a foreign link {url}"))).await
    }

    pub async fn ask_token(&self, path: &str, client: &str, secret: &str, scope: &str) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client)
            .append_pair("client_info", "1")
            .append_pair("client_secret", secret)
            .append_pair("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", scope)
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, form.as_bytes()).await
    }

    pub async fn login(&self, client: &str, secret: &str) -> Client {
        let scope = format!("{}//.default", self.url);
        let answer = self.ask_token("/adfs/oauth2/token", client, secret, &scope).await.expect(200);
        self.with_token(answer.body["access_token"].as_str().expect("a token"))
    }
}
