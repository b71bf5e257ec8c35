//! How many nodes a cluster has, and how many rows a segment on them: what fits, and what is taken where
//! nothing is said.

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};

/// Fewest nodes of a cluster.
pub(crate) const NODES_MIN: u32 = 3;
/// Most nodes of a cluster.
pub(crate) const NODES_MAX: u32 = 64;
/// Data rows where nothing is said, unless there are fewer nodes.
const DATA_USUAL: u8 = 6;
/// Nodes from which on two may be lost where nothing is said.
const NODES_FOR_TWO: u32 = 5;

/// Nodes and rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Widths {
    /// Nodes.
    pub nodes: u32,
    /// Most data rows of a segment.
    pub data_rows: u8,
    /// Parity rows of a segment.
    pub parity_rows: u8,
}

impl Widths {
    /// How many nodes vote on metadata.
    pub(crate) fn voters(self) -> u32 {
        2 * u32::from(self.parity_rows) + 1
    }
}

/// The most parity rows that so many nodes can keep: each needs two voters beside the one.
fn parity_max(nodes: u32) -> u8 {
    u8::try_from(nodes.saturating_sub(1) / 2).unwrap_or(PARITY_ROWS_MAX).min(PARITY_ROWS_MAX)
}

/// The most data rows that so many nodes can keep beside so many parity rows.
fn data_max(nodes: u32, parity_rows: u8) -> u8 {
    let room = u8::try_from(nodes.saturating_sub(u32::from(parity_rows)));
    room.unwrap_or(DATA_ROWS_MAX).min(DATA_ROWS_MAX)
}

/// What is taken where nothing is said.
pub(crate) fn widths_of(nodes: u32, data_rows: Option<u8>, parity_rows: Option<u8>) -> Widths {
    let parity_rows = parity_rows.unwrap_or(if nodes >= NODES_FOR_TWO { 2 } else { 1 });
    let data_rows = data_rows.unwrap_or_else(|| data_max(nodes, parity_rows).min(DATA_USUAL));
    Widths { nodes, data_rows, parity_rows }
}

/// What of it cannot be: the property, and how its sentence goes on.
pub(crate) fn check_widths(widths: Widths) -> Vec<(&'static str, String)> {
    let Widths { nodes, data_rows, parity_rows } = widths;
    let mut wrong = Vec::new();
    let parity_max = parity_max(nodes);
    if !(1..=parity_max).contains(&parity_rows) {
        let why = format!(
            "must be 1 to {parity_max} for {nodes} nodes, not {parity_rows}: losing any K nodes takes 2K+1 voters"
        );
        wrong.push(("parityRows", why));
    }
    let data_max = data_max(nodes, parity_rows);
    // Where the parity is wrong already, that is what has to change.
    if wrong.is_empty() && !(1..=data_max).contains(&data_rows) {
        let why = format!(
            "must be 1 to {data_max} for {nodes} nodes and {parity_rows} parity rows, not {data_rows}: every row \
             of a segment is on a node of its own"
        );
        wrong.push(("dataRows", why));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use isobar_admin::LocalOptions;

    use super::*;

    #[test]
    fn what_is_taken_where_nothing_is_said_always_fits() {
        for nodes in NODES_MIN..=NODES_MAX {
            assert_eq!(check_widths(widths_of(nodes, None, None)), [], "{nodes}");
        }
        let of = |nodes| widths_of(nodes, None, None);
        assert_eq!(of(3), Widths { nodes: 3, data_rows: 2, parity_rows: 1 });
        assert_eq!(of(5), Widths { nodes: 5, data_rows: 3, parity_rows: 2 });
        assert_eq!((of(8).data_rows, of(64).data_rows, of(8).voters()), (6, 6, 5));
    }

    #[test]
    fn what_fits_is_what_can_be_made() {
        let can_be_made = |nodes: u32, data_rows, parity_rows| {
            let options = LocalOptions {
                nodes: nodes as usize,
                target_bytes: 64 << 20,
                name: "fs".to_owned(),
                data_rows: Some(data_rows),
                parity_rows: Some(parity_rows),
            };
            options.check().is_ok()
        };
        for nodes in NODES_MIN..=NODES_MAX {
            for parity_rows in 0..=PARITY_ROWS_MAX + 1 {
                for data_rows in 0..=DATA_ROWS_MAX + 1 {
                    let widths = Widths { nodes, data_rows, parity_rows };
                    let fits = check_widths(widths).is_empty();
                    assert_eq!(fits, can_be_made(nodes, data_rows, parity_rows), "{widths:?}");
                }
            }
        }
        assert!(!can_be_made(NODES_MIN - 1, 1, 1) && !can_be_made(NODES_MAX + 1, 1, 1));
    }

    #[test]
    fn what_does_not_fit_names_the_property_and_what_would() {
        let wrong = |nodes, data, parity| check_widths(widths_of(nodes, Some(data), Some(parity)));
        assert_eq!(wrong(4, 2, 2)[0].0, "parityRows");
        assert!(wrong(4, 2, 2)[0].1.starts_with("must be 1 to 1 for 4 nodes, not 2"));
        assert!(wrong(8, 7, 2)[0].1.starts_with("must be 1 to 6 for 8 nodes and 2 parity rows, not 7"));
        assert_eq!(wrong(64, 17, 4)[0].0, "dataRows");
        assert_eq!(wrong(9, 5, 4), []);
        assert_eq!(wrong(9, 0, 4)[0].0, "dataRows");
        assert_eq!(wrong(9, 0, 0).len(), 1);
    }
}
