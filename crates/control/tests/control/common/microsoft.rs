//! Microsoft over HTTPS: its login, its marketplace and its keys, in the shapes that it documents, on what a
//! stand-in for the marketplace has. It takes requests as they are documented: any other fails the test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use isobar_arm::Timestamp;
use isobar_arm::names::is_guid;
use isobar_control::{Microsoft, MicrosoftAccount};
use isobar_workflow::Clock;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::market::Market;

/// The publisher's tenant.
pub const TENANT: &str = "6bde4c1a-3ab5-4f0e-9d6b-000000000001";
/// The publisher's app.
pub const APP: &str = "6bde4c1a-3ab5-4f0e-9d6b-000000000002";
/// The app's secret; a form has to encode it.
pub const SECRET: &str = "SECRET~of.the&app=100%";
/// The marketplace's own app.
pub const MARKETPLACE_APP: &str = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7";
/// What all tokens of the app begin with.
pub const APP_TOKEN: &str = "SECRET-APP-TOKEN-";
/// Made for tests alone.
const KEY: &[u8] = include_bytes!("../../data/rsa-2048.pk8");
const SUBSCRIPTIONS: &str = "/api/saas/subscriptions/";

/// What it answers instead.
#[derive(Clone)]
pub enum Fault {
    /// This status, with this body.
    Says(u16, &'static str),
    /// The same, with what it was asked in the body.
    Repeats(u16),
    /// It ends the connection.
    HangsUp,
    /// It never answers.
    IsSilent,
}

/// A request.
struct Asked {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: String,
}

type Said = (u16, String);

#[derive(Default)]
struct State {
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    calls: Vec<&'static str>,
    request_ids: BTreeSet<String>,
    wrong: Vec<String>,
    /// How many tokens were given; the last one is good.
    tokens: usize,
    /// Not even that.
    is_revoked: bool,
}

struct Site {
    url: String,
    market: Market,
    state: Mutex<State>,
}

/// A server that runs. Dropped, it fails the test if it was asked what is not documented.
pub struct MicrosoftSite {
    pub authority: String,
    site: Arc<Site>,
}

fn said(status: u16, body: &Value) -> Said {
    (status, body.to_string())
}

fn refused(status: u16, message: &str) -> Said {
    said(status, &json!({"error": {"code": "Refused", "message": message}}))
}

impl MicrosoftSite {
    pub async fn start(market: Market) -> MicrosoftSite {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let site = Arc::new(Site { url, market, state: Mutex::default() });
        let served = site.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, served.clone()));
            }
        });
        MicrosoftSite { authority: made.cert.pem(), site }
    }

    /// The publisher's account here.
    pub fn account(&self) -> MicrosoftAccount {
        MicrosoftAccount {
            tenant: TENANT.to_owned(),
            client_id: APP.to_owned(),
            client_secret: SECRET.to_owned(),
            publisher: Some("contoso".to_owned()),
            login: Some(self.site.url.clone()),
            marketplace: Some(self.site.url.clone()),
            tokens: Some(self.site.url.clone()),
        }
    }

    /// A client of it.
    pub fn client(&self, clock: Arc<dyn Clock>) -> Microsoft {
        Microsoft::new(self.account(), Some(self.authority.clone()), clock).expect("an account")
    }

    /// What it answers to the next calls of this name instead.
    pub fn then(&self, call: &'static str, faults: &[Fault]) {
        self.site.state.lock().faults.insert(call, faults.iter().cloned().collect());
    }

    /// How often something was called.
    pub fn count(&self, call: &str) -> usize {
        self.site.state.lock().calls.iter().filter(|name| **name == call).count()
    }

    /// No token is good that was given so far.
    pub fn revokes(&self) {
        self.site.state.lock().is_revoked = true;
    }

    /// The issuers of tokens of version 1 and 2.
    pub fn issuers(&self) -> [String; 2] {
        [format!("{}/{TENANT}/", self.site.url), format!("{}/{TENANT}/v2.0", self.site.url)]
    }

    /// What the token says that the marketplace shows, good for an hour from now on.
    pub fn claims(&self, now_ms: i64) -> Value {
        let now_s = now_ms / 1000;
        json!({
            "aud": APP, "iss": self.issuers()[0], "iat": now_s, "nbf": now_s, "exp": now_s + 3600,
            "appid": MARKETPLACE_APP, "appidacr": "2", "oid": TENANT, "sub": TENANT, "tid": TENANT,
            "ver": "1.0",
        })
    }

    /// Signs a token; gives the header that shows it.
    pub fn shows(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "k1", "x5t": "k1"});
        let signed = format!("{}.{}", part(&header), part(claims));
        let pair = RsaKeyPair::from_pkcs8(KEY).expect("a key");
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("signed");
        format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Drop for MicrosoftSite {
    fn drop(&mut self) {
        let wrong = &self.site.state.lock().wrong;
        assert!(wrong.is_empty() || std::thread::panicking(), "asked what is not documented: {wrong:#?}");
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, site: Arc<Site>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(|request| answer(site.clone(), request));
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
}

async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, body) = match site.fault(&asked) {
        Some(Fault::HangsUp) => return Err(io::Error::other("it hangs up")),
        Some(Fault::IsSilent) => std::future::pending().await,
        Some(Fault::Says(status, body)) => (status, body.to_owned()),
        Some(Fault::Repeats(status)) => refused(status, &format!("{:?} {}", asked.headers, asked.body)),
        None => site.carry_out(&asked).unwrap_or_else(|why| {
            let Asked { method, path, query, headers, body } = &asked;
            let wrong = format!("{why}: {method} {path}?{query} {headers:?} {body}");
            site.state.lock().wrong.push(wrong);
            refused(500, "it is not documented")
        }),
    };
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::from(body)).expect("an answer"))
}

