//! Reading and writing resources.
//!
//! A change names the revision that it was made from; if somebody else was faster it is refused, and
//! nothing is lost unseen. Children go with their parents, which the database itself sees to.

use serde_json::Value;

use crate::error::RecordsError;
use crate::resource::{COLUMNS, Resource, ResourceFilter};
use crate::sql::{Select, document, params};
use crate::tx::{Snapshot, Tx};

impl Snapshot {
    /// The resource with this key.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn resource(&mut self, key: &str) -> Result<Option<Resource>, RecordsError> {
        let sql = format!("select {COLUMNS} from resources where key = $1");
        self.session.row(sql, &params![key]).await?.as_ref().map(Resource::from_row).transpose()
    }

    /// Resources in the order of their keys.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn list_resources(
        &mut self,
        filter: &ResourceFilter<'_>,
    ) -> Result<Vec<Resource>, RecordsError> {
        let select = filter.narrow(Select::new(format!("select {COLUMNS} from resources")));
        let select = select.page("key", filter.limit);
        let rows = self.session.rows(select.text, &select.params).await?;
        rows.iter().map(Resource::from_row).collect()
    }

    /// How many resources there are for such a list, without its limit.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn count_resources(&mut self, filter: &ResourceFilter<'_>) -> Result<u64, RecordsError> {
        let select = filter.narrow(Select::new("select count(*) from resources"));
        let row = self.session.row(select.text, &select.params).await?;
        row.map_or(Ok(0), |row| row.columns().number())
    }

    /// What has its id below another one's, at any depth, in the order of keys: behind `after` (or from the
    /// first on), at most `limit` and never more than [`LIST_MAX`](crate::limits::LIST_MAX).
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn resources_below(
        &mut self,
        key: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Resource>, RecordsError> {
        let (from, to) = below(key);
        let select = Select::new(format!("select {COLUMNS} from resources"));
        let select = select.with("key >=", from).with("key <", to).maybe("key >", after).page("key", limit);
        let rows = self.session.rows(select.text, &select.params).await?;
        rows.iter().map(Resource::from_row).collect()
    }
}

impl Tx {
    /// The resource with this key, which nobody else changes or deletes before this transaction ends.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn hold_resource(&mut self, key: &str) -> Result<Option<Resource>, RecordsError> {
        let hold = self.session.dialect().for_update();
        let sql = format!("select {COLUMNS} from resources where key = $1{hold}");
        self.session.row(sql, &params![key]).await?.as_ref().map(Resource::from_row).transpose()
    }

    /// Adds a resource and gives it back with its revision; that of `new` does not matter.
    ///
    /// # Errors
    /// `Exists` if there is one with this key, `NoParent`, `TooDeep`, `TooLarge`, `ZeroByte`, `Unavailable`,
    /// `Database`.
    pub async fn insert_resource(&mut self, mut new: Resource) -> Result<Resource, RecordsError> {
        let body = document("a resource's body", &new.body)?;
        new.revision = self.next_revision().await?;
        let sql = "insert into resources (key, id, kind, parent, subscription, group_name, revision, body, \
                   created_ms, changed_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                   on conflict (key) do nothing";
        let params = params![
            &new.key,
            &new.id,
            &new.kind,
            Some(new.parent.clone()).filter(|parent| !parent.is_empty()),
            &new.subscription,
            &new.group_name,
            new.revision,
            body,
            new.created_ms,
            new.changed_ms,
        ];
        match self.session.execute(sql, &params).await {
            Ok(0) => Err(RecordsError::Exists { key: new.key }),
            Ok(_) => Ok(new),
            Err(error) if error.is_of_foreign_key() => {
                Err(RecordsError::NoParent { key: new.key, parent: new.parent })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a resource that has this revision another body; returns what it is then.
    ///
    /// # Errors
    /// `Stale` if it has another revision, `Missing`, `TooDeep`, `TooLarge`, `ZeroByte`, `Unavailable`,
    /// `Database`.
    pub async fn update_resource(
        &mut self,
        key: &str,
        revision: i64,
        body: &Value,
        now_ms: i64,
    ) -> Result<Resource, RecordsError> {
        let body = document("a resource's body", body)?;
        let next = self.next_revision().await?;
        let sql = format!(
            "update resources set revision = $1, body = $2, changed_ms = $3 where key = $4 and revision = $5 \
             returning {COLUMNS}"
        );
        let params = params![next, body, now_ms, key, revision];
        match self.session.row(sql, &params).await? {
            Some(row) => Resource::from_row(&row),
            None => Err(self.stale_or_missing(key).await?),
        }
    }

    /// Deletes a resource and its children; `false` if there was none. With a revision it is deleted only
    /// if it has that one.
    ///
    /// # Errors
    /// `Stale` if it has another revision, `Unavailable`, `Database`.
    pub async fn delete_resource(&mut self, key: &str, revision: Option<i64>) -> Result<bool, RecordsError> {
        let sql = "delete from resources where key = $1 and revision = coalesce($2, revision)";
        if self.session.execute(sql, &params![key, revision]).await? > 0 {
            return Ok(true);
        }
        match self.resource(key).await? {
            Some(_) => Err(RecordsError::Stale { key: key.to_owned() }),
            None => Ok(false),
        }
    }

    /// Deletes what has its id below another one's, at any depth; gives the keys. First
    /// [hold](Tx::hold_resource) what is above, and let nobody add below who does not hold it, too: on
    /// PostgreSQL what is added meanwhile may stay, or go without its key being given.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn delete_resources_below(&mut self, key: &str) -> Result<Vec<String>, RecordsError> {
        // First the keys: what goes along with a deleted parent is not returned by a delete.
        let (from, to) = below(key);
        let hold = self.session.dialect().for_update();
        let sql = format!("select key from resources where key >= $1 and key < $2 order by key{hold}");
        let params = params![from, to];
        let rows = self.session.rows(sql, &params).await?;
        self.session.execute("delete from resources where key >= $1 and key < $2", &params).await?;
        rows.iter().map(|row| row.columns().next()).collect()
    }

    async fn next_revision(&mut self) -> Result<i64, RecordsError> {
        let sql = self.session.dialect().next_revision();
        let row = self.session.row(sql, &[]).await?;
        let missing = || RecordsError::Foreign("no counter of revisions".to_owned());
        row.ok_or_else(missing)?.columns().next()
    }

    /// Why a change of a resource met nothing.
    async fn stale_or_missing(&mut self, key: &str) -> Result<RecordsError, RecordsError> {
        let key = key.to_owned();
        Ok(match self.resource(&key).await? {
            Some(_) => RecordsError::Stale { key },
            None => RecordsError::Missing { key },
        })
    }
}

/// The range of keys below one: from the first to the one behind the last.
fn below(key: &str) -> (String, String) {
    // What follows '/' in ASCII is '0'.
    (format!("{key}/"), format!("{key}0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_key_is_neither_itself_nor_its_neighbours() {
        let (from, to) = below("/x/c1");
        let is_below = |key: &str| from.as_str() <= key && key < to.as_str();
        for key in ["/x/c1/nodes/a", "/x/c1//", "/x/c1/\u{10ffff}"] {
            assert!(is_below(key), "{key}");
        }
        for key in ["/x/c1", "/x/c10", "/x/c1-a/nodes/a", "/x/c1.a", "/x/c2/nodes/a", "/x/c"] {
            assert!(!is_below(key), "{key}");
        }
    }
}
