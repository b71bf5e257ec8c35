//! Lists of which only a part is shown.

use isobar_records::limits::LIST_MAX;
use isobar_records::{ResourceFilter, Snapshot};

use super::stored::Stored;
use crate::refusal::Refusal;

/// The first so many resources of a list that are to be shown, in the order of their keys.
pub(crate) async fn gather(
    snapshot: &mut Snapshot,
    filter: &ResourceFilter<'_>,
    count: usize,
    show: impl Fn(&Stored) -> bool,
) -> Result<Vec<Stored>, Refusal> {
    let mut shown = Vec::new();
    let mut after = filter.after.map(str::to_owned);
    loop {
        let filter = ResourceFilter { after: after.as_deref(), limit: LIST_MAX, ..*filter };
        let rows = snapshot.list_resources(&filter).await?;
        let is_last = rows.len() < LIST_MAX as usize;
        after = rows.last().map(|row| row.key.clone());
        for row in rows {
            let stored = Stored::read(row)?;
            if show(&stored) {
                shown.push(stored);
            }
            if shown.len() == count {
                return Ok(shown);
            }
        }
        if is_last {
            return Ok(shown);
        }
    }
}
