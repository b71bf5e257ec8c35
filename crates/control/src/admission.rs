//! Who may come in: the token, the principal, the subscription, and what is allowed in it.
//!
//! In ARM's order: no good token is 401, of whatever is in the table; then a subscription that is not there
//! is 404; then what is not allowed is 403, whether or not it is there; the state of the subscription is
//! looked at last.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::Snapshot;

use crate::access::Rights;
use crate::app::App;
use crate::call::{Call, Caller};
use crate::http::Incoming;
use crate::identity::{Federation, Flaw, ForeignClaims, Jwt, Principal};
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::subscription::{State, unregistered};
use crate::table::{Catalog, Gate, NAMESPACE};

/// Who calls, from the token of a request. The records are asked only where another issuer has made it.
///
/// # Errors
/// 401; 503 if that issuer cannot be asked for its keys.
pub(crate) async fn authenticate(app: &App, request: &Incoming) -> Result<Caller, Refusal> {
    let header = request.headers.authorization.as_deref().ok_or_else(ArmError::authentication_failed)?;
    let (scheme, token) = header.trim().split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ArmError::invalid_authentication_token("It has to be a bearer token.").into());
    }
    let checked = match app.issuer.check(token.trim(), request.now) {
        Ok(claims) => Ok(Caller { object_id: claims.oid, app_id: claims.appid }),
        Err(Flaw::Forged) => of_another_issuer(app, token.trim(), request).await?,
        Err(flaw) => Err(flaw),
    };
    checked.map_err(|flaw| match flaw {
        Flaw::Expired => ArmError::expired_authentication_token().into(),
        flaw => ArmError::invalid_authentication_token(flaw.words()).into(),
    })
}

/// Who calls with a token that is not ours: the principal that has a federated credential for it.
async fn of_another_issuer(
    app: &App,
    token: &str,
    request: &Incoming,
) -> Result<Result<Caller, Flaw>, Refusal> {
    let read = Jwt::read(token).and_then(|jwt| Ok((jwt.claims::<ForeignClaims>()?, jwt)));
    let Ok((claims, jwt)) = read else { return Ok(Err(Flaw::Forged)) };
    // Whoever names us has signed with another key than ours.
    if app.issuer.is_named(&claims.iss) {
        return Ok(Err(Flaw::Forged));
    }
    let mut snapshot = app.records.read().await?;
    let Some(federation) = Federation::find(&mut snapshot, &claims.iss, &claims.sub).await? else {
        return Ok(Err(Flaw::Stranger));
    };
    let principal = Principal::by_app_id(&mut snapshot, &federation.app_id).await?;
    // Nothing of the records is held while somebody else is asked.
    drop(snapshot);
    let Some(principal) = principal else { return Ok(Err(Flaw::Principal)) };
    let keys = app.foreign.keys(&federation.issuer, jwt.key_id.as_deref(), request.now).await?;
    let checked = keys.check((&jwt, &claims), &federation.audience, request.now);
    Ok(checked.map(|()| Caller { object_id: principal.object_id, app_id: principal.app_id }))
}

/// Lets a call in, or refuses it. The call knows its rights then.
///
/// # Errors
/// 401, 403, 404, 409.
pub(crate) async fn admit(call: &mut Call, snapshot: &mut Snapshot) -> Result<(), Refusal> {
    let gate = call.operation.gate;
    if gate == Gate::Open {
        return Ok(());
    }
    let principal = Principal::by_app_id(snapshot, &call.caller.app_id).await?;
    if principal.is_none_or(|principal| principal.object_id != call.caller.object_id) {
        return Err(ArmError::invalid_authentication_token(Flaw::Principal.words()).into());
    }
    let subscription = call.target.subscription().map(str::to_owned);
    call.rights = Rights::load(snapshot, &call.caller.object_id, subscription.as_deref()).await?;
    match gate {
        Gate::Open | Gate::LoggedIn => Ok(()),
        Gate::AllowedInTenant => check(call, call.rights.allow(call.operation.action, &ResourceId::tenant())),
        Gate::InSubscription | Gate::Allowed => admit_to_subscription(call, snapshot).await,
    }
}

async fn admit_to_subscription(call: &Call, snapshot: &mut Snapshot) -> Result<(), Refusal> {
    let in_tenant = call.target.subscription().is_none();
    let id = if in_tenant { ResourceId::tenant() } else { call.subscription()? };
    let subscription = if in_tenant { None } else { Some(Stored::get(snapshot, &id).await?) };
    if let Some(subscription) = &subscription {
        State::of(subscription).check(id.name(), false)?;
    }
    let allowed = match call.operation.gate {
        Gate::InSubscription => call.rights.reach(&id),
        _ => call.rights.allow(call.operation.action, &call.target),
    };
    check(call, allowed)?;
    if let Some(subscription) = subscription.filter(|_| call.operation.writes()) {
        State::of(&subscription).check(id.name(), true)?;
        let is_ours = Catalog::namespace_of(call.operation).eq_ignore_ascii_case(NAMESPACE);
        if is_ours && unregistered(&subscription).iter().any(|of| of.eq_ignore_ascii_case(NAMESPACE)) {
            return Err(ArmError::missing_subscription_registration(NAMESPACE).into());
        }
    }
    Ok(())
}

/// Refuses a call that is not allowed.
///
/// # Errors
/// 403.
pub(crate) fn check(call: &Call, allowed: bool) -> Result<(), Refusal> {
    if allowed {
        return Ok(());
    }
    let Caller { object_id, app_id } = &call.caller;
    let scope = call.target.to_string();
    Err(ArmError::authorization_failed(app_id, object_id, call.operation.action, &scope).into())
}
