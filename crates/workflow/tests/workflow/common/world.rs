//! The world outside of the database: a folder with things that steps make and take away, as machines and
//! disks are. A thing has the mark of the step that made it, and a number that no other has.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use isobar_records::{AuditEntry, AuditFilter, Operation, Records, RecordsError, Tx};
use isobar_workflow::{End, Finish};
use serde_json::json;
use tempfile::TempDir;

#[derive(Clone)]
pub struct World(Arc<(TempDir, AtomicU32)>);

impl World {
    pub fn new() -> World {
        World(Arc::new((tempfile::tempdir().expect("a folder"), AtomicU32::new(0))))
    }

    /// Makes a thing, unless there is one with this mark.
    pub fn make(&self, mark: &str) {
        if self.with(mark).is_empty() {
            let number = self.0.1.fetch_add(1, Ordering::SeqCst);
            let name = format!("{}#{number}", mark.replace('/', "@"));
            std::fs::File::create_new(self.folder().join(name)).expect("a new thing");
        }
    }

    /// Takes away what has this mark.
    pub fn take_away(&self, mark: &str) {
        for name in self.with(mark) {
            std::fs::remove_file(self.folder().join(name)).expect("a thing");
        }
    }

    /// The marks of all things, in order; twice if it is on two.
    pub fn things(&self) -> Vec<String> {
        let mut marks: Vec<String> = self.names().iter().map(|name| mark_of(name)).collect();
        marks.sort();
        marks
    }

    fn folder(&self) -> &Path {
        self.0.0.path()
    }

    fn with(&self, mark: &str) -> Vec<String> {
        self.names().into_iter().filter(|name| mark_of(name) == mark).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).expect("a folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect()
    }
}

fn mark_of(name: &str) -> String {
    name.split_once('#').map_or(name, |(mark, _)| mark).replace('@', "/")
}

/// Writes the end of each operation into the audit log, from which nothing is ever taken away.
pub struct WritesTheEnd;

impl Finish for WritesTheEnd {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        let entry = AuditEntry {
            at_ms: operation.changed_ms,
            principal: String::new(),
            action: format!("{end:?}"),
            target: operation.target.clone(),
            subscription: String::new(),
            group_name: String::new(),
            outcome: 200,
            correlation: operation.id.clone(),
            detail: json!(null),
        };
        tx.append_audit(&entry).await.map(drop)
    }
}

/// The ends that were written of an operation.
pub async fn ends_of(records: &Records, id: &str) -> Vec<String> {
    let mut snapshot = records.read().await.expect("a snapshot");
    let filter = AuditFilter { correlation: Some(id), ..AuditFilter::default() };
    let entries = snapshot.list_audit(&filter).await.expect("an answer");
    entries.into_iter().map(|(_, entry)| entry.action).collect()
}
