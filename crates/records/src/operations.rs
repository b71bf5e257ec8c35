//! Asking for operations, looking at them, and forgetting old ones. What is done with them is in `claims`.
//!
//! An operation is added in the transaction that changes its target, so there is never one without the
//! other. A target has at most one operation that has not ended, which the database itself sees to.

use crate::error::RecordsError;
use crate::limits::INSERTS_MAX;
use crate::operation::{COLUMNS, NewOperation, Operation, OperationFilter, Status};
use crate::sql::{Select, document, params};
use crate::tx::{Snapshot, Tx};

impl Snapshot {
    /// The operation with this id.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn operation(&mut self, id: &str) -> Result<Option<Operation>, RecordsError> {
        let sql = format!("select {COLUMNS} from operations where id = $1");
        self.session.row(sql, &params![id]).await?.as_ref().map(Operation::from_row).transpose()
    }

    /// Operations, the newest first.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn list_operations(
        &mut self,
        filter: &OperationFilter<'_>,
    ) -> Result<Vec<Operation>, RecordsError> {
        let select = filter.narrow(Select::new(format!("select {COLUMNS} from operations")));
        let select = select.page("created_ms desc, id desc", filter.limit);
        let rows = self.session.rows(select.text, &select.params).await?;
        rows.iter().map(Operation::from_row).collect()
    }

    /// The operation on a target that has not ended.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn unended_operation(&mut self, target: &str) -> Result<Option<Operation>, RecordsError> {
        let filter = OperationFilter { target: Some(target), unended: true, limit: 1, ..Default::default() };
        Ok(self.list_operations(&filter).await?.pop())
    }
}

impl Tx {
    /// The operation with this id, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn hold_operation(&mut self, id: &str) -> Result<Option<Operation>, RecordsError> {
        let hold = self.session.dialect().for_update();
        let sql = format!("select {COLUMNS} from operations where id = $1{hold}");
        self.session.row(sql, &params![id]).await?.as_ref().map(Operation::from_row).transpose()
    }

    /// Adds an operation, due at once.
    ///
    /// # Errors
    /// `Busy` if another one on its target has not ended; the transaction can go on. `SameOperation`,
    /// `TooDeep`, `TooLarge`, `ZeroByte`, `Unavailable`, `Database`.
    pub async fn insert_operation(
        &mut self,
        new: &NewOperation,
        now_ms: i64,
    ) -> Result<Operation, RecordsError> {
        let input = document("an operation's input", &new.input)?;
        let sql = format!(
            "insert into operations ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, '{{}}', 0, 0, 0, $7, null, $8, \
             0, 0, $9, $9, null, $9, 0, '', 0, $10, $11) on conflict do nothing returning {COLUMNS}"
        );
        let params = params![
            &new.id,
            &new.target,
            &new.kind,
            &new.subscription,
            &new.location,
            input,
            Status::Accepted.as_str(),
            &new.message,
            now_ms,
            &new.correlation,
            &new.principal,
        ];
        for _ in 0..INSERTS_MAX {
            if let Some(row) = self.session.row(sql.clone(), &params).await? {
                return Operation::from_row(&row);
            }
            if let Some(other) = self.unended_operation(&new.target).await? {
                return Err(RecordsError::Busy { target: new.target.clone(), operation: other.id });
            }
            if self.operation(&new.id).await?.is_some() {
                return Err(RecordsError::SameOperation { id: new.id.clone() });
            }
        }
        Err(RecordsError::Unavailable(format!("operations on {} come and go", new.target)))
    }

    /// Notes that somebody wants an operation to end, and makes it due. `false` if there is none or it
    /// has ended.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn request_cancel(&mut self, id: &str, now_ms: i64) -> Result<bool, RecordsError> {
        let sql = "update operations set cancel_wanted = 1, changed_ms = $1, \
                   due_ms = case when due_ms > $1 then $1 else due_ms end where id = $2 and ended_ms is null";
        Ok(self.session.execute(sql, &params![now_ms, id]).await? > 0)
    }

    /// Deletes operations that ended before that time; gives how many. Clients of the Azure Resource
    /// Manager expect to find them for 24 hours.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub async fn forget_operations_before(&mut self, ended_ms: i64) -> Result<u64, RecordsError> {
        let sql = "delete from operations where ended_ms is not null and ended_ms < $1";
        self.session.execute(sql, &params![ended_ms]).await
    }
}
