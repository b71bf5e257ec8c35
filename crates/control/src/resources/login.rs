//! Logging in: the token endpoint, and what clients read before they find it.
//!
//! There are two styles of addresses: that of ADFS, which `az` uses since the login endpoint ends in `/adfs`,
//! and that of Entra, which the SDKs use. `az login --tenant adfs` asks for `/adfs/adfs/…` first.
//!
//! A client asks for an audience, as `scope` with `/.default` behind it or as `resource`; the audiences that
//! the metadata name end in a slash, so `az` asks for `https://host//.default`. Slashes at the end do not
//! count.
//!
//! A client proves itself with its secret, or with an assertion: one that its certificate has signed, or the
//! token of another issuer, for which it has a federated credential.

use isobar_arm::ArmError;
use isobar_records::Snapshot;
use serde_json::{Value, json};

use crate::call::{Call, Fetched};
use crate::handler::{Errand, Handler, Row, fetch, read};
use crate::http::{Query, Reply};
use crate::identity::{Federation, Flaw, ForeignClaims, Jwt, Principal, prove_by_certificate};
use crate::limits::{FORM_BYTES_MAX, TOKEN_LIFE};
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Operation};

const TOKEN: Display =
    Display::of("Login", "Get a token", "An access token for a client that knows its secret.");
const OPENID: Display = Display::of("Login", "Get the configuration", "Where tokens are made, and by whom.");
const KEYS: Display = Display::of("Login", "Get keys", "The public keys that tokens are signed with.");

/// What an assertion is called in a request for a token (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What is said of a wrong secret.
const WRONG_SECRET: &str =
    "Invalid client secret provided. Ensure the secret being sent is the secret's value, not its id.";
/// The schema of a request for a token.
const TOKEN_REQUEST: &str = "TokenRequest";
/// Why nobody types any of it.
const LOGIN: &str = "clients log in with it";

const GRANTED: &[Answer] = &[Answer::of(200, "TokenResponse", "The token.")];
const DOCUMENT: &[Answer] = &[Answer::of(200, "Anything", "The document.")];

