//! `/metadata/endpoints`: what `az cloud register` and `ARM_CLOUD_METADATA_URL` ask for, before any login.
//!
//! From 2022-09-01 on it is one object, from 2018-05-01 on a list, before that an older object. The login
//! endpoint ends in `/adfs`: with any other address clients ask login.microsoftonline.com whether it may be
//! trusted.

use isobar_arm::{ApiVersion, ArmError};
use isobar_records::Snapshot;
use serde_json::{Value, json};

use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Operation, Versions};

/// What clients call this cloud. `AzureCloud` would make them log in at login.microsoftonline.com.
const CLOUD: &str = "isobar";
/// From this version on it is one object.
const OBJECT_FROM: ApiVersion = ApiVersion::stable(2022, 9, 1);
/// From this version on it is a list.
const LIST_FROM: ApiVersion = ApiVersion::stable(2018, 5, 1);

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation {
        display: Display::of("Cloud", "Get endpoints", "Tells where to log in, and for whom tokens are."),
        ..Operation::get("Metadata_Endpoints", "/metadata/endpoints")
            .for_programs("clients ask it before they log in")
    }
    .versions(Versions::Microsoft(&[
        OBJECT_FROM,
        ApiVersion::stable(2019, 5, 1),
        ApiVersion::stable(2015, 1, 1),
    ]))
    .answers(&[Answer::of(200, "CloudEndpoints", "The endpoints.")]),
    read!(endpoints),
)];

async fn endpoints(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let given = call.request.query.get("api-version").unwrap_or_default();
    let version = ApiVersion::parse(given).ok_or_else(ArmError::missing_api_version)?;
    let base = &call.request.base;
    let body = if version >= OBJECT_FROM {
        cloud(call, base)
    } else if version >= LIST_FROM {
        json!([cloud(call, base)])
    } else {
        json!({
            "galleryEndpoint": format!("{base}/"),
            "graphEndpoint": format!("{base}/"),
            "portalEndpoint": format!("{base}/"),
            "authentication": authentication(call, base),
        })
    };
    Ok(Reply::json(200, body))
}

fn authentication(call: &Call, base: &str) -> Value {
    json!({
        "loginEndpoint": format!("{base}/adfs"),
        "audiences": [format!("{base}/")],
        "tenant": call.app.issuer.tenant(),
        "identityProvider": "ADFS",
    })
}

fn cloud(call: &Call, base: &str) -> Value {
    json!({
        "name": CLOUD,
        "portal": format!("{base}/"),
        "resourceManager": format!("{base}/"),
        "authentication": authentication(call, base),
        "microsoftGraphResourceId": format!("{base}/"),
        "graph": format!("{base}/"),
        "graphAudience": format!("{base}/"),
        "gallery": format!("{base}/"),
        "suffixes": {"storage": "", "keyVaultDns": "", "sqlServerHostname": "", "acrLoginServer": ""},
    })
}
