//! Logging in: the token endpoint, and what clients read before they find it.
//!
//! There are two styles of addresses: that of ADFS, which `az` uses since the login endpoint ends in `/adfs`,
//! and that of Entra, which the SDKs use. `az login --tenant adfs` asks for `/adfs/adfs/…` first.
//!
//! A client asks for an audience, as `scope` with `/.default` behind it or as `resource`; the audiences that
//! the metadata name end in a slash, so `az` asks for `https://host//.default`. Slashes at the end do not
//! count.

use isobar_arm::ArmError;
use isobar_records::Snapshot;
use serde_json::{Value, json};

use crate::call::Call;
use crate::handler::{Handler, Row, read};
use crate::http::{Query, Reply};
use crate::identity::Principal;
use crate::limits::{FORM_BYTES_MAX, TOKEN_LIFE};
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Operation};

const TOKEN: Display =
    Display::of("Login", "Get a token", "An access token for a client that knows its secret.");
const OPENID: Display = Display::of("Login", "Get the configuration", "Where tokens are made, and by whom.");
const KEYS: Display = Display::of("Login", "Get keys", "The public keys that tokens are signed with.");

/// Why nobody types any of it.
const LOGIN: &str = "clients log in with it";

const GRANTED: &[Answer] = &[Answer::of(200, "TokenResponse", "The token.")];
const DOCUMENT: &[Answer] = &[Answer::of(200, "Anything", "The document.")];

const fn token_at(id: &'static str, path: &'static str) -> Row {
    let operation = Operation { display: TOKEN, ..Operation::post(id, path) }.for_programs(LOGIN);
    Row::new(operation.takes("TokenRequest").answers(GRANTED), read!(token))
}

const fn read_at(id: &'static str, path: &'static str, display: Display, handler: Handler) -> Row {
    let operation = Operation { display, ..Operation::get(id, path) }.for_programs(LOGIN);
    Row::new(operation.answers(DOCUMENT), handler)
}

const fn openid_at(id: &'static str, path: &'static str) -> Row {
    read_at(id, path, OPENID, read!(configuration))
}

pub(crate) const ROWS: &[Row] = &[
    token_at("Login_TokenAdfs", "/adfs/oauth2/token"),
    token_at("Login_TokenAdfsV2", "/adfs/oauth2/v2.0/token"),
    token_at("Login_Token", "/{tenantId}/oauth2/v2.0/token"),
    token_at("Login_TokenV1", "/{tenantId}/oauth2/token"),
    openid_at("Login_ConfigurationAdfs", "/adfs/.well-known/openid-configuration"),
    openid_at("Login_ConfigurationAdfsTenant", "/adfs/{tenantId}/v2.0/.well-known/openid-configuration"),
    openid_at("Login_Configuration", "/{tenantId}/v2.0/.well-known/openid-configuration"),
    openid_at("Login_ConfigurationV1", "/{tenantId}/.well-known/openid-configuration"),
    read_at("Login_KeysAdfs", "/adfs/discovery/keys", KEYS, read!(keys)),
    read_at("Login_Keys", "/{tenantId}/discovery/v2.0/keys", KEYS, read!(keys)),
];

/// Whether the path names our tenant. `adfs` does, where there is one tenant.
fn check_tenant(call: &Call) -> Result<(), Refusal> {
    let tenant = call.params.find("tenantId").unwrap_or("adfs");
    if tenant.eq_ignore_ascii_case("adfs") || tenant.eq_ignore_ascii_case(call.app.issuer.tenant()) {
        return Ok(());
    }
    Err(ArmError::not_found("The tenant").into())
}

fn is_adfs(call: &Call) -> bool {
    call.operation.path.starts_with("/adfs")
}

