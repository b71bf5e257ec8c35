//! What was measured from each node to each other one.

use std::fmt::Display;

use serde::Serialize;

/// A square of values; the diagonal is empty, and so is a pair that could not be measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Matrix<T> {
    /// Names of the nodes, in the order of rows and columns.
    pub nodes: Vec<String>,
    /// Rows: from a node; columns: to a node.
    pub cells: Vec<Vec<Option<T>>>,
    /// Pairs that could not be measured: from, to, why.
    pub failures: Vec<(String, String, String)>,
}

impl<T: Copy + PartialOrd> Matrix<T> {
    /// An empty one.
    pub fn new(nodes: Vec<String>) -> Matrix<T> {
        let cells = vec![vec![None; nodes.len()]; nodes.len()];
        Matrix { nodes, cells, failures: Vec::new() }
    }

    /// Keeps what came of measuring a pair.
    pub fn put(&mut self, from: usize, to: usize, outcome: Result<T, impl Display>) {
        match outcome {
            Ok(value) => self.cells[from][to] = Some(value),
            Err(why) => {
                let (from, to) = (self.nodes[from].clone(), self.nodes[to].clone());
                self.failures.push((from, to, why.to_string()));
            }
        }
    }

    /// All values with the pair they are of.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, T)> + '_ {
        let row = |(from, row): (usize, &'_ Vec<Option<T>>)| {
            row.iter()
                .enumerate()
                .filter_map(move |(to, cell)| Some((from, to, (*cell)?)))
                .collect::<Vec<_>>()
        };
        self.cells.iter().enumerate().flat_map(row)
    }

    /// Values from small to large.
    pub fn sorted(&self) -> Vec<T> {
        let mut all: Vec<T> = self.pairs().map(|(_, _, value)| value).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        all
    }

    /// The middle value; of an even number the upper one.
    pub fn median(&self) -> Option<T> {
        let all = self.sorted();
        all.get(all.len() / 2).copied()
    }

    /// The smallest value and its pair's names.
    pub fn worst(&self) -> Option<(&str, &str, T)> {
        let (from, to, value) =
            self.pairs().min_by(|a, b| a.2.partial_cmp(&b.2).unwrap_or(std::cmp::Ordering::Equal))?;
        Some((&self.nodes[from], &self.nodes[to], value))
    }

    /// Whether all pairs were measured.
    pub fn is_complete(&self) -> bool {
        let n = self.nodes.len();
        self.pairs().count() == n * n.saturating_sub(1)
    }

    /// Pairs whose value differs from the most common one.
    pub fn dissenters(&self) -> Vec<(&str, &str, T)> {
        let all = self.sorted();
        let count = |value: T| all.iter().filter(|v| **v == value).count();
        let Some(common) = all.iter().copied().max_by_key(|v| count(*v)) else { return Vec::new() };
        self.pairs()
            .filter(|(_, _, value)| *value != common)
            .map(|(from, to, value)| (self.nodes[from].as_str(), self.nodes[to].as_str(), value))
            .collect()
    }
}

/// Rounds in which every node sends to one other and receives from one other: all ordered pairs, once.
pub fn rounds(nodes: usize) -> Vec<Vec<(usize, usize)>> {
    (1..nodes).map(|step| (0..nodes).map(|from| (from, (from + step) % nodes)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(usize, usize, u32)], nodes: usize) -> Matrix<u32> {
        let mut matrix = Matrix::new((1..=nodes).map(|n| format!("n{n}")).collect());
        values.iter().for_each(|(from, to, value)| matrix.put(*from, *to, Ok::<_, String>(*value)));
        matrix
    }

    #[test]
    fn one_pair_with_another_mtu_is_named() {
        let mut all: Vec<(usize, usize, u32)> =
            rounds(4).concat().into_iter().map(|(from, to)| (from, to, 9000)).collect();
        assert!(of(&all, 4).dissenters().is_empty());
        all.iter_mut().find(|(f, t, _)| (*f, *t) == (2, 0)).expect("the pair").2 = 1500;
        assert_eq!(of(&all, 4).dissenters(), [("n3", "n1", 1500)]);
        assert_eq!(of(&all, 4).worst(), Some(("n3", "n1", 1500)));
        assert_eq!(of(&all, 4).median(), Some(9000));
    }

    #[test]
    fn rounds_have_every_ordered_pair_once_and_no_node_twice() {
        for nodes in 2..9 {
            let mut seen = std::collections::BTreeSet::new();
            for round in rounds(nodes) {
                let to: std::collections::BTreeSet<_> = round.iter().map(|(_, to)| to).collect();
                assert_eq!(to.len(), nodes, "every node receives from one");
                round.iter().for_each(|pair| assert!(pair.0 != pair.1 && seen.insert(*pair)));
            }
            assert_eq!(seen.len(), nodes * (nodes - 1));
        }
        assert!(rounds(1).is_empty());
    }

    #[test]
    fn a_pair_that_could_not_be_measured_is_kept_with_its_reason() {
        let mut matrix = of(&[(0, 1, 5)], 2);
        matrix.put(1, 0, Err("filtered"));
        assert!(!matrix.is_complete());
        assert_eq!(matrix.failures, [("n2".to_owned(), "n1".to_owned(), "filtered".to_owned())]);
    }
}
