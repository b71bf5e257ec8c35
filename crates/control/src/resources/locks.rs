//! Locks: what may not be deleted, or not be changed. What they forbid is in `locking`.

use isobar_arm::{ArmError, ResourceId, Shape, names, read_body};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Value, json};

use super::scopes::hold_scope;
use super::versions::LOCKS;
use crate::call::{Call, object};
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::limits::{LOCKS_MAX, LOCKS_OF_SCOPE_MAX, NOTES_CHARS_MAX};
use crate::locking::LOCK_KIND;
use crate::refusal::Refusal;
use crate::store::{Document, Stored, gather};
use crate::table::{Answer, Command, Display, Operation};

const ALL: &str = "/{scope}/providers/Microsoft.Authorization/locks";
const ONE: &str = "/{scope}/providers/Microsoft.Authorization/locks/{lockName}";
const READ: &str = "Microsoft.Authorization/locks/read";
const WRITE: &str = "Microsoft.Authorization/locks/write";
const DELETE: &str = "Microsoft.Authorization/locks/delete";
const SHOW: Display = Display::of("Management locks", "Get management locks", "Reads locks.");
const CHANGE: Display = Display::of("Management locks", "Add management locks", "Makes or changes a lock.");
const TAKE_AWAY: Display = Display::of("Management locks", "Delete management locks", "Takes a lock away.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Locks_List", ALL)
            .command("lock list")
            .action(READ, SHOW)
            .versions(LOCKS)
            .filtered()
            .answers(&[Answer::of(200, "LockList", "The locks of the scope and of what is in it.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("Locks_Get", ONE)
            .command("lock show")
            .action(READ, SHOW)
            .versions(LOCKS)
            .answers(&[Answer::of(200, "Lock", "The lock.")]),
        read!(get),
    )
    .exists("Locks_CheckExistence", Command::Words("lock exists")),
    Row::new(
        Operation::put("Locks_CreateOrUpdate", ONE)
            .command("lock create")
            .action(WRITE, CHANGE)
            .versions(LOCKS)
            .takes("Lock")
            .answers(&[Answer::of(200, "Lock", "It was changed."), Answer::of(201, "Lock", "It was made.")]),
        write!(put),
    ),
    Row::new(
        Operation::delete("Locks_Delete", ONE)
            .command("lock delete")
            .action(DELETE, TAKE_AWAY)
            .versions(LOCKS)
            .answers(&[Answer::empty(200, "It is gone."), Answer::empty(204, "It was not there.")]),
        write!(delete),
    ),
];

const SHAPE: Shape =
    Shape { tracked: false, sku: false, zones: false, identity: false, read_only: &["owners"] };

fn id_of(call: &Call) -> Result<ResourceId, Refusal> {
    Ok(call.target.resource("Microsoft.Authorization", "locks", call.params.get("lockName"))?)
}

fn filter(subscription: &str) -> ResourceFilter<'_> {
    ResourceFilter { kind: Some(LOCK_KIND), subscription: Some(subscription), ..ResourceFilter::default() }
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging = call.paging()?;
    let at_scope = call.request.query.get("$filter").unwrap_or_default().trim();
    if !at_scope.is_empty() && !at_scope.eq_ignore_ascii_case("atScope()") {
        return Err(ArmError::invalid_filter(at_scope, "It can be atScope().").into());
    }
    let subscription = call.target.subscription().unwrap_or_default().to_lowercase();
    let rows = ResourceFilter { after: paging.after.as_deref(), ..filter(&subscription) };
    let show = |lock: &Stored| {
        // Those that hold for the scope, and, unless only these are asked for, those of what is in it.
        lock.id.scope().is_some_and(|scope| {
            call.target.is_within(&scope) || at_scope.is_empty() && scope.is_within(&call.target)
        })
    };
    let found = gather(snapshot, &rows, paging.fetch(), show).await?;
    let key = |lock: &Stored| lock.id.key().to_owned();
    call.page(&paging, found, key, |lock| Ok(Value::Object(lock.settled()?)))
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    Stored::get(snapshot, &id_of(call)?).await?.settled_reply(200)
}

async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = id_of(call)?;
    names::LOCK.check("lock", id.name())?;
    let levels = ["CanNotDelete", "ReadOnly"].map(|level| (level, level));
    let body = read_body(&call.json()?, &SHAPE, |properties| {
        let level = properties.get("level").required().one_of(&levels);
        let notes = properties.get("notes").string(0..=NOTES_CHARS_MAX);
        Some((level?, notes.map(str::to_owned)))
    })?;
    let (level, notes) = body.properties;
    let mut properties = object([("level", json!(level))]);
    properties.extend(notes.map(|notes| ("notes".to_owned(), json!(notes))));
    // Also records of the tenant that are no resources, such as principals, would be found as scopes.
    if call.target.subscription().is_none() {
        let why = "Locks are for subscriptions, resource groups and resources.";
        return Err(ArmError::new(400, "InvalidLockScope", why).into());
    }
    hold_scope(tx, &call.target).await?;
    let stored = Stored::hold(tx, &id).await?;
    call.check_conditions(stored.as_ref())?;
    match stored {
        Some(mut stored) => {
            stored.document.properties = properties;
            stored.save(tx, call.author()).await?.settled_reply(200)
        }
        None => {
            check_quota(tx, &call.target).await?;
            let document = Document::new(call.author().creates(), properties);
            Stored::create(tx, &id, document).await?.settled_reply(201)
        }
    }
}

async fn check_quota(tx: &mut Tx, scope: &ResourceId) -> Result<(), Refusal> {
    let subscription = scope.subscription().unwrap_or_default().to_lowercase();
    let all = filter(&subscription);
    let of_scope = ResourceFilter { parent: Some(scope.key()), ..all };
    for (filter, max) in [(of_scope, LOCKS_OF_SCOPE_MAX), (all, LOCKS_MAX)] {
        if tx.count_resources(&filter).await? >= max {
            let message = format!("There are {max} locks, which is as many as there may be.");
            return Err(ArmError::new(409, "LockQuotaExceeded", message).into());
        }
    }
    Ok(())
}

async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let id = id_of(call)?;
    let stored = Stored::hold(tx, &id).await?;
    call.check_conditions(stored.as_ref())?;
    let Some(stored) = stored else { return Ok(Reply::empty(204)) };
    tx.delete_resource(id.key(), Some(stored.revision)).await?;
    Ok(Reply::empty(200))
}
