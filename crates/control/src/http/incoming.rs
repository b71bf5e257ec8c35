//! A request as it came in, before anybody knows what it is for.

use std::net::IpAddr;

use bytes::Bytes;
use isobar_arm::Timestamp;
use isobar_arm::etag::Conditions;

use super::query::Query;
use crate::limits::CLIENT_REQUEST_ID_BYTES_MAX;

/// Headers that mean something here.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    /// `Authorization`. It is never logged.
    pub authorization: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `x-ms-client-request-id`, if it is one to repeat.
    pub client_request_id: Option<String>,
    /// Whether it is to be repeated.
    pub return_client_request_id: bool,
}

/// A request.
pub(crate) struct Incoming {
    /// The method, as it was sent.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent.
    pub raw_query: String,
    /// The query.
    pub query: Query,
    /// Headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
    /// Who sent it.
    pub peer: IpAddr,
    /// When.
    pub now: Timestamp,
    /// What it is called in the log and in the answer.
    pub request_id: String,
    /// What this and other requests of one doing are called.
    pub correlation: String,
    /// The address under which the client knows this server: `https://host:port`.
    pub base: String,
}

impl Incoming {
    /// The conditions under which it is meant.
    pub(crate) fn conditions(&self) -> Conditions<'_> {
        let Headers { if_match, if_none_match, .. } = &self.headers;
        Conditions { if_match: if_match.as_deref(), if_none_match: if_none_match.as_deref() }
    }

    /// Its address as the client sees it.
    pub(crate) fn url(&self) -> String {
        let between = if self.raw_query.is_empty() { "" } else { "?" };
        format!("{}{}{between}{}", self.base, self.path, self.raw_query)
    }
}

/// What a client calls its request, if that is something to write into a header or a log.
pub(crate) fn client_request_id(text: &str) -> Option<String> {
    let fits = (1..=CLIENT_REQUEST_ID_BYTES_MAX).contains(&text.len());
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte));
    (fits && plain).then(|| text.to_owned())
}

impl Headers {
    /// From what a server has read: `get` gives a header's text by its name in small letters.
    pub(crate) fn read<'h>(get: impl Fn(&str) -> Option<&'h str>) -> Headers {
        let owned = |name: &str| get(name).map(str::to_owned);
        let wanted = get("x-ms-return-client-request-id");
        Headers {
            authorization: owned("authorization"),
            content_type: owned("content-type"),
            if_match: owned("if-match"),
            if_none_match: owned("if-none-match"),
            client_request_id: get("x-ms-client-request-id").and_then(client_request_id),
            return_client_request_id: wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case("true")),
        }
    }
}
