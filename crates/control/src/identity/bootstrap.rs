//! The first start: a tenant, a subscription in it, and an administrator who may do everything.
//!
//! All of it is one transaction, so several processes that start together on one database agree. The
//! administrator's secret is given to whoever started it, once.

use isobar_arm::ResourceId;
use isobar_records::{Records, ResourceFilter, Tx};
use serde_json::{Map, json};

use super::principal::{KIND, Principal, SUBSCRIPTION_KIND};
use crate::access::OWNER;
use crate::clock::Time;
use crate::random::uuid;
use crate::refusal::Refusal;
use crate::store::{Author, Document, Stored};

/// The setting that has the tenant's id.
const TENANT: &str = "tenant";
/// The setting that has the administrator's client id.
const FIRST: &str = "administrator";
/// What the administrator is called.
const ADMINISTRATOR: &str = "administrator";
/// Who does what nobody asked for.
const ITSELF: &str = "isobar";

/// What there is after a start.
pub(crate) struct Bootstrapped {
    /// The tenant.
    pub tenant: String,
    /// The administrator's client id, secret and first subscription, at the first start.
    pub first: Option<(String, String, String)>,
}

/// Makes what is missing.
///
/// With `renew` the administrator of a first start that was before gets another secret, and only that.
pub(crate) async fn bootstrap(records: &Records, time: &Time, renew: bool) -> Result<Bootstrapped, Refusal> {
    let mut tx = records.begin().await?;
    let author = Author { name: ITSELF, now: time.now() };
    let tenant = tx.setting_or(TENANT, &uuid()?).await?;
    let principals = ResourceFilter { kind: Some(KIND), ..ResourceFilter::default() };
    if tx.count_resources(&principals).await? > 0 {
        let first = if renew { renewed(&mut tx, author).await? } else { None };
        tx.commit().await?;
        return Ok(Bootstrapped { tenant, first });
    }
    let made = Principal::create(&mut tx, (uuid()?, uuid()?), ADMINISTRATOR, author).await?;
    tx.set_setting(FIRST, &made.app_id).await?;
    let (made, _, secret) = made.add_secret(&mut tx, author).await?;
    let subscription = ResourceId::parse(&format!("/subscriptions/{}", uuid()?))?;
    debug_assert_eq!(subscription.resource_type().to_lowercase(), SUBSCRIPTION_KIND);
    let properties = Map::from_iter([
        ("displayName".to_owned(), json!("Isobar")),
        ("state".to_owned(), json!("Registered")),
    ]);
    let mut document = Document::new(author.creates(), properties);
    document.tags = Some(isobar_arm::Tags::default());
    Stored::create(&mut tx, &subscription, document).await?;
    let tenant_scope = ResourceId::tenant();
    let assignment = tenant_scope.resource("Microsoft.Authorization", "roleAssignments", &uuid()?)?;
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", OWNER.id);
    let properties = Map::from_iter([
        ("roleDefinitionId".to_owned(), json!(role)),
        ("principalId".to_owned(), json!(made.object_id)),
        ("principalType".to_owned(), json!("ServicePrincipal")),
        ("scope".to_owned(), json!("/")),
    ]);
    Stored::create(&mut tx, &assignment, Document::new(author.creates(), properties)).await?;
    tx.commit().await?;
    let subscription = subscription.name().to_owned();
    Ok(Bootstrapped { tenant, first: Some((made.app_id, secret, subscription)) })
}

/// Another secret for the administrator, if he is still there; his old ones are good no more.
async fn renewed(tx: &mut Tx, author: Author<'_>) -> Result<Option<(String, String, String)>, Refusal> {
    let app_id = tx.setting(FIRST).await?.unwrap_or_default();
    let Some(administrator) = Principal::by_app_id(tx, &app_id).await? else { return Ok(None) };
    let (administrator, _, secret) = administrator.without_secrets().add_secret(tx, author).await?;
    let of_kind = ResourceFilter { kind: Some(SUBSCRIPTION_KIND), limit: 1, ..ResourceFilter::default() };
    let subscription = tx.list_resources(&of_kind).await?.pop().map(Stored::read).transpose()?;
    let subscription = subscription.map(|stored| stored.id.name().to_owned()).unwrap_or_default();
    Ok(Some((administrator.app_id, secret, subscription)))
}