const fn token_at(id: &'static str, path: &'static str) -> Row {
    let operation = Operation { display: TOKEN, ..Operation::post(id, path) }.for_programs(LOGIN);
    Row::new(operation.takes(TOKEN_REQUEST).answers(GRANTED), read!(token)).after(fetch!(issuer))
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
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
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

/// What of a request is a form.
fn form(call: &Call) -> Option<Query> {
    let body = &call.request.body;
    if body.len() > FORM_BYTES_MAX { None } else { Query::parse(body).ok() }
}

/// Fetches the keys of another issuer, where the client has a federated credential for its token.
async fn issuer(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let form = form(call);
    let of = |name: &str| form.as_ref().and_then(|form| form.get(name)).unwrap_or_default().to_owned();
    let (client, assertion) = (of("client_id"), of("client_assertion"));
    let read = Jwt::read(&assertion).and_then(|jwt| Ok((jwt.claims::<ForeignClaims>()?, jwt.key_id)));
    let Ok((claims, key_id)) = read else { return Ok(Box::pin(async { Ok(Fetched::Nothing) })) };
    let found = Federation::find(snapshot, &claims.iss, &claims.sub).await?;
    let (app, now) = (call.app.clone(), call.now());
    Ok(match found.filter(|of| of.app_id.eq_ignore_ascii_case(&client)) {
        None => Box::pin(async { Ok(Fetched::Nothing) }),
        Some(federation) => Box::pin(async move {
            let keys = app.foreign.keys(&federation.issuer, key_id.as_deref(), now).await?;
            Ok(Fetched::Issuer(keys, federation.audience))
        }),
    })
}

async fn token(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    if check_tenant(call).is_err() {
        return Ok(refused(400, "invalid_request", 90002, "There is no such tenant.", call));
    }
    let Some(form) = form(call) else {
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
    let (client, secret, assertion) = (of("client_id"), of("client_secret"), of("client_assertion"));
    if client.is_empty() || secret.is_empty() && assertion.is_empty() {
        let why = "The request has to have 'client_id', and 'client_secret' or 'client_assertion'.";
        return Ok(refused(401, "invalid_client", 7_000_216, why, call));
    }
    if secret.is_empty() && of("client_assertion_type") != ASSERTION_TYPE {
        let why = format!("The request has to have 'client_assertion_type', which is {ASSERTION_TYPE}.");
        return Ok(refused(400, "invalid_request", 7_000_216, &why, call));
    }
    let proof = if secret.is_empty() { Proof::Assertion(assertion) } else { Proof::Secret(secret) };
    prove(call, snapshot, (client, &proof), &audience).await
}

/// The audience that is asked for, as it was asked for but without the slashes.
fn audience(call: &Call, scope: &str, resource: &str) -> Option<String> {
    let scopes = scope.split(' ').filter_map(|scope| scope.strip_suffix("/.default"));
    let mut asked = scopes.chain([resource]).map(|asked| asked.trim_end_matches('/'));
    asked.find(|asked| call.app.names.has(asked)).map(str::to_owned)
}

/// How a client proves who it is.
enum Proof<'p> {
    Secret(&'p str),
    Assertion(&'p str),
}

impl Proof<'_> {
    /// Refuses one that is not of this principal.
    fn check(&self, call: &Call, principal: &Principal) -> Result<(), Flaw> {
        let assertion = match self {
            Proof::Secret(secret) if principal.knows(secret) => return Ok(()),
            Proof::Secret(_) => return Err(Flaw::Forged),
            Proof::Assertion(assertion) => assertion,
        };
        let jwt = Jwt::read(assertion)?;
        let claims: ForeignClaims = jwt.claims()?;
        match &call.fetched {
            Some(Fetched::Issuer(keys, audience)) => keys.check((&jwt, &claims), audience, call.now()),
            _ if claims.iss.eq_ignore_ascii_case(&principal.app_id) => {
                let is_ours = |aud: &str| is_token_endpoint(call, aud);
                let certificates = principal.certificates();
                prove_by_certificate(certificates, (&jwt, &claims), &principal.app_id, is_ours, call.now())
            }
            _ => Err(Flaw::Stranger),
        }
    }

    /// What is said of one that was refused.
    fn refusal(&self, flaw: Flaw) -> (u32, String) {
        match self {
            Proof::Secret(_) => (7_000_215, WRONG_SECRET.to_owned()),
            Proof::Assertion(_) => {
                (700_027, format!("The client assertion is not accepted. {}", flaw.words()))
            }
        }
    }
}

/// Whether an assertion that is for this is for us: a token endpoint of ours, or the issuer.
fn is_token_endpoint(call: &Call, audience: &str) -> bool {
    let issuer = &call.app.issuer;
    let of_tokens = ROWS.iter().filter(|row| row.operation.body == Some(TOKEN_REQUEST));
    let mut paths = of_tokens.map(|row| row.operation.path.replace("{tenantId}", issuer.tenant()));
    let is_at = |path: String| audience.strip_suffix(&path).is_some_and(|base| call.app.names.has(base));
    issuer.is_named(audience) || paths.any(is_at)
}

async fn prove(
    call: &Call,
    snapshot: &mut Snapshot,
    (client, proof): (&str, &Proof<'_>),
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
    let checked = principal.ok_or(Flaw::Principal).and_then(|principal| {
        proof.check(call, &principal)?;
        Ok(principal)
    });
    let principal = match checked {
        Ok(principal) => principal,
        Err(flaw) => {
            guard.failed(&name, request.peer, request.now);
            tracing::warn!(
                client = name, peer = %request.peer, request = request.request_id, ?flaw, "a login was refused"
            );
            let (code, why) = proof.refusal(flaw);
            return Ok(refused(401, "invalid_client", code, &why, call));
        }
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