impl Asked {
    fn name(&self) -> &'static str {
        let rest = self.path.strip_prefix(SUBSCRIPTIONS).unwrap_or_default();
        let parts: Vec<&str> = rest.split('/').collect();
        match (self.method.as_str(), &parts[..]) {
            ("POST", ["resolve"]) => "resolve",
            ("POST", [_, "activate"]) => "activate",
            ("GET", [id]) if !id.is_empty() => "subscription",
            ("GET", [_, "operations", _]) => "operation",
            ("PATCH", [_, "operations", _]) => "finish",
            ("POST", _) if self.path == "/api/batchUsageEvent" => "usage",
            ("POST", _) if self.path == format!("/{TENANT}/oauth2/v2.0/token") => "token",
            ("GET", _) if self.path.ends_with("/.well-known/openid-configuration") => "configuration",
            ("GET", _) if self.path == format!("/{TENANT}/discovery/keys") => "keys",
            _ => "nothing that there is",
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|error| format!("the body is no JSON: {error}"))
    }

    /// A part of the path below the subscriptions.
    fn part(&self, number: usize) -> &str {
        self.path.trim_start_matches(SUBSCRIPTIONS).split('/').nth(number).unwrap_or_default()
    }

    /// What every request to the marketplace has.
    fn check(&self) -> Result<(), String> {
        let is = |good: bool, why: &str| if good { Ok(()) } else { Err(why.to_owned()) };
        is(self.query == "api-version=2018-08-31", "another version")?;
        is(self.header("content-type") == "application/json", "another content-type")?;
        is(is_guid(self.header("x-ms-requestid")), "x-ms-requestid is no GUID")?;
        is(is_guid(self.header("x-ms-correlationid")), "x-ms-correlationid is no GUID")?;
        let length = if self.method == "GET" { String::new() } else { self.body.len().to_string() };
        is(self.header("content-length") == length, "another content-length")?;
        is(self.name() == "resolve" || self.header("x-ms-marketplace-token").is_empty(), "a token too many")
    }
}

/// The members of an object, which has these alone.
fn members<'v>(value: &'v Value, names: &[&str]) -> Result<&'v Value, String> {
    let object = value.as_object().ok_or("no object")?;
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(format!("'{name}' is not documented")),
        None => Ok(value),
    }
}

impl Site {
    fn fault(&self, asked: &Asked) -> Option<Fault> {
        let mut state = self.state.lock();
        let name = asked.name();
        state.calls.push(name);
        state.faults.get_mut(name)?.pop_front()
    }

    fn carry_out(&self, asked: &Asked) -> Result<Said, String> {
        match asked.name() {
            "token" => return self.token(asked),
            "configuration" => return self.configuration(asked),
            "keys" => return Ok(said(200, &self.keys())),
            _ => asked.check()?,
        }
        let good = {
            let mut state = self.state.lock();
            if !state.request_ids.insert(asked.header("x-ms-requestid").to_owned()) {
                return Err("a request's id comes again".to_owned());
            }
            (!state.is_revoked).then(|| format!("Bearer {APP_TOKEN}{}", state.tokens))
        };
        if good.as_deref() != Some(asked.header("authorization")) {
            return Ok((401, String::new()));
        }
        match asked.name() {
            "resolve" => self.resolve(asked),
            "activate" => self.activate(asked),
            "subscription" => Ok(self.found(self.market.subscribed(asked.part(0)))),
            "operation" => Ok(self.found(self.market.asked(asked.part(0), asked.part(2)))),
            "finish" => self.finish(asked),
            "usage" => self.usage(asked),
            other => Err(other.to_owned()),
        }
    }

