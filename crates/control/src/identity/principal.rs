//! Service principals among the records.
//!
//! They are records beside resources and no resources: nothing lists them but the directory. They are found
//! by the client id that they log in with; roles name them by their object id.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Map, Value, json};

use super::certificate::Certificate;
use super::secret::Kept;
use crate::limits::{CERTIFICATES_MAX, PRINCIPALS_MAX, SECRETS_MAX};
use crate::refusal::Refusal;
use crate::store::{Author, Document, Stored, gather};

/// Their kind among the records.
pub(crate) const KIND: &str = "microsoft.graph/serviceprincipals";
/// The kind of subscriptions among the records.
pub(crate) const SUBSCRIPTION_KIND: &str = "microsoft.resources/subscriptions";

/// A service principal.
#[derive(Clone)]
pub(crate) struct Principal {
    stored: Stored,
    /// What roles name it by.
    pub object_id: String,
    /// What it logs in with.
    pub app_id: String,
    /// What people call it.
    pub display_name: String,
    secrets: Vec<Kept>,
    certificates: Vec<Certificate>,
}

fn id_of(app_id: &str) -> Result<ResourceId, Refusal> {
    Ok(ResourceId::tenant().resource("Microsoft.Graph", "servicePrincipals", &app_id.to_lowercase())?)
}

impl Principal {
    fn read(stored: Stored) -> Result<Principal, Refusal> {
        let of = |name: &str| stored.document.properties.get(name).cloned().unwrap_or_else(|| json!([]));
        let wrong = |error: serde_json::Error| {
            tracing::error!(id = %stored.id, %error, "a principal is not one of this program's");
            ArmError::internal_server_error("a record cannot be read")
        };
        let secrets = serde_json::from_value(of("secrets")).map_err(wrong)?;
        let certificates = serde_json::from_value(of("certificates")).map_err(wrong)?;
        Ok(Principal {
            object_id: stored.text("objectId").to_owned(),
            app_id: stored.text("appId").to_owned(),
            display_name: stored.text("displayName").to_owned(),
            secrets,
            certificates,
            stored,
        })
    }

    /// The one that logs in with this id.
    pub(crate) async fn by_app_id(
        snapshot: &mut Snapshot,
        app_id: &str,
    ) -> Result<Option<Principal>, Refusal> {
        if !isobar_arm::names::is_guid(app_id) {
            return Ok(None);
        }
        Stored::find(snapshot, &id_of(app_id)?).await?.map(Principal::read).transpose()
    }

    /// All of them, of which there are few.
    pub(crate) async fn all(snapshot: &mut Snapshot) -> Result<Vec<Principal>, Refusal> {
        let filter = ResourceFilter { kind: Some(KIND), ..ResourceFilter::default() };
        let all = gather(snapshot, &filter, usize::MAX, |_| true).await?;
        all.into_iter().map(Principal::read).collect()
    }

    /// The one that roles name so.
    pub(crate) async fn by_object_id(
        snapshot: &mut Snapshot,
        object_id: &str,
    ) -> Result<Option<Principal>, Refusal> {
        let mut all = Principal::all(snapshot).await?.into_iter();
        Ok(all.find(|principal| principal.object_id.eq_ignore_ascii_case(object_id)))
    }

    /// Makes one without a secret.
    pub(crate) async fn create(
        tx: &mut Tx,
        (app_id, object_id): (String, String),
        display_name: &str,
        author: Author<'_>,
    ) -> Result<Principal, Refusal> {
        let filter = ResourceFilter { kind: Some(KIND), ..ResourceFilter::default() };
        if tx.count_resources(&filter).await? >= PRINCIPALS_MAX {
            return Err(ArmError::new(400, "QuotaExceeded", "There are too many service principals.").into());
        }
        let properties = Map::from_iter([
            ("appId".to_owned(), json!(app_id)),
            ("objectId".to_owned(), json!(object_id)),
            ("displayName".to_owned(), json!(display_name)),
            ("secrets".to_owned(), json!([])),
        ]);
        let document = Document::new(author.creates(), properties);
        Principal::read(Stored::create(tx, &id_of(&app_id)?, document).await?)
    }

