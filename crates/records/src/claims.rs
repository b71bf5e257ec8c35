//! Doing operations: a claim, its renewal, what is saved under it.
//!
//! - A claim is a *lease* until a time and a *fence*, a number that grows with each claim. Who has claimed an
//!   operation renews the lease as long as it works on it; when the lease lapses anybody may claim it again.
//! - The fence decides, not the lease: whatever is saved under an older fence is refused as `Lost`.
//!   Clocks that differ, or a process that was stopped and goes on, cost work that is done twice and
//!   never a wrong row.
//! - On PostgreSQL many processes claim at once and none waits for another: rows that are just being
//!   claimed are left out.

use serde_json::Value;

use crate::error::RecordsError;
use crate::operation::{COLUMNS, Operation, Status};
use crate::sql::{Param, document, params};
use crate::tx::Tx;

impl Tx {
    /// Claims the operation of one of these kinds that has been due for the longest time and that nobody
    /// has a living lease of. It is `Running` then, and its fence is new.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn claim_operation(
        &mut self,
        kinds: &[&str],
        owner: &str,
        lease_ms: i64,
        now_ms: i64,
    ) -> Result<Option<Operation>, RecordsError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let mut params: Vec<Param<'_>> =
            params![owner, now_ms.saturating_add(lease_ms), now_ms, Status::Running.as_str()].into();
        let places: Vec<String> = (params.len() + 1..).take(kinds.len()).map(|n| format!("${n}")).collect();
        params.extend(kinds.iter().map(|kind| Param::from(*kind)));
        let sql = format!(
            "update operations set owner = $1, lease_until_ms = $2, changed_ms = $3, status = $4, \
             fence = fence + 1 where id = (select id from operations where ended_ms is null and due_ms <= $3 \
             and lease_until_ms <= $3 and kind in ({}) order by due_ms, id limit 1{}) returning {COLUMNS}",
            places.join(", "),
            self.session.dialect().for_update_skip_locked()
        );
        self.session.row(sql, &params).await?.as_ref().map(Operation::from_row).transpose()
    }

    /// Keeps the lease until a later time; returns whether somebody wants the operation to end.
    ///
    /// # Errors
    /// `Lost` if the fence is not the newest one or the operation has ended, `Unavailable`, `Database`.
    pub async fn renew_operation(
        &mut self,
        id: &str,
        fence: i64,
        lease_until_ms: i64,
    ) -> Result<bool, RecordsError> {
        let sql = "update operations set lease_until_ms = $1 where id = $2 and fence = $3 and ended_ms is null \
                   returning cancel_wanted";
        let row = self.session.row(sql, &params![lease_until_ms, id, fence]).await?;
        row.ok_or_else(|| RecordsError::Lost { id: id.to_owned() })?.columns().flag()
    }

    /// Says how far an operation is, and nothing else.
    ///
    /// # Errors
    /// `Lost` as for a renewal, `ZeroByte`, `Unavailable`, `Database`.
    pub async fn note_progress(
        &mut self,
        id: &str,
        fence: i64,
        percent: i32,
        message: &str,
        now_ms: i64,
    ) -> Result<(), RecordsError> {
        let sql = "update operations set percent = $1, message = $2, changed_ms = $3 \
                   where id = $4 and fence = $5 and ended_ms is null";
        let params = params![i64::from(percent), message, now_ms, id, fence];
        match self.session.execute(sql, &params).await? {
            0 => Err(RecordsError::Lost { id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Keeps everything about an operation that its owner may change; returns whether somebody wants it
    /// to end, which the owner may not change. Under the same fence it may be done again.
    ///
    /// # Errors
    /// `Lost` if the operation's fence is not the newest one or it has ended; nothing is changed then.
    /// `TooDeep`, `TooLarge`, `ZeroByte`, `Unavailable`, `Database`.
    pub async fn save_operation(&mut self, operation: &Operation) -> Result<bool, RecordsError> {
        let outputs = Value::Object(operation.outputs.clone());
        let error =
            operation.error.as_ref().map(|error| document("an operation's error", error)).transpose()?;
        let sql = "update operations set outputs = $1, step = $2, undoing = $3, attempts = $4, status = $5, \
                   error = $6, message = $7, percent = $8, changed_ms = $9, ended_ms = $10, due_ms = $11, \
                   lease_until_ms = $12, owner = $13 where id = $14 and fence = $15 and ended_ms is null \
                   returning cancel_wanted";
        let params = params![
            document("an operation's outputs", &outputs)?,
            i64::from(operation.step),
            operation.undoing,
            i64::from(operation.attempts),
            operation.status.as_str(),
            error,
            &operation.message,
            i64::from(operation.percent),
            operation.changed_ms,
            operation.ended_ms,
            operation.due_ms,
            operation.lease_until_ms,
            &operation.owner,
            &operation.id,
            operation.fence,
        ];
        let row = self.session.row(sql, &params).await?;
        row.ok_or_else(|| RecordsError::Lost { id: operation.id.clone() })?.columns().flag()
    }
}
