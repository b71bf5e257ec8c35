//! The tags of a subscription, a group or a resource, apart from everything else about it:
//! `{scope}/providers/Microsoft.Resources/tags/default`.

use isobar_arm::{ArmError, Fields, Problems, Tags};
use isobar_records::{Snapshot, Tx};
use serde_json::{Value, json};

use super::scopes::hold_scope;
use super::versions::RESOURCES;
use crate::call::Call;
use crate::handler::{Row, read, write};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::store::Stored;
use crate::table::{Answer, Command, Display, Operation};

const ONE: &str = "/{scope}/providers/Microsoft.Resources/tags/default";
const READ: &str = "Microsoft.Resources/tags/read";
const WRITE: &str = "Microsoft.Resources/tags/write";
const DELETE: &str = "Microsoft.Resources/tags/delete";
const SHOW: Display = Display::of("Tags", "Get tags", "Reads the tags of a resource.");
const CHANGE: Display =
    Display::of("Tags", "Change tags", "Replaces, adds or takes away tags of a resource.");
const TAKE_AWAY: Display = Display::of("Tags", "Delete tags", "Takes away all tags of a resource.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Tags_GetAtScope", ONE)
            .command("tag show")
            .action(READ, SHOW)
            .versions(RESOURCES)
            .answers(&[Answer::of(200, "TagsResource", "The tags.")]),
        read!(get),
    )
    .exists(
        "Tags_CheckExistenceAtScope",
        Command::ForPrograms("whatever can have tags has them, though there may be none"),
    ),
    Row::new(
        Operation::put("Tags_CreateOrUpdateAtScope", ONE)
            .command("tag replace")
            .action(WRITE, CHANGE)
            .versions(RESOURCES)
            .takes("TagsResource")
            .answers(&[Answer::of(200, "TagsResource", "The tags as they are now.")]),
        write!(put),
    ),
    Row::new(
        Operation::patch("Tags_UpdateAtScope", ONE)
            .command("tag update")
            .action(WRITE, CHANGE)
            .versions(RESOURCES)
            .takes("TagsPatch")
            .answers(&[Answer::of(200, "TagsResource", "The tags as they are now.")]),
        write!(patch),
    ),
    Row::new(
        Operation::delete("Tags_DeleteAtScope", ONE)
            .command("tag delete")
            .action(DELETE, TAKE_AWAY)
            .versions(RESOURCES)
            .answers(&[Answer::empty(200, "There are no tags any more.")]),
        write!(delete),
    ),
];

/// What a PATCH does with the tags that it names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Merge,
    Replace,
    Delete,
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    reply(&Stored::get(snapshot, &call.target).await?)
}

fn reply(stored: &Stored) -> Result<Reply, Refusal> {
    let id = stored.id.resource("Microsoft.Resources", "tags", "default")?;
    let tags = stored.document.tags.clone().unwrap_or_default();
    let body = json!({
        "id": id, "name": id.name(), "type": id.resource_type(), "properties": {"tags": tags},
    });
    Ok(Reply { etag: Some(stored.etag()), ..Reply::json(200, body) })
}

/// Reads a body: the tags, and what a PATCH does with them.
fn read_tags(body: &Value, patch: bool) -> Result<(Tags, Change), ArmError> {
    const CHANGES: [(&str, Change); 3] =
        [("Merge", Change::Merge), ("Replace", Change::Replace), ("Delete", Change::Delete)];
    let problems = Problems::new();
    let read = {
        let body = Fields::root(body, &problems);
        body.ignore(&["id", "name", "type"]);
        let change = match patch {
            true => body.get("operation").required().one_of(&CHANGES),
            false => Some(Change::Replace),
        };
        let properties = body.get("properties").required().object_or_empty();
        let tags = Tags::read(properties.get("tags").required());
        tags.zip(change)
    };
    problems.into_result()?;
    read.ok_or_else(|| ArmError::internal_server_error("a body was refused for no reason"))
}

async fn put(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let (tags, _) = read_tags(&call.json()?, false)?;
    save(call, tx, |_| Ok(tags)).await
}

async fn patch(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    let (given, change) = read_tags(&call.json()?, true)?;
    save(call, tx, |before| changed(&before, &given, change)).await
}

async fn delete(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    save(call, tx, |_| Ok(Tags::default())).await?;
    Ok(Reply::empty(200))
}

/// The tags after a change. Names are compared without regard to case.
fn changed(before: &Tags, given: &Tags, change: Change) -> Result<Tags, ArmError> {
    if change == Change::Replace {
        return Ok(given.clone());
    }
    let mut tags: Vec<(&str, &str)> = before
        .iter()
        .filter(|(name, value)| match (change, given.get(name)) {
            (_, None) => true,
            // A tag that is to go goes only with the value that was named.
            (Change::Delete, Some(named)) => named != *value,
            _ => false,
        })
        .collect();
    if change == Change::Merge {
        tags.extend(given.iter());
    }
    let object: Value = tags.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Ok(read_tags(&json!({"properties": {"tags": object}}), false)?.0)
}

async fn save(
    call: &Call,
    tx: &mut Tx,
    change: impl FnOnce(Tags) -> Result<Tags, ArmError>,
) -> Result<Reply, Refusal> {
    let stored = hold_scope(tx, &call.target).await?;
    call.check_conditions(stored.as_ref())?;
    let Some((mut stored, before)) = stored.and_then(|stored| {
        let tags = stored.document.tags.clone()?;
        Some((stored, tags))
    }) else {
        let why = format!("The resource '{}' has no tags.", call.target);
        return Err(ArmError::new(400, "ResourceTypeDoesNotSupportTags", why).into());
    };
    stored.document.tags = Some(change(before)?);
    reply(&stored.save(tx, call.author()).await?)
}
