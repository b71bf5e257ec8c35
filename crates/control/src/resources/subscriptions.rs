//! Tenants and subscriptions, and the lifecycle of these.
//!
//! Whoever has a role anywhere in a subscription sees it. Its lifecycle is the business of whoever may do
//! everything everywhere: `PUT /subscriptions/S?api-version=2.0`, as Azure's own platform tells providers. A
//! PUT for a subscription that is not there makes it. What a deleted one had stays kept, and is there again
//! when it is registered again.

use isobar_arm::{ArmError, Fields, Problems, ResourceId, Tags};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Value, json};

use super::versions::SUBSCRIPTIONS;
use crate::access::Rights;
use crate::call::{Call, object};
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::identity::SUBSCRIPTION_KIND;
use crate::limits::{DISPLAY_NAME_CHARS_MAX, SUBSCRIPTIONS_MAX};
use crate::refusal::Refusal;
use crate::store::{Document, Stored, gather};
use crate::subscription::State;
use crate::table::{Answer, Command, Display, Gate, Operation, Versions};

const ONE: &str = "/subscriptions/{subscriptionId}";
const READ: &str = "Microsoft.Resources/subscriptions/read";
const SHOW: Display = Display::of("Subscriptions", "Get subscriptions", "Reads subscriptions.");
const PUT: Display = Display::of(
    "Subscriptions",
    "Change the lifecycle of a subscription",
    "Registers, warns, suspends or deletes a subscription.",
);

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Tenants_List", "/tenants")
            .command("tenant list")
            .action(
                "Microsoft.Resources/tenants/read",
                Display::of("Tenants", "Get tenants", "Reads tenants."),
            )
            .gate(Gate::LoggedIn)
            .versions(SUBSCRIPTIONS)
            .answers(&[Answer::of(200, "TenantList", "The tenant.")]),
        read!(tenants),
    ),
    Row::new(
        Operation::get("Subscriptions_List", "/subscriptions")
            .command("subscription list")
            .action(READ, SHOW)
            .gate(Gate::LoggedIn)
            .versions(SUBSCRIPTIONS)
            .paged()
            .answers(&[Answer::of(200, "SubscriptionList", "Those that the caller has a role in.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("Subscriptions_Get", ONE)
            .command("subscription show")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(SUBSCRIPTIONS)
            .answers(&[Answer::of(200, "Subscription", "The subscription.")]),
        read!(get),
    )
    .exists("Subscriptions_CheckExistence", Command::Words("subscription exists")),
    Row::new(
        Operation::put("Subscriptions_PutLifecycle", ONE)
            .command("subscription set-state")
            .action("Microsoft.Resources/subscriptions/lifecycle/write", PUT)
            .gate(Gate::AllowedInTenant)
            .versions(Versions::Lifecycle)
            .takes("SubscriptionLifecycle")
            .answers(&[Answer::of(200, "SubscriptionLifecycle", "The subscription as it is now.")]),
        write!(put),
    ),
];

async fn tenants(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let tenant = call.app.issuer.tenant();
    let value = json!({
        "id": format!("/tenants/{tenant}"), "tenantId": tenant, "displayName": "Isobar",
        "tenantCategory": "Home", "defaultDomain": "isobar", "domains": [], "tenantType": "AAD",
    });
    Ok(Reply::json(200, json!({"value": [value]})))
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let rights = Rights::load_all(snapshot, &call.caller.object_id).await?;
    let paging = call.paging()?;
    let filter = ResourceFilter {
        kind: Some(SUBSCRIPTION_KIND),
        after: paging.after.as_deref(),
        ..ResourceFilter::default()
    };
    let show = |stored: &Stored| rights.reach(&stored.id) && State::of(stored) != State::Deleted;
    let found = gather(snapshot, &filter, paging.fetch(), show).await?;
    call.page(&paging, found, |stored| stored.id.key().to_owned(), |stored| Ok(document(call, stored)))
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let stored = Stored::get(snapshot, &call.subscription()?).await?;
    Ok(Reply { etag: Some(stored.etag()), ..Reply::json(200, document(call, &stored)) })
}

/// As ARM answers.
fn document(call: &Call, stored: &Stored) -> Value {
    json!({
        "id": stored.id,
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "tags": stored.document.tags.clone().unwrap_or_default(),
        "subscriptionId": stored.id.name(),
        "tenantId": call.app.issuer.tenant(),
        "displayName": stored.text("displayName"),
        "state": State::of(stored).of_arm(),
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01", "quotaId": "Internal_2014-09-01", "spendingLimit": "Off",
        },
    })
}

/// What the body of a lifecycle's PUT says: the state, and a name for people.
fn read_lifecycle(body: &Value) -> Result<(State, Option<String>), ArmError> {
    let problems = Problems::new();
    let (mut state, mut name) = (None, None);
    {
        let body = Fields::root(body, &problems);
        body.ignore(&["registrationDate"]);
        state = body.get("state").required().one_of(&State::WORDS).or(state);
        let properties = body.get("properties").object_or_empty();
        // Azure's platform tells more about a subscription than is used here.
        properties.entries().for_each(drop);
        let given = properties.get("displayName").string(1..=DISPLAY_NAME_CHARS_MAX);
        name = given.map(str::to_owned).or(name);
    }
    problems.into_result()?;
    let state = state.ok_or_else(|| ArmError::internal_server_error("a body was refused for no reason"))?;
    Ok((state, name))
}

async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = call.subscription()?;
    let (state, name) = read_lifecycle(&call.json()?)?;
    let stored = Stored::hold(tx, &id).await?;
    call.check_conditions(stored.as_ref())?;
    let stored = match stored {
        Some(mut stored) => {
            let properties = &mut stored.document.properties;
            properties.insert("state".to_owned(), json!(state.name()));
            properties.extend(name.map(|name| ("displayName".to_owned(), json!(name))));
            stored.save(tx, call.author()).await?
        }
        None => create(call, tx, &id, state, name).await?,
    };
    let made = isobar_arm::Timestamp::from_millis(stored.times_ms.0);
    let body = json!({
        "state": state.name(),
        "registrationDate": made,
        "properties": {"tenantId": call.app.issuer.tenant(), "displayName": stored.text("displayName")},
    });
    Ok(Reply { etag: Some(stored.etag()), ..Reply::json(200, body) })
}

async fn create(
    call: &Call,
    tx: &mut Tx,
    id: &ResourceId,
    state: State,
    name: Option<String>,
) -> Result<Stored, Refusal> {
    let filter = ResourceFilter { kind: Some(SUBSCRIPTION_KIND), ..ResourceFilter::default() };
    if tx.count_resources(&filter).await? >= SUBSCRIPTIONS_MAX {
        return Err(ArmError::new(400, "QuotaExceeded", "There are too many subscriptions.").into());
    }
    let name = name.unwrap_or_else(|| id.name().to_owned());
    let properties = object([("displayName", json!(name)), ("state", json!(state.name()))]);
    let mut document = Document::new(call.author().creates(), properties);
    document.tags = Some(Tags::default());
    Stored::create(tx, id, document).await
}