    fn found(&self, answer: Option<Value>) -> Said {
        answer.map_or_else(|| refused(404, "There is no such thing."), |answer| said(200, &answer))
    }

    fn token(&self, asked: &Asked) -> Result<Said, String> {
        let form: BTreeMap<String, String> =
            form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
        let scope = format!("{MARKETPLACE_APP}/.default");
        let wanted = [("client_id", APP), ("grant_type", "client_credentials"), ("scope", &scope)];
        let wrong = wanted.iter().find(|(name, value)| form.get(*name).map(String::as_str) != Some(value));
        let is_form = asked.header("content-type") == "application/x-www-form-urlencoded";
        if wrong.is_some() || form.len() != 4 || !is_form {
            return Err("another form".to_owned());
        }
        if form.get("client_secret").map(String::as_str) != Some(SECRET) {
            let error = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 0\r\n";
            return Ok(said(401, &json!({"error": "invalid_client", "error_description": error})));
        }
        let mut state = self.state.lock();
        state.tokens += 1;
        state.is_revoked = false;
        let token = format!("{APP_TOKEN}{}", state.tokens);
        let answer = json!({
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token,
        });
        Ok(said(200, &answer))
    }

    fn configuration(&self, asked: &Asked) -> Result<Said, String> {
        let issuer = match asked.path.trim_end_matches(".well-known/openid-configuration") {
            path if path == format!("/{TENANT}/") => path,
            path if path == format!("/{TENANT}/v2.0/") => path.trim_end_matches('/'),
            _ => return Err("the issuer is another".to_owned()),
        };
        let keys = format!("{}/{TENANT}/discovery/keys", self.url);
        Ok(said(200, &json!({"issuer": format!("{}{issuer}", self.url), "jwks_uri": keys})))
    }

    fn keys(&self) -> Value {
        let pair = RsaKeyPair::from_pkcs8(KEY).expect("a key");
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "kid": "k1", "x5t": "k1",
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        }]})
    }

    fn resolve(&self, asked: &Asked) -> Result<Said, String> {
        if !asked.body.is_empty() {
            return Err("there is a body".to_owned());
        }
        let bought = self.market.bought(asked.header("x-ms-marketplace-token"));
        Ok(bought.map_or_else(|| refused(400, "The token is none."), |answer| said(200, &answer)))
    }

    fn activate(&self, asked: &Asked) -> Result<Said, String> {
        let body = asked.json()?;
        members(&body, &["planId", "quantity"])?;
        let Some(subscribed) = self.market.subscribed(asked.part(0)) else { return Ok(self.found(None)) };
        if body["planId"] != subscribed["planId"] {
            return Ok(refused(400, "Another plan was bought."));
        }
        if subscribed["saasSubscriptionStatus"] != "PendingFulfillmentStart" {
            return Ok(refused(400, "It is activated."));
        }
        self.market.activates(asked.part(0));
        Ok((200, String::new()))
    }

    fn finish(&self, asked: &Asked) -> Result<Said, String> {
        let body = asked.json()?;
        let success = match members(&body, &["status"])?["status"].as_str() {
            Some("Success") => true,
            Some("Failure") => false,
            _ => return Err("another status".to_owned()),
        };
        match self.market.asked(asked.part(0), asked.part(2)) {
            None => Ok(self.found(None)),
            Some(_) if self.market.is_answered(asked.part(2), success) => Ok((200, String::new())),
            Some(_) => Ok(refused(409, "It has an answer.")),
        }
    }

    fn usage(&self, asked: &Asked) -> Result<Said, String> {
        let body = asked.json()?;
        let events = members(&body, &["request"])?["request"].as_array().cloned().unwrap_or_default();
        if events.is_empty() || events.len() > 25 {
            return Err("1 to 25 events".to_owned());
        }
        let one = |event: &Value| {
            members(event, &["resourceId", "quantity", "dimension", "effectiveStartTime", "planId"])?;
            let text = |name: &str| event[name].as_str().ok_or(format!("no '{name}'"));
            let quantity =
                event["quantity"].as_u64().filter(|quantity| *quantity > 0).ok_or("no quantity")?;
            let hour_ms = Timestamp::parse(text("effectiveStartTime")?).map_err(|_| "no time")?.millis();
            if text("dimension")? != "overage-gib-hours" {
                return Err("another dimension".to_owned());
            }
            let mut item = self.market.uses((text("resourceId")?, text("planId")?, hour_ms, quantity));
            event.as_object().expect("an object").iter().for_each(|(name, of)| item[name] = of.clone());
            Ok(item)
        };
        let items = events.iter().map(one).collect::<Result<Vec<Value>, String>>()?;
        Ok(said(200, &json!({"count": items.len(), "result": items})))
    }
}
