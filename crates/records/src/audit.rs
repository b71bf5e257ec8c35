//! The audit log: who did what, when, and how it went. The database refuses to change or delete its rows,
//! whoever asks.

use serde_json::Value;

use crate::error::RecordsError;
use crate::limits::LIST_MAX;
use crate::row::Row;
use crate::sql::{Select, document, params};
use crate::tx::{Snapshot, Tx};

/// The columns of an entry without its number.
const COLUMNS: &str =
    "at_ms, principal, action, target, subscription, group_name, outcome, correlation, detail";

/// One thing that somebody did or tried. It is kept in clear: no secret belongs here.
#[derive(Clone, PartialEq, Debug)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub principal: String,
    /// What, such as `Isobar.Storage/clusters/write`.
    pub action: String,
    /// The key of the resource.
    pub target: String,
    /// The subscription's id in lower case, or "".
    pub subscription: String,
    /// The resource group's name in lower case, or "".
    pub group_name: String,
    /// How it went, as an HTTP status code.
    pub outcome: u16,
    /// The correlation id of the request.
    pub correlation: String,
    /// Anything else.
    pub detail: Value,
}

/// Which entries a list has: those that suit every condition that is given.
#[derive(Clone, Copy, Debug)]
pub struct AuditFilter<'a> {
    /// By this one.
    pub principal: Option<&'a str>,
    /// Of this action.
    pub action: Option<&'a str>,
    /// On this resource.
    pub target: Option<&'a str>,
    /// In this subscription.
    pub subscription: Option<&'a str>,
    /// In this group.
    pub group_name: Option<&'a str>,
    /// Of this request.
    pub correlation: Option<&'a str>,
    /// At this time or later.
    pub since_ms: Option<i64>,
    /// Before this time.
    pub until_ms: Option<i64>,
    /// Before this number: that of the last entry of the list before.
    pub before: Option<i64>,
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
}

impl Default for AuditFilter<'_> {
    fn default() -> Self {
        AuditFilter {
            principal: None,
            action: None,
            target: None,
            subscription: None,
            group_name: None,
            correlation: None,
            since_ms: None,
            until_ms: None,
            before: None,
            limit: LIST_MAX,
        }
    }
}

impl Snapshot {
    /// Entries with their numbers, the newest first. On PostgreSQL entries of transactions that ran side
    /// by side may become visible in another order than that of their numbers.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn list_audit(
        &mut self,
        filter: &AuditFilter<'_>,
    ) -> Result<Vec<(i64, AuditEntry)>, RecordsError> {
        let select = Select::new(format!("select seq, {COLUMNS} from audit"))
            .maybe("principal =", filter.principal)
            .maybe("action =", filter.action)
            .maybe("target =", filter.target)
            .maybe("subscription =", filter.subscription)
            .maybe("group_name =", filter.group_name)
            .maybe("correlation =", filter.correlation)
            .maybe("at_ms >=", filter.since_ms)
            .maybe("at_ms <", filter.until_ms)
            .maybe("seq <", filter.before)
            .page("seq desc", filter.limit);
        let rows = self.session.rows(select.text, &select.params).await?;
        rows.iter().map(entry).collect()
    }

    /// Entries behind this number with their numbers in their order, up to the first one that is not before
    /// this time: for whoever keeps a copy. `before_ms` has to be so long ago that no transaction of that
    /// time is still open ([`AUDIT_SETTLED_MS`](crate::limits::AUDIT_SETTLED_MS)): numbers are given before
    /// they are seen.
    ///
    /// # Errors
    /// `Unavailable`, `Database`, `Foreign`.
    pub async fn audit_after(
        &mut self,
        after: i64,
        before_ms: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, RecordsError> {
        let select = Select::new(format!("select seq, {COLUMNS} from audit"))
            .maybe("seq >", Some(after))
            .page("seq", limit);
        let rows = self.session.rows(select.text, &select.params).await?;
        // Numbers are given in another order than times are taken: what is behind one that is still to be
        // settled waits for it, or whoever goes on behind it would miss it.
        let settled =
            |row: &Result<(i64, AuditEntry), _>| !matches!(row, Ok((_, of)) if of.at_ms >= before_ms);
        rows.iter().map(entry).take_while(settled).collect()
    }
}

impl Tx {
    /// Adds an entry; gives its number. Numbers grow, and may leave some out.
    ///
    /// # Errors
    /// `TooDeep`, `TooLarge`, `ZeroByte`, `Unavailable`, `Database`.
    pub async fn append_audit(&mut self, entry: &AuditEntry) -> Result<i64, RecordsError> {
        let sql = format!(
            "insert into audit ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning seq"
        );
        let params = params![
            entry.at_ms,
            &entry.principal,
            &entry.action,
            &entry.target,
            &entry.subscription,
            &entry.group_name,
            i64::from(entry.outcome),
            &entry.correlation,
            document("an audit entry's detail", &entry.detail)?,
        ];
        let row = self.session.row(sql, &params).await?;
        let unanswered = || RecordsError::Foreign("an audit log that takes no entries".to_owned());
        row.ok_or_else(unanswered)?.columns().next()
    }
}

fn entry(row: &Row) -> Result<(i64, AuditEntry), RecordsError> {
    let mut columns = row.columns();
    let seq = columns.next()?;
    let entry = AuditEntry {
        at_ms: columns.next()?,
        principal: columns.next()?,
        action: columns.next()?,
        target: columns.next()?,
        subscription: columns.next()?,
        group_name: columns.next()?,
        outcome: columns.number()?,
        correlation: columns.next()?,
        detail: columns.document()?,
    };
    Ok((seq, entry))
}
