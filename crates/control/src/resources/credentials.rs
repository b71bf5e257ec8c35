//! What principals log in with beside secrets: certificates, and federated credentials, which say who
//! somebody of another issuer is. In the form of Microsoft Graph.
//!
//! Whoever can add one to a principal can become it: the actions are those of the directory.

use std::ops::RangeInclusive;

use isobar_arm::{ArmError, Fields, Problems};
use isobar_https::Address;
use isobar_records::{Snapshot, Tx};
use serde_json::{Value, json};

use super::directory::find;
use crate::call::Call;
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::identity::{Certificate, Federation, NewFederation, Principal};
use crate::limits::{CERTIFICATE_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, SUBJECT_CHARS_MAX};
use crate::random::uuid;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Gate, Operation};

const FEDERATIONS: &str = "/v1.0/servicePrincipals/{principalId}/federatedIdentityCredentials";
const FEDERATION: &str =
    "/v1.0/servicePrincipals/{principalId}/federatedIdentityCredentials/{federationName}";
const CERTIFY: &str = "Microsoft.Authorization/servicePrincipals/certificates/write";
const READ: &str = "Microsoft.Authorization/servicePrincipals/federatedIdentityCredentials/read";
const WRITE: &str = "Microsoft.Authorization/servicePrincipals/federatedIdentityCredentials/write";
const DELETE: &str = "Microsoft.Authorization/servicePrincipals/federatedIdentityCredentials/delete";
/// Characters of the name of a federated credential, as in Microsoft Graph.
const NAME_CHARS: RangeInclusive<usize> = 3..=DISPLAY_NAME_CHARS_MAX;
/// What tokens of others are for, where nothing is said: what most that make them use for Azure.
const AUDIENCE: &str = "api://AzureADTokenExchange";

const CERTIFICATES: Display = Display::of(
    "Service principals",
    "Change certificates",
    "Adds a certificate to a service principal, or takes one away.",
);
const SHOW: Display = Display::of(
    "Service principals",
    "Get federated credentials",
    "Reads who of other issuers a service principal is.",
);
const FEDERATE: Display = Display::of(
    "Service principals",
    "Create federated credential",
    "Says that somebody of another issuer is a service principal.",
);
const SEPARATE: Display = Display::of(
    "Service principals",
    "Delete federated credential",
    "Says that somebody of another issuer is a service principal no more.",
);

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::post("ServicePrincipals_AddKey", "/v1.0/servicePrincipals/{objectId}/addKey")
            .command("principal certificate create")
            .action(CERTIFY, CERTIFICATES)
            .gate(Gate::AllowedInTenant)
            .takes("NewCertificate")
            .answers(&[Answer::of(200, "CertificateCredential", "What is known of the certificate.")]),
        write!(add_certificate),
    ),
    Row::new(
        Operation::post("ServicePrincipals_RemoveKey", "/v1.0/servicePrincipals/{objectId}/removeKey")
            .command("principal certificate delete")
            .action(CERTIFY, CERTIFICATES)
            .gate(Gate::AllowedInTenant)
            .takes("CertificateId")
            .answers(&[Answer::empty(204, "It is gone.")]),
        write!(remove_certificate),
    ),
    Row::new(
        Operation::get("FederatedCredentials_List", FEDERATIONS)
            .command("principal federation list")
            .action(READ, SHOW)
            .gate(Gate::AllowedInTenant)
            .answers(&[Answer::of(200, "FederatedCredentialList", "The federated credentials.")]),
        read!(federations),
    ),
    Row::new(
        Operation::put("FederatedCredentials_CreateOrUpdate", FEDERATION)
            .command("principal federation create")
            .action(WRITE, FEDERATE)
            .gate(Gate::AllowedInTenant)
            .takes("NewFederatedCredential")
            .answers(&[
                Answer::of(200, "FederatedCredential", "It was changed."),
                Answer::of(201, "FederatedCredential", "It was made."),
            ]),
        write!(federate),
    ),
    Row::new(
        Operation::delete("FederatedCredentials_Delete", FEDERATION)
            .command("principal federation delete")
            .action(DELETE, SEPARATE)
            .gate(Gate::AllowedInTenant)
            .answers(&[Answer::empty(204, "It is gone, or was not there.")]),
        write!(separate),
    ),
];

