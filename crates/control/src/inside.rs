//! The way in for what this program asks of itself: whoever holds the door can make requests once the front
//! is there.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use isobar_arm::{ResourceId, Timestamp};
use serde_json::Value;

use crate::call::Caller;
use crate::handler::Inside;
use crate::http::{Headers, Incoming, Query};
use crate::random::uuid;
use crate::refusal::Refusal;
use crate::table::Method;

/// The door. Workflows are made before the front, which stands on them; so it is opened later.
#[derive(Default)]
pub(crate) struct Door(OnceLock<Weak<dyn Inside>>);

impl Door {
    /// Opens it.
    pub(crate) fn open(&self, inside: &Arc<dyn Inside>) {
        // The first one counts, and there is one.
        let _ = self.0.set(Arc::downgrade(inside));
    }

    /// What is behind it; nothing before it is open, and after the end.
    pub(crate) fn inside(&self) -> Option<Arc<dyn Inside>> {
        self.0.get().and_then(Weak::upgrade)
    }
}

/// Somebody in whose name requests are made.
#[derive(Clone)]
pub(crate) struct Asker {
    /// Who.
    pub caller: Caller,
    /// What all of his requests are called.
    pub correlation: String,
    /// The address under which he knows this server.
    pub base: String,
    /// Now.
    pub now: Timestamp,
}

impl Asker {
    /// A request for a resource.
    ///
    /// # Errors
    /// There is no randomness for its id.
    pub(crate) fn request(
        &self,
        method: Method,
        id: &ResourceId,
        api_version: &str,
        body: Option<&Value>,
    ) -> Result<Incoming, Refusal> {
        let version = form_urlencoded::byte_serialize(api_version.as_bytes()).collect::<String>();
        let raw_query = format!("api-version={version}");
        Ok(Incoming {
            method: method.as_str().to_owned(),
            path: id.to_string(),
            query: Query::parse(raw_query.as_bytes())?,
            raw_query,
            headers: Headers::default(),
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            now: self.now,
            request_id: uuid()?,
            correlation: self.correlation.clone(),
            base: self.base.clone(),
        })
    }
}
