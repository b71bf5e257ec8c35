//! Billing reports: usage records added up.

use isobar_arm::{ArmError, Fields, Problems, Timestamp, parse_json};
use isobar_records::Snapshot;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::http::Reply;
use crate::limits::{BILLING_DAYS_BY_HOUR_MAX, BILLING_DAYS_MAX, BILLING_DAYS_USUAL};
use crate::refusal::Refusal;
use crate::reservations::{DAY_MS, HOUR_MS, Span, Sums, hour_of, record_id, sums_by, usage_filter};
use crate::store::{Stored, gather};

/// What is added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Asked {
    /// From the hour that begins here …
    from_ms: i64,
    /// … to the one before this.
    to_ms: i64,
    /// How long a row is.
    row_ms: i64,
}

fn moment(fields: &Fields<'_, '_>, name: &'static str) -> Option<i64> {
    let at = Timestamp::parse(fields.get(name).string(1..=64)?);
    if at.is_err() {
        fields.get(name).refuse("must be a time, written as 2027-01-31T00:00:00Z");
    }
    at.ok().map(|at| hour_of(at.millis()))
}

/// Reads what is asked for; what is not said is the last days until now.
fn read(body: &Value, now_ms: i64) -> Result<Asked, ArmError> {
    const ROWS: [(&str, i64); 2] = [("Daily", DAY_MS), ("Hourly", HOUR_MS)];
    let problems = Problems::new();
    let asked = {
        let fields = Fields::root(body, &problems);
        let row_ms = fields.get("granularity").one_of(&ROWS).unwrap_or(DAY_MS);
        let to_ms = moment(&fields, "to").unwrap_or_else(|| hour_of(now_ms));
        let from_ms = moment(&fields, "from").unwrap_or(to_ms - BILLING_DAYS_USUAL * DAY_MS);
        let days_max = if row_ms == HOUR_MS { BILLING_DAYS_BY_HOUR_MAX } else { BILLING_DAYS_MAX };
        if from_ms >= to_ms {
            fields.get("from").refuse("must be an hour or more before 'to'");
        } else if to_ms - from_ms > days_max * DAY_MS {
            let why = format!("must be {days_max} days before 'to' at most");
            fields.get("from").refuse(&why);
        }
        Asked { from_ms, to_ms, row_ms }
    };
    problems.into_result()?;
    Ok(asked)
}

fn asked(call: &Call) -> Result<Asked, Refusal> {
    let body = match (call.request.body.is_empty(), &call.request.headers.content_type) {
        (true, _) => json!({}),
        (false, Some(_)) => call.json()?,
        (false, None) => parse_json(&call.request.body)?,
    };
    Ok(read(&body, call.now().millis())?)
}

fn span_of(record: &Stored) -> Option<Span> {
    let properties = &record.document.properties;
    let bytes = |name: &str| properties.get(name).and_then(Value::as_u64).unwrap_or_default();
    Some(Span {
        hour_ms: Timestamp::parse(record.text("hour")).ok()?.millis(),
        reserved_bytes: bytes("reservedBytes"),
        used_bytes: bytes("usedBytes"),
        estimated: properties.get("estimated") == Some(&json!(true)),
    })
}

/// From when to when, and the sums.
fn row((from_ms, to_ms): (i64, i64), sums: &Sums) -> Map<String, Value> {
    let at = |ms| json!(Timestamp::from_millis(ms));
    let between = [("from", at(from_ms)), ("to", at(to_ms))];
    between.into_iter().chain(sums.members()).map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) async fn report(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let asked = asked(call)?;
    let reservation = Stored::get(snapshot, &call.target).await?;
    let is_asked = |record: &Stored| {
        span_of(record).is_some_and(|span| (asked.from_ms..asked.to_ms).contains(&span.hour_ms))
    };
    let behind = record_id(&reservation.id, asked.from_ms - HOUR_MS)?;
    let filter = usage_filter(reservation.id.key(), Some(behind.key()));
    let records = gather(snapshot, &filter, usize::MAX, is_asked).await?;
    let spans: Vec<Span> = records.iter().filter_map(span_of).collect();
    let (all, rows) = sums_by(asked.row_ms, &spans);
    let rows = rows.iter().map(|(begins_ms, sums)| {
        let between = (*begins_ms.max(&asked.from_ms), (begins_ms + asked.row_ms).min(asked.to_ms));
        Value::Object(row(between, sums))
    });
    let mut body = row((asked.from_ms, asked.to_ms), &all);
    body.insert("records".to_owned(), rows.collect());
    Ok(Reply::json(200, Value::Object(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_827_600_000 + 1234;

    #[test]
    fn nothing_said_is_the_last_thirty_days() {
        let asked = read(&json!({}), NOW_MS).expect("all of it has a default");
        assert_eq!((asked.to_ms, asked.row_ms), (hour_of(NOW_MS), DAY_MS));
        assert_eq!(asked.to_ms - asked.from_ms, 30 * DAY_MS);
    }

    #[test]
    fn times_are_taken_to_the_hour_and_bounded() {
        let said = json!({"from": "2026-11-01T10:59:00Z", "to": "2026-11-01T12:00:00+01:00"});
        let asked = read(&said, NOW_MS).expect("an hour");
        assert_eq!(asked.to_ms - asked.from_ms, HOUR_MS);
        let wrong =
            |body: Value| read(&body, NOW_MS).expect_err("a wrong body").details()[0].message().to_owned();
        assert!(wrong(json!({"from": "2026-11-01", "to": "2026-11-01"})).contains("before 'to'"));
        assert!(wrong(json!({"from": "2025-01-01", "to": "2026-11-01"})).contains("366 days"));
        let hourly = json!({"from": "2026-09-01", "to": "2026-11-01", "granularity": "hourly"});
        assert!(wrong(hourly).contains("31 days"));
        assert!(wrong(json!({"granularity": "Weekly"})).contains("Daily, Hourly"));
        assert!(wrong(json!({"from": "now"})).contains("must be a time"));
    }
}