async fn configuration(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    check_tenant(call)?;
    let (base, tenant) = (&call.request.base, call.app.issuer.tenant());
    let (authorize, token, keys) = match is_adfs(call) {
        true => (
            "adfs/oauth2/authorize".to_owned(),
            "adfs/oauth2/token".to_owned(),
            "adfs/discovery/keys".to_owned(),
        ),
        false => (
            format!("{tenant}/oauth2/v2.0/authorize"),
            format!("{tenant}/oauth2/v2.0/token"),
            format!("{tenant}/discovery/v2.0/keys"),
        ),
    };
    Ok(Reply::json(
        200,
        json!({
            "issuer": call.app.issuer.name(base),
            "authorization_endpoint": format!("{base}/{authorize}"),
            "token_endpoint": format!("{base}/{token}"),
            "jwks_uri": format!("{base}/{keys}"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }),
    ))
}

async fn keys(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    check_tenant(call)?;
    Ok(Reply::json(200, json!({"keys": [call.app.issuer.key().public()]})))
}

/// A refusal in OAuth's form (RFC 6749, 5.2), with a description in Entra's.
fn refused(status: u16, error: &str, code: u32, description: &str, call: &Call) -> Reply {
    let request = &call.request;
    let description = format!(
        "AADSTS{code}: {description} Trace ID: {} Correlation ID: {} Timestamp: {}",
        request.request_id, request.correlation, request.now
    );
    let body = json!({
        "error": error,
        "error_description": description,
        "error_codes": [code],
        "timestamp": request.now,
        "trace_id": request.request_id,
        "correlation_id": request.correlation,
    });
    Reply::json(status, body)
}

async fn token(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    if check_tenant(call).is_err() {
        return Ok(refused(400, "invalid_request", 90002, "There is no such tenant.", call));
    }
    let body = &call.request.body;
    let form = if body.len() > FORM_BYTES_MAX { None } else { Query::parse(body).ok() };
    let Some(form) = form else {
        return Ok(refused(400, "invalid_request", 900_144, "The request's body cannot be read.", call));
    };
    let of = |name: &str| form.get(name).unwrap_or_default();
    if of("grant_type") != "client_credentials" {
        let why = "The grant type is not supported: use client_credentials.";
        return Ok(refused(400, "unsupported_grant_type", 70003, why, call));
    }
    let Some(audience) = audience(call, of("scope"), of("resource")) else {
        let why =
            "The resource principal was not found: ask for a scope that the metadata name, with '/.default'.";
        return Ok(refused(400, "invalid_resource", 500_011, why, call));
    };
    let (client, secret) = (of("client_id"), of("client_secret"));
    if client.is_empty() || secret.is_empty() {
        let why = "The request has to have 'client_id' and 'client_secret'.";
        return Ok(refused(401, "invalid_client", 7_000_216, why, call));
    }
    prove(call, snapshot, (client, secret), &audience).await
}

/// The audience that is asked for, as it was asked for but without the slashes.
fn audience(call: &Call, scope: &str, resource: &str) -> Option<String> {
    let scopes = scope.split(' ').filter_map(|scope| scope.strip_suffix("/.default"));
    let mut asked = scopes.chain([resource]).map(|asked| asked.trim_end_matches('/'));
    asked.find(|asked| call.app.names.has(asked)).map(str::to_owned)
}

async fn prove(
    call: &Call,
    snapshot: &mut Snapshot,
    (client, secret): (&str, &str),
    audience: &str,
) -> Result<Reply, Refusal> {
    let (guard, request) = (&call.app.guard, &call.request);
    let principal = Principal::by_app_id(snapshot, client).await?;
    // All that are nobody's are counted as one: ids are made up faster than they can be counted one by one.
    let name = principal.as_ref().map(|principal| principal.app_id.to_lowercase()).unwrap_or_default();
    if let Some(seconds) = guard.wait_s(&name, request.peer, request.now) {
        let why = "There were too many wrong secrets. Wait before the next try.";
        let reply = refused(429, "temporarily_unavailable", 50196, why, call);
        return Ok(Reply { retry_after_s: Some(seconds), ..reply });
    }
    let Some(principal) = principal.filter(|principal| principal.knows(secret)) else {
        guard.failed(&name, request.peer, request.now);
        tracing::warn!(client = name, peer = %request.peer, request = request.request_id, "a wrong secret");
        let why =
            "Invalid client secret provided. Ensure the secret being sent is the secret's value, not its id.";
        return Ok(refused(401, "invalid_client", 7_000_215, why, call));
    };
    match call.app.issuer.issue(&principal, audience, &request.base, request.now) {
        Ok(token) => Ok(Reply::json(200, granted(&token))),
        Err(_) => Err(ArmError::service_unavailable("No token can be made at the moment.", 1).into()),
    }
}

fn granted(token: &str) -> Value {
    let life_s = TOKEN_LIFE.as_secs();
    json!({"token_type": "Bearer", "expires_in": life_s, "ext_expires_in": life_s, "access_token": token})
}
