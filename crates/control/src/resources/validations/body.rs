//! What a client wants to be measured.

use isobar_arm::{Fields, Shape, read_body};
use serde_json::{Map, Value, json};

use crate::call::{Call, object};
use crate::limits::{
    LARGE_FILE_BYTES_ASKED_MAX, LARGE_FILE_BYTES_MIN, TARGETS_CHARS_MAX, VALIDATION_FILES_MAX,
    VALIDATION_SECONDS_MAX,
};
use crate::readiness::ReadinessLoad;
use crate::refusal::Refusal;

const SHAPE: Shape = Shape {
    tracked: false,
    sku: false,
    zones: false,
    identity: false,
    read_only: &[
        "verdict",
        "statement",
        "passed",
        "failed",
        "notMeasurable",
        "checks",
        "startedAt",
        "endedAt",
    ],
};
/// Where nothing is said: as `isobar validate`.
const SECONDS_USUAL: u32 = 10;

/// Reads a body.
///
/// # Errors
/// Everything that is wrong with it at once.
pub(super) fn read(call: &Call) -> Result<ReadinessLoad, Refusal> {
    let read = read_body(&call.json()?, &SHAPE, |fields| Some(load(call, fields)))?;
    Ok(read.properties)
}

fn load(call: &Call, fields: &Fields<'_, '_>) -> ReadinessLoad {
    let seconds = fields.get("seconds").integer(1..=VALIDATION_SECONDS_MAX);
    let field = fields.get("targets");
    let path = field.path().to_owned();
    let targets = field.string(1..=TARGETS_CHARS_MAX);
    if let Some(Err(why)) = targets.map(|targets| call.app.readiness.check_targets(targets)) {
        fields.get("targets").refuse(&format!("'{path}' cannot be read: {why}"));
    }
    ReadinessLoad {
        seconds: seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(SECONDS_USUAL),
        file_bytes: fields.get("fileBytes").integer(LARGE_FILE_BYTES_MIN..=LARGE_FILE_BYTES_ASKED_MAX),
        files: fields.get("files").integer(1..=VALIDATION_FILES_MAX),
        drill: fields.get("drill").bool().unwrap_or(true),
        targets: targets.map(str::to_owned),
    }
}

/// As it is kept and shown.
pub(super) fn properties(load: &ReadinessLoad) -> Map<String, Value> {
    let mut properties = object([("seconds", json!(load.seconds)), ("drill", json!(load.drill))]);
    let given = [
        ("fileBytes", json!(load.file_bytes)),
        ("files", json!(load.files)),
        ("targets", json!(load.targets)),
    ];
    properties
        .extend(given.into_iter().filter(|(_, of)| !of.is_null()).map(|(name, of)| (name.to_owned(), of)));
    properties
}
