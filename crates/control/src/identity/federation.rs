//! Federated credentials: somebody whom another issuer knows under a subject is one of our principals.
//!
//! Each is a record of its own, found by issuer and subject. So a token of a stranger costs one look, and
//! nobody but owners of the tenant says which issuers are believed, for whom and about what.

use isobar_arm::{ArmError, ResourceId};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::principal::Principal;
use crate::limits::FEDERATIONS_MAX;
use crate::refusal::Refusal;
use crate::store::{Author, Document, Stored, gather};

/// Their kind among the records.
const KIND: &str = "microsoft.graph/federatedidentitycredentials";

/// A federated credential.
#[derive(Clone)]
pub(crate) struct Federation {
    stored: Stored,
    /// The client id of the principal.
    pub app_id: String,
    /// What it is called, once for each principal.
    pub name: String,
    /// Who makes the tokens: `iss`.
    pub issuer: String,
    /// About whom: `sub`.
    pub subject: String,
    /// For whom: `aud`.
    pub audience: String,
}

/// What is said of a new one.
pub(crate) struct NewFederation<'n> {
    /// What it is called.
    pub name: &'n str,
    /// Who makes the tokens.
    pub issuer: &'n str,
    /// About whom.
    pub subject: &'n str,
    /// For whom.
    pub audience: &'n str,
}

/// Two of them have the same id only if issuer and subject are the same: neither has a line end.
fn id_of(issuer: &str, subject: &str) -> Result<ResourceId, Refusal> {
    let hash = digest(&SHA256, format!("{issuer}\n{subject}").as_bytes());
    let name: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(ResourceId::tenant().resource("Microsoft.Graph", "federatedIdentityCredentials", &name)?)
}

impl Federation {
    fn read(stored: Stored) -> Federation {
        let text = |name: &str| stored.text(name).to_owned();
        Federation {
            app_id: text("appId"),
            name: text("name"),
            issuer: text("issuer"),
            subject: text("subject"),
            audience: text("audience"),
            stored,
        }
    }

    /// The one of this issuer and subject.
    pub(crate) async fn find(
        snapshot: &mut Snapshot,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Federation>, Refusal> {
        let found = Stored::find(snapshot, &id_of(issuer, subject)?).await?.map(Federation::read);
        Ok(found.filter(|of| of.issuer == issuer && of.subject == subject))
    }

    /// All of a principal.
    pub(crate) async fn of(
        snapshot: &mut Snapshot,
        principal: &Principal,
    ) -> Result<Vec<Federation>, Refusal> {
        let filter = ResourceFilter { kind: Some(KIND), ..ResourceFilter::default() };
        let is_his = |stored: &Stored| stored.text("appId") == principal.app_id;
        let mut all: Vec<Federation> =
            gather(snapshot, &filter, usize::MAX, is_his).await?.into_iter().map(Federation::read).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Makes one, of a name that it has for no other.
    ///
    /// # Errors
    /// 409 if somebody is that subject already; it has too many.
    pub(crate) async fn create(
        tx: &mut Tx,
        principal: &Principal,
        new: &NewFederation<'_>,
        author: Author<'_>,
    ) -> Result<Federation, Refusal> {
        let his = Federation::of(tx, principal).await?;
        if his.len() >= FEDERATIONS_MAX {
            let why = format!("A service principal has at most {FEDERATIONS_MAX} federated credentials.");
            return Err(ArmError::new(400, "QuotaExceeded", why).into());
        }
        if Federation::find(tx, new.issuer, new.subject).await?.is_some() {
            let why = "A service principal has this issuer and subject already.";
            return Err(ArmError::new(409, "Request_MultipleObjectsWithSameKeyValue", why).into());
        }
        let text = |value: &str| Value::from(value.to_owned());
        let properties = Map::from_iter([
            ("appId".to_owned(), text(&principal.app_id)),
            ("name".to_owned(), text(new.name)),
            ("issuer".to_owned(), text(new.issuer)),
            ("subject".to_owned(), text(new.subject)),
            ("audience".to_owned(), text(new.audience)),
        ]);
        let document = Document::new(author.creates(), properties);
        Ok(Federation::read(Stored::create(tx, &id_of(new.issuer, new.subject)?, document).await?))
    }

    /// Takes it away.
    pub(crate) async fn delete(self, tx: &mut Tx) -> Result<(), Refusal> {
        tx.delete_resource(self.stored.id.key(), Some(self.stored.revision)).await?;
        Ok(())
    }

    /// As the directory answers, in Graph's words.
    pub(crate) fn document(&self) -> Value {
        json!({
            "name": self.name,
            "issuer": self.issuer,
            "subject": self.subject,
            "audiences": [self.audience],
        })
    }
}
