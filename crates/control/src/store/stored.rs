//! A resource that is kept, with the record that it was read from.

use isobar_arm::{ArmError, Envelope, IdentityType, ResourceId, SystemData, Timestamp, etag};
use isobar_records::{Resource, Snapshot, Tx};
use serde_json::{Map, Value};

use super::document::Document;
use crate::http::Reply;
use crate::limits::POLL_AFTER_S;
use crate::refusal::Refusal;

/// The kind of resource groups among the records.
pub(crate) const GROUP_KIND: &str = "microsoft.resources/resourcegroups";

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    /// The application's id, which is what ARM names of a service principal.
    pub name: &'a str,
    /// When.
    pub now: Timestamp,
}

/// A resource that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its id, as it was written by whoever made it.
    pub id: ResourceId,
    /// Its revision.
    pub revision: i64,
    /// Its times, in milliseconds since 1970: made and changed.
    pub times_ms: (i64, i64),
    /// What is kept of it.
    pub document: Document,
}

/// The kind of something, as the records have it.
fn kind_of(id: &ResourceId) -> String {
    id.resource_type().to_lowercase()
}

/// What something goes with when that is deleted; "" for the tenant, which is no record.
fn parent_key(id: &ResourceId) -> String {
    let parent = id.parent().filter(|parent| *parent != ResourceId::tenant());
    parent.map(|parent| parent.key().to_owned()).unwrap_or_default()
}

impl Author<'_> {
    /// What is said of something that it makes.
    pub(crate) fn creates(self) -> SystemData {
        SystemData::created(self.name, IdentityType::Application, self.now)
    }

    fn changes(self, before: &SystemData) -> SystemData {
        before.clone().modified(self.name, IdentityType::Application, self.now)
    }
}

impl Stored {
    /// Reads a record.
    ///
    /// # Errors
    /// It is none of ours.
    pub(crate) fn read(row: Resource) -> Result<Stored, Refusal> {
        let foreign = |why: String| {
            tracing::error!(key = row.key, why, "a record is not one of this program's");
            Refusal(ArmError::internal_server_error("a record cannot be read"))
        };
        let id = ResourceId::parse(&row.id).map_err(|error| foreign(error.to_string()))?;
        let document = serde_json::from_value(row.body).map_err(|error| {
            tracing::error!(key = row.key, %error, "a record is not one of this program's");
            Refusal(ArmError::internal_server_error("a record cannot be read"))
        })?;
        Ok(Stored { id, revision: row.revision, times_ms: (row.created_ms, row.changed_ms), document })
    }

    /// The resource with this id, if it is kept.
    pub(crate) async fn find(snapshot: &mut Snapshot, id: &ResourceId) -> Result<Option<Stored>, Refusal> {
        snapshot.resource(id.key()).await?.map(Stored::read).transpose()
    }

    /// The resource with this id.
    ///
    /// # Errors
    /// There is none, in ARM's words.
    pub(crate) async fn get(snapshot: &mut Snapshot, id: &ResourceId) -> Result<Stored, Refusal> {
        Ok(Stored::find(snapshot, id).await?.ok_or_else(|| id.not_found())?)
    }

    /// The same, and nobody else changes it before the transaction ends.
    pub(crate) async fn hold(tx: &mut Tx, id: &ResourceId) -> Result<Option<Stored>, Refusal> {
        tx.hold_resource(id.key()).await?.map(Stored::read).transpose()
    }

    /// Makes a resource. What it goes with has to exist.
    pub(crate) async fn create(tx: &mut Tx, id: &ResourceId, document: Document) -> Result<Stored, Refusal> {
        let now_ms = document.system_data.created_at.millis();
        let row = Resource {
            key: id.key().to_owned(),
            id: id.to_string(),
            kind: kind_of(id),
            parent: parent_key(id),
            subscription: id.subscription().unwrap_or_default().to_lowercase(),
            group_name: id.group().unwrap_or_default().to_lowercase(),
            revision: 0,
            body: body_of(&document)?,
            created_ms: now_ms,
            changed_ms: now_ms,
        };
        Stored::read(tx.insert_resource(row).await?)
    }

    /// Keeps what was changed in its document.
    pub(crate) async fn save(mut self, tx: &mut Tx, author: Author<'_>) -> Result<Stored, Refusal> {
        self.document.system_data = author.changes(&self.document.system_data);
        let body = body_of(&self.document)?;
        let row = tx.update_resource(self.id.key(), self.revision, &body, author.now.millis()).await?;
        Stored::read(row)
    }

    /// A text among its properties; "" if there is none.
    pub(crate) fn text(&self, property: &str) -> &str {
        self.document.properties.get(property).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its version in quotes.
    pub(crate) fn etag(&self) -> String {
        etag::of_revision(self.revision.unsigned_abs())
    }

    /// As it is answered.
    pub(crate) fn envelope(&self) -> Envelope {
        let document = self.document.clone();
        let mut envelope = Envelope::proxy(self.id.clone(), document.state);
        envelope.location = document.location;
        envelope.tags = document.tags;
        envelope.sku = document.sku;
        envelope.zones = document.zones;
        envelope.etag = Some(self.etag());
        envelope.system_data = Some(document.system_data);
        envelope.properties = document.properties;
        envelope
    }

    /// The same of something that is never under way, and says nothing about it.
    pub(crate) fn settled(&self) -> Result<Map<String, Value>, Refusal> {
        let Ok(Value::Object(mut map)) = serde_json::to_value(self.envelope()) else {
            return Err(ArmError::internal_server_error("an answer cannot be written").into());
        };
        if let Some(Value::Object(properties)) = map.get_mut("properties") {
            properties.remove("provisioningState");
        }
        Ok(map)
    }

    /// An answer with it. As long as something is under way it says when to ask again.
    pub(crate) fn reply(&self, status: u16) -> Result<Reply, Refusal> {
        let mut reply = Reply::of(status, &self.envelope())?;
        reply.etag = Some(self.etag());
        reply.retry_after_s = (!self.document.state.is_terminal()).then_some(POLL_AFTER_S);
        Ok(reply)
    }

    /// An answer with something that is never under way.
    pub(crate) fn settled_reply(&self, status: u16) -> Result<Reply, Refusal> {
        let body = Value::Object(self.settled()?);
        Ok(Reply { etag: Some(self.etag()), ..Reply::json(status, body) })
    }
}

fn body_of(document: &Document) -> Result<Value, Refusal> {
    serde_json::to_value(document).map_err(|error| {
        tracing::error!(%error, "a document cannot be written");
        Refusal(ArmError::internal_server_error("a document cannot be written"))
    })
}
