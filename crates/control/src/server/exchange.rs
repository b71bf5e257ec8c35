//! One request and its reply, between HTTP's types and ours.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming as Body};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use isobar_arm::ArmError;
use isobar_arm::limits::REQUEST_BYTES_MAX;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::front::Front;
use crate::http::{Headers, Incoming, Query, Reply};
use crate::limits::{
    ANSWER_MAX, BODY_MAX, BUSY_RETRY_AFTER_S, LARGE_BODIES_AT_ONCE_MAX, QUERY_BYTES_MAX, SMALL_BODY_BYTES_MAX,
};
use crate::random::uuid;

/// Answers requests, so many at once.
pub(crate) struct Exchange {
    front: Arc<Front>,
    /// Of requests that are being answered.
    turns: Arc<Semaphore>,
    /// Of large bodies that are being read.
    large: Semaphore,
}

/// What a request and its answer are called.
struct Ids {
    request: String,
    correlation: String,
    /// What the client calls it, if that is to be repeated.
    client: Option<String>,
}

impl Exchange {
    /// Answers by a front, so many at once.
    pub(crate) fn new(front: Arc<Front>, at_once: usize) -> Exchange {
        let turns = Arc::new(Semaphore::new(at_once));
        Exchange { front, turns, large: Semaphore::new(LARGE_BODIES_AT_ONCE_MAX) }
    }

    /// Answers a request, whatever it is.
    pub(super) async fn answer(&self, request: Request<Body>, peer: IpAddr) -> Response<Full<Bytes>> {
        let begun = Instant::now();
        let headers = Headers::read(|name| text(request.headers(), name));
        let ids = Ids::of(request.headers(), &headers);
        let method = request.method().as_str().to_owned();
        let path = request.uri().path().to_owned();
        let reply = self.reply(request, headers, &ids, peer).await;
        let (status, ms) = (reply.status, begun.elapsed().as_millis());
        tracing::info!(method, path, status, ms, request = ids.request, correlation = ids.correlation);
        response(reply, &ids)
    }

    async fn reply(&self, request: Request<Body>, headers: Headers, ids: &Ids, peer: IpAddr) -> Reply {
        // Whoever sends slowly holds up nobody else: his turn comes when all is there.
        let incoming = match self.read(request, headers, ids, peer).await {
            Ok(incoming) => incoming,
            Err(error) => return Reply::refusal(&error),
        };
        let Ok(turn) = self.turns.clone().try_acquire_owned() else {
            return Reply::refusal(&ArmError::too_many_requests(BUSY_RETRY_AFTER_S));
        };
        let front = self.front.clone();
        // A task of its own: a client that goes away does not end it half way, and neither does a panic end
        // the connection.
        let answering = tokio::spawn(timeout(ANSWER_MAX, async move {
            let _turn = turn;
            front.answer(incoming).await
        }));
        match answering.await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => {
                let why = "The request took too long. Try again.";
                Reply::refusal(&ArmError::service_unavailable(why, BUSY_RETRY_AFTER_S))
            }
            Err(error) => {
                tracing::error!(%error, request = ids.request, "a request failed");
                Reply::refusal(&ArmError::internal_server_error("the log says more"))
            }
        }
    }

    /// Reads all of a request.
    async fn read(
        &self,
        request: Request<Body>,
        headers: Headers,
        ids: &Ids,
        peer: IpAddr,
    ) -> Result<Incoming, ArmError> {
        let (parts, body) = request.into_parts();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        if raw_query.len() > QUERY_BYTES_MAX {
            return Err(ArmError::new(414, "RequestUriTooLong", "The query is too long."));
        }
        check_conditions(&parts.headers)?;
        let host = text(&parts.headers, "host");
        let host = host.or(parts.uri.authority().map(|authority| authority.as_str()));
        let app = self.front.app();
        Ok(Incoming {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: Query::parse(raw_query.as_bytes())?,
            raw_query,
            headers,
            body: self.body(body).await?,
            peer,
            now: app.time.now(),
            request_id: ids.request.clone(),
            correlation: ids.correlation.clone(),
            base: app.names.chosen_by(host),
        })
    }

    /// Reads a body. Only so many large ones are in memory at the same time, or may turn out to be large.
    async fn body(&self, body: Body) -> Result<Bytes, ArmError> {
        let is_small = body.size_hint().upper().is_some_and(|bytes| bytes <= SMALL_BODY_BYTES_MAX);
        let _place = match is_small {
            true => None,
            false => match self.large.try_acquire() {
                Ok(place) => Some(place),
                Err(_) => return Err(ArmError::too_many_requests(BUSY_RETRY_AFTER_S)),
            },
        };
        let reading = Limited::new(body, REQUEST_BYTES_MAX).collect();
        let read = timeout(BODY_MAX, reading).await.map_err(|_| {
            ArmError::new(408, "RequestTimeout", "The request's body did not arrive in time.")
        })?;
        let read = read.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => ArmError::request_too_large(REQUEST_BYTES_MAX),
            None => ArmError::invalid_request_content("the body ended early"),
        })?;
        Ok(read.to_bytes())
    }
}

impl Ids {
    fn of(map: &HeaderMap, headers: &Headers) -> Ids {
        // Without randomness the ids are of no use, and nothing else fails for that.
        let request = uuid().unwrap_or_default();
        let given = text(map, "x-ms-correlation-request-id");
        let correlation = given.filter(|id| isobar_arm::names::is_guid(id)).unwrap_or(&request).to_owned();
        let client = headers.client_request_id.clone().filter(|_| headers.return_client_request_id);
        Ids { request, correlation, client }
    }
}

/// A header, if it is text.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Refuses a condition that is not text: it must not count as none, or what it guards would be written.
fn check_conditions(headers: &HeaderMap) -> Result<(), ArmError> {
    for name in ["If-Match", "If-None-Match"] {
        if headers.get_all(name).iter().any(|value| value.to_str().is_err()) {
            let hint = "It has to be * or a list of tags in plain ASCII.";
            return Err(ArmError::invalid_parameter_value(name, "", hint));
        }
    }
    Ok(())
}

/// Writes a reply.
fn response(reply: Reply, ids: &Ids) -> Response<Full<Bytes>> {
    let has_body = reply.body.is_some();
    let body = match (reply.file, reply.body) {
        (Some(file), _) => file,
        (None, body) => body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = vec![
        ("x-ms-request-id", ids.request.clone()),
        ("x-ms-correlation-request-id", ids.correlation.clone()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    if has_body {
        headers.push(("content-type", "application/json; charset=utf-8".to_owned()));
    }
    headers.extend(ids.client.clone().map(|id| ("x-ms-client-request-id", id)));
    headers.extend(reply.etag.map(|tag| ("etag", tag)));
    headers.extend(reply.retry_after_s.map(|seconds| ("retry-after", seconds.to_string())));
    headers.extend(reply.headers);
    for (name, value) in headers {
        match HeaderValue::from_str(&value) {
            Ok(value) => drop(response.headers_mut().insert(HeaderName::from_static(name), value)),
            Err(error) => tracing::error!(%error, name, "a header was left out"),
        }
    }
    response
}
