//! One call of an operation: the request, what it is for, who calls, and what they are allowed.

use std::sync::Arc;

use isobar_arm::filter::{Filter, Vocabulary};
use isobar_arm::paging::{Page, Paging};
use isobar_arm::{ArmError, ResourceId, Timestamp, jsonc, parse_json};
use isobar_provider::{Misfit, Secrets};
use serde_json::{Map, Value};

use crate::access::Rights;
use crate::app::App;
use crate::http::{Incoming, Reply};
use crate::identity::IssuerKeys;
use crate::marketplace::{Confirmed, Purchase};
use crate::refusal::Refusal;
use crate::store::{Author, Stored};
use crate::table::{NAMESPACE, OUR_NEWEST_VERSION, Operation, Params};
use crate::watch::Sight;

/// Who calls.
#[derive(Clone, Default, Debug)]
pub(crate) struct Caller {
    /// What roles name it by; empty for nobody.
    pub object_id: String,
    /// What it logs in with.
    pub app_id: String,
}

/// One call of an operation.
pub(crate) struct Call {
    /// What every request has at hand.
    pub app: Arc<App>,
    /// The request.
    pub request: Incoming,
    /// The operation.
    pub operation: &'static Operation,
    /// The parameters of the path.
    pub params: Params,
    /// What it is about: a resource, the one that a list is in, or the scope of an extension.
    pub target: ResourceId,
    /// Who calls.
    pub caller: Caller,
    /// What the caller is allowed, in the tenant and in the subscription of the target.
    pub rights: Rights,
    /// What was fetched from elsewhere before it is carried out.
    pub fetched: Option<Fetched>,
}

/// What is fetched from elsewhere.
pub(crate) enum Fetched {
    /// There was nothing to fetch.
    Nothing,
    /// How a cluster is now.
    Sight(Arc<Sight>),
    /// What a client needs to mount a cluster.
    Secrets(Secrets),
    /// What of a plan does not fit.
    Misfits(Vec<Misfit>),
    /// What was bought, where somebody says that something was.
    Purchase(Option<Purchase>),
    /// What Microsoft says that happened to a purchase.
    Notice(Confirmed),
    /// The keys of another issuer, and the audience that a token of it has to be for.
    Issuer(Arc<IssuerKeys>, String),
}

impl Call {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.request.now
    }

    /// Who writes, and when.
    pub(crate) fn author(&self) -> Author<'_> {
        Author { name: &self.caller.app_id, now: self.request.now }
    }

    /// The subscription that the path names.
    ///
    /// # Errors
    /// It names none, or none that can be.
    pub(crate) fn subscription(&self) -> Result<ResourceId, Refusal> {
        let id = self.target.subscription().unwrap_or_default();
        isobar_arm::names::check_subscription(id)?;
        Ok(ResourceId::parse(&format!("/subscriptions/{id}"))?)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It says that it is something else, or is none.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        self.check_media_type()?;
        Ok(parse_json(&self.request.body)?)
    }

    /// The body as JSON, or as what `az` sends in its place when it deploys a template.
    ///
    /// # Errors
    /// It says that it is something else, or is none.
    pub(crate) fn jsonc(&self) -> Result<Value, Refusal> {
        self.check_media_type()?;
        Ok(jsonc::parse(&self.request.body).map_err(ArmError::from)?)
    }

    fn check_media_type(&self) -> Result<(), Refusal> {
        let given = self.request.headers.content_type.as_deref().unwrap_or("application/json");
        let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
            return Err(ArmError::unsupported_media_type(given).into());
        }
        Ok(())
    }

    /// Refuses a write whose conditions do not hold for what is there.
    ///
    /// # Errors
    /// 412, or a condition that is none.
    pub(crate) fn check_conditions(&self, current: Option<&Stored>) -> Result<(), Refusal> {
        let tag = current.map(Stored::etag);
        Ok(self.request.conditions().check_write(tag.as_deref())?)
    }

    /// The list's conditions.
    ///
    /// # Errors
    /// They are not understood.
    pub(crate) fn filter(&self, vocabulary: &Vocabulary) -> Result<Filter, Refusal> {
        Ok(Filter::parse(self.request.query.get("$filter").unwrap_or_default(), vocabulary)?)
    }

    /// Which page of a list is asked for.
    ///
    /// # Errors
    /// `$top` or `$skipToken` is wrong.
    pub(crate) fn paging(&self) -> Result<Paging, Refusal> {
        let query = &self.request.query;
        Ok(Paging::read(query.get("$top"), query.get("$skipToken"), &self.list())?)
    }

    /// The answer with a page of what was fetched.
    pub(crate) fn page<T>(
        &self,
        paging: &Paging,
        items: Vec<T>,
        key: impl Fn(&T) -> String,
        show: impl Fn(&T) -> Result<Value, Refusal>,
    ) -> Result<Reply, Refusal> {
        let page = paging.page(items, &self.request.url(), &self.list(), key);
        let value = page.value.iter().map(show).collect::<Result<Vec<_>, _>>()?;
        Ok(Reply::of(200, &Page { value, next_link: page.next_link })?)
    }

    /// What a list's tokens are good for: its path, whatever slashes it was sent with.
    fn list(&self) -> String {
        let segments: Vec<&str> = self.request.path.split('/').filter(|part| !part.is_empty()).collect();
        segments.join("/").to_lowercase()
    }

    /// Where an operation's status, or its result, can be asked for.
    pub(crate) fn operation_url(&self, kind: &str, location: &str, operation: &str) -> String {
        let subscription = self.target.subscription().unwrap_or_default();
        format!(
            "{}/subscriptions/{subscription}/providers/{NAMESPACE}/locations/{location}/{kind}/{operation}\
             ?api-version={OUR_NEWEST_VERSION}",
            self.request.base
        )
    }
}

/// An object of a few members.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
