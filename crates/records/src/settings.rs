//! Small things by name, such as the id of this control plane.

use crate::error::RecordsError;
use crate::sql::params;
use crate::tx::{Snapshot, Tx};

impl Snapshot {
    /// A setting, if it has been set.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, RecordsError> {
        let row = self.session.row("select value from settings where name = $1", &params![name]).await?;
        row.map(|row| row.columns().next()).transpose()
    }
}

impl Tx {
    /// Sets it, whether or not it was set.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn set_setting(&mut self, name: &str, value: &str) -> Result<(), RecordsError> {
        let sql = "insert into settings (name, value) values ($1, $2) \
                   on conflict (name) do update set value = excluded.value";
        self.session.execute(sql, &params![name, value]).await.map(drop)
    }

    /// Sets it if it has never been set, and gives what it is then: programs that start together agree.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn setting_or(&mut self, name: &str, value: &str) -> Result<String, RecordsError> {
        let sql = "insert into settings (name, value) values ($1, $2) on conflict (name) do nothing";
        self.session.execute(sql, &params![name, value]).await?;
        Ok(self.setting(name).await?.unwrap_or_else(|| value.to_owned()))
    }
}
