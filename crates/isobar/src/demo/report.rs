//! What the demonstration reports: each promise, whether it was kept, and the speed of one stream.

use serde::Serialize;

use super::stream::Rates;
use crate::output;

/// A promise, and what became of it.
#[derive(Serialize)]
pub struct Finding {
    pub promised: &'static str,
    pub happened: String,
    pub kept: bool,
}

/// All of it.
pub struct Report {
    pub findings: Vec<Finding>,
    pub rates: Rates,
    /// Whether the files went through a mount, or else through the client library.
    pub mounted: bool,
}

impl Report {
    /// Whether every promise was kept.
    pub fn all_kept(&self) -> bool {
        self.findings.iter().all(|f| f.kept)
    }

    /// For programs.
    pub fn print_json(&self) {
        output::json(&serde_json::json!({
            "findings": self.findings, "kept": self.all_kept(), "mounted": self.mounted,
            "write_mib_per_s": self.rates.write, "read_mib_per_s": self.rates.read,
        }));
    }

    /// For people.
    pub fn print_table(&self) {
        let mut rows = vec![["promised", "", "what happened"].map(String::from).to_vec()];
        for finding in &self.findings {
            let mark = if finding.kept { "kept" } else { "BROKEN" };
            rows.push(vec![finding.promised.to_owned(), mark.to_owned(), finding.happened.clone()]);
        }
        println!();
        output::table(&rows);
        let how = if self.mounted { "through the mount" } else { "through the client library" };
        let Rates { write, read } = self.rates;
        println!();
        output::sentence(&format!(
            "one stream {how}: {write:.0} MiB/s written and fsynced, {read:.0} MiB/s read (this machine runs \
             all nodes and the client)"
        ));
    }
}
