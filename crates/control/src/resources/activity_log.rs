//! The activity log: the audit log in ARM's form, the newest entry first.
//!
//! A caller sees what was done to what he may read.

use isobar_arm::filter::{ACTIVITY_LOG as WORDS, Filter, Test};
use isobar_arm::paging::Paging;
use isobar_arm::{ArmError, ResourceId, Timestamp};
use isobar_records::{AuditEntry, AuditFilter, Snapshot};
use serde_json::{Value, json};

use super::versions::ACTIVITY_LOG;
use crate::call::Call;
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::table::{Answer, Display, Gate, Operation};

const READ: &str = "Microsoft.Insights/eventtypes/values/read";

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation::get(
        "ActivityLogs_List",
        "/subscriptions/{subscriptionId}/providers/Microsoft.Insights/eventtypes/management/values",
    )
    .command("activity-log list")
    .action(READ, Display::of("Activity log", "Get activity log", "Reads who changed what, and when."))
    .gate(Gate::InSubscription)
    .versions(ACTIVITY_LOG)
    .filtered()
    .answers(&[Answer::of(200, "EventList", "The entries.")]),
    read!(list),
)];

/// From and to which moment, in milliseconds; the end is not part of it.
fn times(filter: &Filter) -> (Option<i64>, Option<i64>) {
    let times = filter.conditions().iter().filter(|of| of.subject == "eventTimestamp").map(|of| &of.test);
    times.fold((None, None), |(since, until), test| match test {
        Test::NotBefore(time) => (Some(since.map_or(time.millis(), |s: i64| s.max(time.millis()))), until),
        Test::NotAfter(time) => {
            let end = time.millis().saturating_add(1);
            (since, Some(until.map_or(end, |until: i64| until.min(end))))
        }
        _ => (since, until),
    })
}

/// How it went, in ARM's words.
fn status(entry: &AuditEntry) -> &'static str {
    match entry.outcome {
        202 => "Accepted",
        200..=399 => "Succeeded",
        _ => "Failed",
    }
}

fn text<'e>(entry: &'e AuditEntry, name: &str) -> &'e str {
    entry.detail.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The id of what it was done to, as it was written.
fn target(entry: &AuditEntry) -> Option<ResourceId> {
    ResourceId::parse(text(entry, "id")).or_else(|_| ResourceId::parse(&entry.target)).ok()
}

/// Whether an entry is to be shown.
fn fits(call: &Call, filter: &Filter, entry: &AuditEntry) -> bool {
    let Some(target) = target(entry) else { return false };
    call.rights.allow(READ, &target)
        && filter.holds("resourceGroupName", [entry.group_name.as_str()])
        && filter.holds("resourceId", [entry.target.as_str()])
        && filter.holds("resourceUri", [entry.target.as_str()])
        && filter.holds("resourceProvider", entry.action.split('/').next())
        && filter.holds("correlationId", [entry.correlation.as_str()])
        && filter.holds("caller", [text(entry, "caller"), entry.principal.as_str()])
        && filter.holds("status", [status(entry)])
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let filter = call.filter(&WORDS)?;
    let paging: Paging = call.paging()?;
    let subscription = call.subscription()?.name().to_lowercase();
    let group = filter.value_of("resourceGroupName").map(str::to_lowercase);
    let resource = filter.value_of("resourceId").or(filter.value_of("resourceUri")).map(str::to_lowercase);
    let (since_ms, until_ms) = times(&filter);
    let wrong =
        |_| ArmError::invalid_parameter_value("$skipToken", "", "Follow the nextLink of the page before.");
    let mut before = paging.after.as_deref().map(str::parse::<i64>).transpose().map_err(wrong)?;
    let mut found = Vec::new();
    loop {
        let rows = AuditFilter {
            subscription: Some(&subscription),
            group_name: group.as_deref(),
            target: resource.as_deref(),
            correlation: filter.value_of("correlationId"),
            since_ms,
            until_ms,
            before,
            ..AuditFilter::default()
        };
        let entries = snapshot.list_audit(&rows).await?;
        let is_last = entries.len() < rows.limit as usize;
        before = entries.last().map(|(seq, _)| *seq);
        found.extend(entries.into_iter().filter(|(_, entry)| fits(call, &filter, entry)));
        if is_last || found.len() >= paging.fetch() {
            break;
        }
    }
    found.truncate(paging.fetch());
    call.page(&paging, found, |(seq, _)| seq.to_string(), |(seq, entry)| Ok(document(call, *seq, entry)))
}

fn document(call: &Call, seq: i64, entry: &AuditEntry) -> Value {
    let word = |value: &str| json!({"value": value, "localizedValue": value});
    let target = target(entry).unwrap_or_else(ResourceId::tenant);
    let at = Timestamp::from_millis(entry.at_ms);
    let subscription = &entry.subscription;
    let id = format!("{}/events/{seq}/ticks/{}", target, entry.at_ms);
    json!({
        "id": id,
        "eventDataId": seq.to_string(),
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "caller": text(entry, "caller"),
        "correlationId": entry.correlation,
        "operationId": entry.correlation,
        "operationName": word(&entry.action),
        "eventName": word("EndRequest"),
        "category": word("Administrative"),
        "channels": "Operation",
        "level": if entry.outcome < 400 { "Informational" } else { "Error" },
        "status": word(status(entry)),
        "subStatus": word(&entry.outcome.to_string()),
        "resourceId": target,
        "resourceGroupName": target.group().unwrap_or_default(),
        "resourceProviderName": word(entry.action.split('/').next().unwrap_or_default()),
        "resourceType": word(&target.resource_type()),
        "subscriptionId": subscription,
        "tenantId": call.app.issuer.tenant(),
        "authorization": {"action": entry.action, "scope": target},
        "claims": {"http://schemas.microsoft.com/identity/claims/objectidentifier": entry.principal},
        "httpRequest": {"method": text(entry, "method"), "clientRequestId": text(entry, "clientRequestId")},
        "properties": {"statusCode": entry.outcome.to_string(), "code": entry.detail.get("code")},
    })
}
