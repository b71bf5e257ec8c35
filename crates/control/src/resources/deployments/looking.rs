//! Resources that expressions refer to: read as the caller, as they are at that time.

use isobar_arm::ArmError;
use isobar_records::Snapshot;
use isobar_template::limits::REFERENCES_MAX;
use isobar_template::{Documents, Halt, Reference};
use serde_json::Value;

use crate::handler::Inside;
use crate::inside::Asker;
use crate::refusal::Refusal;
use crate::table::Method;

/// Reads a resource.
pub(super) async fn look(
    inside: &dyn Inside,
    asker: &Asker,
    snapshot: &mut Snapshot,
    reference: &Reference,
) -> Result<Value, Refusal> {
    let request = asker.request(Method::Get, &reference.id, &reference.api_version, None)?;
    let mut prepared = inside.prepare(request, asker.caller.clone()).await?;
    let reply = inside.read(&mut prepared, snapshot).await?;
    Ok(reply.body.unwrap_or_default())
}

/// What is missing to work something out: nothing, if it was worked out.
pub(super) fn missing<T>(
    worked_out: Result<T, Halt>,
    documents: &Documents,
) -> Result<Result<T, Reference>, ArmError> {
    match worked_out {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::Wrong(error)) => Err(error),
        Err(Halt::Needs(reference)) if documents.len() < REFERENCES_MAX => Ok(Err(reference)),
        Err(Halt::Needs(_)) => {
            let message = format!("Expressions refer to more than {REFERENCES_MAX} resources.");
            Err(ArmError::new(400, "InvalidTemplate", message))
        }
    }
}
