//! The way of a request: route, version, token, admission, locks, handler, audit entry.
//!
//! What an operation reads it reads as of one moment. What it writes is one transaction with its audit entry;
//! a write that is refused has an entry of its own, as soon as it is known who tried. What is open to anybody
//! writes its own entry, when it changes something.

use std::sync::Arc;
use std::time::Instant;

use isobar_arm::ArmError;
use isobar_arm::etag::{Access, Verdict};
use isobar_records::{Snapshot, Tx};

use crate::access::Rights;
use crate::admission::{admit, authenticate};
use crate::app::App;
use crate::audit;
use crate::call::{Call, Caller};
use crate::handler::{Answering, Handler, Inside, Prepared, Preparing, Row};
use crate::http::{Incoming, Reply};
use crate::locking;
use crate::page;
use crate::refusal::Refusal;
use crate::table::{Catalog, Found, Gate, Method, Routes, read_path};

/// Where all requests come in.
pub(crate) struct Front {
    app: Arc<App>,
    rows: Vec<&'static Row>,
    routes: Routes,
}

impl Front {
    /// For these rows.
    pub(crate) fn new(app: Arc<App>, rows: Vec<&'static Row>) -> Front {
        let routes = Routes::new(rows.iter().map(|row| &row.operation));
        Front { app, rows, routes }
    }

    /// What every request has at hand.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Incoming) -> Reply {
        let base = request.base.clone();
        let (begun, mut operation) = (Instant::now(), None);
        let mut reply = match self.route(request, &mut operation).await {
            Ok(reply) => reply,
            Err(Refusal(error)) => Reply::refusal(&error),
        };
        self.app.requests.answered(operation, reply.status, begun.elapsed());
        if reply.status == 401 {
            let tenant = self.app.issuer.tenant();
            let challenge = format!("Bearer authorization_uri=\"{base}/{tenant}\", error=\"invalid_token\"");
            reply = reply.header("www-authenticate", challenge);
        }
        reply
    }

    /// Answers it, and notes of which operation it is.
    async fn route(&self, request: Incoming, operation: &mut Option<&'static str>) -> Result<Reply, Refusal> {
        let path = read_path(&request.path)?;
        if let Some(file) = page::find(&path) {
            return file.answer(&request);
        }
        let found = self.routes.find(Method::parse(&request.method), &path);
        if let Found::OtherMethods(methods) = &found {
            let allowed: Vec<&str> = methods.iter().copied().map(Method::as_str).collect();
            let error = ArmError::method_not_allowed(&request.method, &allowed);
            return Ok(Reply::refusal(&error).header("allow", allowed.join(", ")));
        }
        if let Found::Operation { at, .. } = &found {
            *operation = Some(self.rows[*at].operation.id);
        }
        let caller = match &found {
            Found::Operation { at, .. } if self.rows[*at].operation.gate != Gate::Open => {
                authenticate(&self.app, &request).await?
            }
            _ => Caller::default(),
        };
        let Prepared { mut call, row } = self.find(request, &path, found, caller)?;
        match row.handler {
            Handler::Read(handler) => {
                self.fetch(&mut call, row).await?;
                self.read(&mut call, handler).await
            }
            Handler::Write(handler) => self.write(&mut call, row, handler).await,
            Handler::Probe(handler) => {
                let mut snapshot = self.app.records.read().await?;
                admit(&mut call, &mut snapshot).await?;
                drop(snapshot);
                handler(&call, self).await
            }
        }
    }

    /// The call of a request.
    fn find(
        &self,
        request: Incoming,
        path: &[String],
        found: Found,
        caller: Caller,
    ) -> Result<Prepared, Refusal> {
        let (row, params, target) = match found {
            Found::Operation { at, params, target } => (self.rows[at], params, target),
            Found::Invalid(error) => return Err(error.into()),
            Found::Nothing | Found::OtherMethods(_) => return Err(self.nothing(&request, path).into()),
        };
        let operation = &row.operation;
        let caller = if operation.gate == Gate::Open { Caller::default() } else { caller };
        let places = (params.find("location").unwrap_or("global"), &*self.app.region_names());
        operation.versions.check(request.query.get("api-version"), Catalog::type_of(operation), places)?;
        let rights = Rights::default();
        let app = self.app.clone();
        let call = Call { app, request, operation, params, target, caller, rights, fetched: None };
        Ok(Prepared { call, row })
    }

    /// Fetches what an operation needs from elsewhere, for whoever may have it.
    async fn fetch(&self, call: &mut Call, row: &Row) -> Result<(), Refusal> {
        let Some(errand) = row.errand else { return Ok(()) };
        let mut snapshot = self.app.records.read().await?;
        admit(call, &mut snapshot).await?;
        let errand = errand(call, &mut snapshot).await?;
        // Nothing of the records is held meanwhile.
        drop(snapshot);
        call.fetched = Some(errand.await?);
        Ok(())
    }

    async fn read(
        &self,
        call: &mut Call,
        handler: for<'a> fn(&'a Call, &'a mut Snapshot) -> Answering<'a>,
    ) -> Result<Reply, Refusal> {
        let mut snapshot = self.app.records.read().await?;
        let reply = read_in(call, handler, &mut snapshot).await?;
        let Some(tag) = &reply.etag else { return Ok(reply) };
        match call.request.conditions().evaluate(Access::Read, Some(tag))? {
            Verdict::Proceed => Ok(reply),
            Verdict::NotModified => Ok(Reply { etag: reply.etag, ..Reply::empty(304) }),
            Verdict::PreconditionFailed => Err(ArmError::precondition_failed().into()),
        }
    }

    async fn write(
        &self,
        call: &mut Call,
        row: &Row,
        handler: for<'a> fn(&'a Call, &'a mut Tx) -> Answering<'a>,
    ) -> Result<Reply, Refusal> {
        let done = match self.fetch(call, row).await {
            Ok(()) => self.try_to_write(call, handler).await,
            Err(refusal) => Err(refusal),
        };
        // Strangers could fill the log: nobody knows who they are.
        if let Err(Refusal(error)) = &done
            && error.status() != 401
            && call.operation.gate != Gate::Open
            && let Err(Refusal(why)) = self.note(call, error).await
        {
            tracing::error!(error = %why, request = call.request.request_id, "a refusal is not in the audit log");
        }
        done
    }

    async fn try_to_write(
        &self,
        call: &mut Call,
        handler: for<'a> fn(&'a Call, &'a mut Tx) -> Answering<'a>,
    ) -> Result<Reply, Refusal> {
        let mut tx = self.app.records.begin().await?;
        let reply = write_in(call, handler, &mut tx).await?;
        tx.commit().await?;
        if reply.started {
            self.app.engine.notify();
        }
        Ok(reply)
    }

    /// Notes a write that was refused.
    async fn note(&self, call: &Call, error: &ArmError) -> Result<(), Refusal> {
        let mut tx = self.app.records.begin().await?;
        tx.append_audit(&audit::entry(call, error.status(), Some(error.code()))).await?;
        Ok(tx.commit().await?)
    }

    /// The refusal of a path that leads nowhere, in ARM's words.
    fn nothing(&self, request: &Incoming, path: &[String]) -> ArmError {
        let catalog = &self.app.catalog;
        let is_providers = |word: &String| word.eq_ignore_ascii_case("providers");
        if let Some(at) = path.iter().rposition(is_providers) {
            let Some(name) = path.get(at + 1) else { return ArmError::not_found("The page") };
            let Some(namespace) = catalog.namespace(name) else {
                return ArmError::invalid_resource_namespace(name);
            };
            let kinds: Vec<&str> = path[at + 2..].iter().step_by(2).map(String::as_str).collect();
            let version = request.query.get("api-version").unwrap_or_default();
            return ArmError::invalid_resource_type(namespace, &kinds.join("/"), version);
        }
        match path.first() {
            Some(first) if first.eq_ignore_ascii_case("subscriptions") => ArmError::not_found("The page"),
            _ => {
                let message =
                    "The request did not have a subscription or a valid tenant level resource provider.";
                ArmError::new(404, "MissingSubscription", message)
            }
        }
    }
}