async fn add_certificate(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let principal = find(call, "objectId", tx).await?;
    let body = call.json()?;
    let problems = Problems::new();
    let key_id = uuid()?;
    let certificate = {
        let fields = Fields::root(&body, &problems);
        let name = fields.get("displayName").string(1..=DISPLAY_NAME_CHARS_MAX).unwrap_or_default();
        let text = fields.get("key").required().string(1..=CERTIFICATE_CHARS_MAX);
        text.and_then(|text| {
            Certificate::read(text, key_id, name).map_err(|why| fields.get("key").refuse(&why)).ok()
        })
    };
    problems.into_result()?;
    let Some(certificate) = certificate else {
        return Err(ArmError::internal_server_error("a certificate was not read").into());
    };
    if certificate.end < call.now() {
        let why = format!("The certificate has ended, at {}.", certificate.end);
        return Err(ArmError::new(400, "Request_BadRequest", why).into());
    }
    let document = certificate.document();
    principal.add_certificate(tx, certificate, call.author()).await?;
    Ok(Reply::json(200, document))
}

async fn remove_certificate(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let principal = find(call, "objectId", tx).await?;
    let body = call.json()?;
    let key_id = body.get("keyId").and_then(Value::as_str).unwrap_or_default();
    match principal.remove_certificate(tx, key_id, call.author()).await? {
        true => Ok(Reply::empty(204)),
        false => Err(ArmError::new(400, "Request_BadRequest", "No key credential found with keyId.").into()),
    }
}

async fn federations(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let principal = find(call, "principalId", snapshot).await?;
    let all = Federation::of(snapshot, &principal).await?;
    let value: Vec<Value> = all.iter().map(Federation::document).collect();
    Ok(Reply::json(200, json!({"value": value})))
}

/// The one that the path names.
async fn named(call: &Call, snapshot: &mut Snapshot) -> Result<(Principal, Option<Federation>), Refusal> {
    let principal = find(call, "principalId", snapshot).await?;
    let name = call.params.get("federationName");
    let mut all = Federation::of(snapshot, &principal).await?.into_iter();
    let found = all.find(|of| of.name.eq_ignore_ascii_case(name));
    Ok((principal, found))
}

async fn federate(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let name = call.params.get("federationName");
    let body = call.json()?;
    let problems = Problems::new();
    let new = {
        let fields = Fields::root(&body, &problems);
        // Whoever reads one and sends it back has its name in it.
        fields.ignore(&["name"]);
        let text = |name: &'static str| {
            fields.get(name).required().string(1..=SUBJECT_CHARS_MAX).unwrap_or_default()
        };
        let (issuer, subject) = (text("issuer"), text("subject"));
        if !issuer.is_empty() && Address::of_url(issuer).is_err() {
            fields.get("issuer").refuse("must be an address that begins with https://");
        }
        if subject.chars().any(char::is_control) {
            fields.get("subject").refuse("must not have control characters");
        }
        if !(NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            let (least, most) = (NAME_CHARS.start(), NAME_CHARS.end());
            problems.add(
                "InvalidParameter",
                "name",
                &format!("The name must have {least} to {most} characters."),
            );
        }
        let audience = fields.get("audiences").list(1..=1).unwrap_or_default().pop();
        let audience = audience.and_then(|of| of.string(1..=SUBJECT_CHARS_MAX)).unwrap_or(AUDIENCE);
        NewFederation { name, issuer, subject, audience }
    };
    problems.into_result()?;
    if call.app.issuer.is_named(new.issuer) {
        let why = "The issuer is this control plane itself: give its principals roles.";
        return Err(ArmError::new(400, "Request_BadRequest", why).into());
    }
    let (principal, found) = named(call, tx).await?;
    let status = if found.is_some() { 200 } else { 201 };
    if let Some(found) = found {
        found.delete(tx).await?;
    }
    let made = Federation::create(tx, &principal, &new, call.author()).await?;
    Ok(Reply::json(status, made.document()))
}

async fn separate(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    if let (_, Some(found)) = named(call, tx).await? {
        found.delete(tx).await?;
    }
    Ok(Reply::empty(204))
}
