//! The audit log for whoever keeps a copy of it: everything, the oldest entry first, each exactly once.
//!
//! Entries have numbers that grow. Whoever has read up to one asks for what is behind it, as often as he
//! likes. An entry appears after three minutes, when none can come in front of it any more.

use isobar_arm::paging::Paging;
use isobar_arm::{ArmError, Timestamp};
use isobar_records::limits::{AUDIT_SETTLED_MS, LIST_MAX};
use isobar_records::{AuditEntry, Snapshot};
use serde_json::{Value, json};

use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Gate, Operation, Parameter, Versions};

const QUERY: &[Parameter] = &[
    Parameter { name: "after", description: "Only what is behind the entry with this number." },
    Parameter { name: "$top", description: "At most so many items." },
    Parameter { name: "$skipToken", description: "Where the page before ended: part of its nextLink." },
];

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation::get("AuditEntries_List", "/providers/Isobar.Storage/auditEntries")
        .command("audit list")
        .action(
            "Isobar.Storage/auditEntries/read",
            Display::of("Audit log", "Export audit log", "Reads everything that anybody did or tried to do."),
        )
        .gate(Gate::AllowedInTenant)
        .versions(Versions::Ours)
        .query(QUERY)
        .answers(&[Answer::of(200, "AuditEntryList", "The entries, the oldest first.")]),
    read!(list),
)];

fn number(name: &str, text: &str) -> Result<i64, Refusal> {
    let wrong = || ArmError::invalid_parameter_value(name, text, "It is the number of an entry.");
    Ok(text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(wrong)?)
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging: Paging = call.paging()?;
    let after = match (&paging.after, call.request.query.get("after")) {
        (Some(token), _) => number("$skipToken", token)?,
        (None, Some(after)) => number("after", after)?,
        (None, None) => 0,
    };
    let settled_ms = call.now().millis().saturating_sub(AUDIT_SETTLED_MS);
    let limit = u32::try_from(paging.fetch()).unwrap_or(LIST_MAX).min(LIST_MAX);
    let found = snapshot.audit_after(after, settled_ms, limit).await?;
    call.page(
        &paging,
        found,
        |(number, _)| number.to_string(),
        |(number, entry)| Ok(document(*number, entry)),
    )
}

fn document(number: i64, entry: &AuditEntry) -> Value {
    let text = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default();
    json!({
        "number": number,
        "time": Timestamp::from_millis(entry.at_ms),
        "principalId": entry.principal,
        "clientId": text("caller"),
        "action": entry.action,
        "target": entry.target,
        "statusCode": entry.outcome,
        "code": text("code"),
        "method": text("method"),
        "correlationId": entry.correlation,
        "operationId": text("operationId"),
    })
}