async fn read_in(
    call: &mut Call,
    handler: for<'a> fn(&'a Call, &'a mut Snapshot) -> Answering<'a>,
    snapshot: &mut Snapshot,
) -> Result<Reply, Refusal> {
    admit(call, snapshot).await?;
    let found = handler(call, snapshot).await;
    if call.operation.method == Method::Head { existence(found) } else { found }
}

/// What a HEAD tells: whether its GET has found something. Whatever else is wrong is told as it is.
fn existence(found: Result<Reply, Refusal>) -> Result<Reply, Refusal> {
    match found {
        Ok(_) => Ok(Reply::empty(204)),
        Err(Refusal(error)) if error.status() == 404 => Ok(Reply::empty(404)),
        Err(refusal) => Err(refusal),
    }
}

async fn write_in(
    call: &mut Call,
    handler: for<'a> fn(&'a Call, &'a mut Tx) -> Answering<'a>,
    tx: &mut Tx,
) -> Result<Reply, Refusal> {
    admit(call, tx).await?;
    locking::check(call, tx).await?;
    let reply = handler(call, tx).await?;
    if call.operation.gate != Gate::Open {
        tx.append_audit(&audit::entry(call, reply.status, None)).await?;
    }
    Ok(reply)
}

impl Inside for Front {
    fn prepare(&self, request: Incoming, caller: Caller) -> Preparing<'_> {
        Box::pin(async move {
            let path = read_path(&request.path)?;
            let found = self.routes.find(Method::parse(&request.method), &path);
            let mut prepared = self.find(request, &path, found, caller)?;
            self.fetch(&mut prepared.call, prepared.row).await?;
            Ok(prepared)
        })
    }

    fn read<'a>(&'a self, prepared: &'a mut Prepared, snapshot: &'a mut Snapshot) -> Answering<'a> {
        match prepared.row.handler {
            Handler::Read(handler) => Box::pin(read_in(&mut prepared.call, handler, snapshot)),
            Handler::Write(_) | Handler::Probe(_) => Box::pin(async { Err(other_kind()) }),
        }
    }

    fn write<'a>(&'a self, prepared: &'a mut Prepared, tx: &'a mut Tx) -> Answering<'a> {
        match prepared.row.handler {
            Handler::Write(handler) => Box::pin(write_in(&mut prepared.call, handler, tx)),
            Handler::Read(_) | Handler::Probe(_) => Box::pin(async { Err(other_kind()) }),
        }
    }

    fn notify(&self) {
        self.app.engine.notify();
    }
}

/// The refusal of a request that was taken for one of another kind, which is our own mistake.
fn other_kind() -> Refusal {
    ArmError::internal_server_error("a request is of another kind").into()
}