    /// The same before any secret; nothing is kept of that until it gets another one.
    pub(crate) fn without_secrets(mut self) -> Principal {
        self.secrets.clear();
        self
    }

    /// Adds a secret, and gives it: it is not kept.
    pub(crate) async fn add_secret(
        mut self,
        tx: &mut Tx,
        author: Author<'_>,
    ) -> Result<(Principal, Kept, String), Refusal> {
        if self.secrets.len() >= SECRETS_MAX {
            let why =
                format!("A service principal has at most {SECRETS_MAX} secrets: remove one of them first.");
            return Err(ArmError::new(400, "QuotaExceeded", why).into());
        }
        let (kept, secret) = Kept::draw(author.now)?;
        self.secrets.push(kept.clone());
        Ok((self.save(tx, author).await?, kept, secret))
    }

    /// Takes a secret away; `false` if it has none of that name.
    pub(crate) async fn remove_secret(
        mut self,
        tx: &mut Tx,
        key_id: &str,
        author: Author<'_>,
    ) -> Result<bool, Refusal> {
        let before = self.secrets.len();
        self.secrets.retain(|kept| !kept.key_id.eq_ignore_ascii_case(key_id));
        let found = self.secrets.len() < before;
        self.save(tx, author).await?;
        Ok(found)
    }

    /// Adds a certificate to log in with.
    pub(crate) async fn add_certificate(
        mut self,
        tx: &mut Tx,
        certificate: Certificate,
        author: Author<'_>,
    ) -> Result<Principal, Refusal> {
        if self.certificates.len() >= CERTIFICATES_MAX {
            let why = format!(
                "A service principal has at most {CERTIFICATES_MAX} certificates: remove one of them first."
            );
            return Err(ArmError::new(400, "QuotaExceeded", why).into());
        }
        self.certificates.push(certificate);
        self.save(tx, author).await
    }

    /// Takes a certificate away; `false` if it has none of that name.
    pub(crate) async fn remove_certificate(
        mut self,
        tx: &mut Tx,
        key_id: &str,
        author: Author<'_>,
    ) -> Result<bool, Refusal> {
        let before = self.certificates.len();
        self.certificates.retain(|of| !of.key_id.eq_ignore_ascii_case(key_id));
        let found = self.certificates.len() < before;
        self.save(tx, author).await?;
        Ok(found)
    }

    /// What it may log in with beside its secrets.
    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    async fn save(mut self, tx: &mut Tx, author: Author<'_>) -> Result<Principal, Refusal> {
        let secrets = serde_json::to_value(&self.secrets).unwrap_or(Value::Null);
        let certificates = serde_json::to_value(&self.certificates).unwrap_or(Value::Null);
        self.stored.document.properties.insert("secrets".to_owned(), secrets);
        self.stored.document.properties.insert("certificates".to_owned(), certificates);
        Principal::read(self.stored.save(tx, author).await?)
    }

    /// Takes it away.
    pub(crate) async fn delete(self, tx: &mut Tx) -> Result<(), Refusal> {
        tx.delete_resource(self.stored.id.key(), Some(self.stored.revision)).await?;
        Ok(())
    }

    /// Whether this is one of its secrets.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        // All of them are looked at, so that the time says nothing about which.
        self.secrets.iter().fold(false, |found, kept| kept.is_of(secret) | found)
    }

    /// As the directory answers; `with_secrets` with the names of its secrets, and never more of them.
    pub(crate) fn document(&self, with_secrets: bool) -> Value {
        let shown = self.secrets.iter().filter(|_| with_secrets);
        let certificates = self.certificates.iter().filter(|_| with_secrets);
        let secrets: Vec<Value> = shown
            .map(|kept| json!({"keyId": kept.key_id, "hint": kept.hint, "startDateTime": kept.made}))
            .collect();
        json!({
            "@odata.type": "#microsoft.graph.servicePrincipal",
            "id": self.object_id,
            "appId": self.app_id,
            "displayName": self.display_name,
            "servicePrincipalNames": [self.app_id],
            "servicePrincipalType": "Application",
            "accountEnabled": true,
            "passwordCredentials": secrets,
            "keyCredentials": certificates.map(Certificate::document).collect::<Vec<_>>(),
        })
    }
}
