//! Whole lists: a page leads to the next one.

use serde_json::Value;

use crate::error::RemoteError;
use crate::limits::PAGES_MAX;
use crate::session::Session;

/// Adds to the first page of a list what is on all others.
///
/// # Errors
/// `RemoteError`.
pub async fn all_pages(session: &mut Session, mut first: Value) -> Result<Value, RemoteError> {
    let mut next = next_of(&first);
    let mut pages = 1;
    while let Some(link) = next {
        pages += 1;
        if pages > PAGES_MAX {
            let why = format!("the list has more than {PAGES_MAX} pages: ask for less of it");
            return Err(RemoteError::Value(why));
        }
        let mut page = session.read(&link).await?.body;
        next = next_of(&page);
        if let (Some(all), Some(more)) = (first["value"].as_array_mut(), page["value"].as_array_mut()) {
            all.append(more);
        }
    }
    if let Some(list) = first.as_object_mut() {
        list.remove("nextLink");
    }
    Ok(first)
}

fn next_of(page: &Value) -> Option<String> {
    page.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned)
}
