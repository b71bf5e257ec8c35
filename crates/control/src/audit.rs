//! What the audit log says of a call.
//!
//! Who, what, on what, when, and how it went; never what was sent, since nobody knows what is in it.

use isobar_records::AuditEntry;
use serde_json::json;

use crate::call::Call;
use crate::table::read_path;

/// The path of a call, as it is meant and without its query: of an extension, the target is only the scope.
fn path(call: &Call) -> String {
    // It led here, so it can be read, and is no longer than paths may be.
    format!("/{}", read_path(&call.request.path).unwrap_or_default().join("/"))
}

/// The entry for a call that ended with this status; `code` is that of its refusal.
pub(crate) fn entry(call: &Call, status: u16, code: Option<&str>) -> AuditEntry {
    let target = &call.target;
    AuditEntry {
        at_ms: call.now().millis(),
        principal: call.caller.object_id.clone(),
        action: call.operation.action.to_owned(),
        target: target.key().to_owned(),
        subscription: target.subscription().unwrap_or_default().to_lowercase(),
        group_name: target.group().unwrap_or_default().to_lowercase(),
        outcome: status,
        correlation: call.request.correlation.clone(),
        detail: json!({
            "id": target,
            "path": path(call),
            "caller": call.caller.app_id,
            "method": call.operation.method.as_str(),
            "operation": call.operation.id,
            "requestId": call.request.request_id,
            "clientRequestId": call.request.headers.client_request_id,
            "code": code,
        }),
    }
}
