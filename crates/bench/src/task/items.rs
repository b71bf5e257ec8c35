//! mdtest's task: one call for each of many items in a tree of directories.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::job::Job;
use super::shuffle::shuffled;
use crate::backend::OpenFlags;
use crate::content::{Check, Content};
use crate::error::{Result, failed};
use crate::mdtest::Tree;
use crate::record::{Call, Side};

/// What is done with every item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ItemStep {
    TreeCreate,
    TreeRemove,
    DirCreate,
    DirStat,
    DirRename,
    DirRemove,
    FileCreate,
    FileStat,
    FileRead,
    FileRemove,
}

/// One rank's items.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ItemsTask {
    pub step: ItemStep,
    /// Directory that holds the tree.
    pub root: PathBuf,
    pub tree: Tree,
    /// Rank whose items they are, as part of their names.
    pub owner: u32,
    /// Items to act on: from this number to before that one.
    pub first: u64,
    pub last: u64,
    pub write_bytes: u64,
    pub read_bytes: u64,
    /// fsync every file (`-y`).
    pub sync: bool,
    /// Have everything durable at the end (`-Y`).
    pub sync_all: bool,
    pub check: Check,
    /// Random order of stats (`-R`).
    pub random: Option<u64>,
    /// Directories have their second name.
    pub renamed: bool,
    /// Stop after so many seconds (`-W`).
    pub seconds: Option<f64>,
    pub seed: u64,
}

impl ItemsTask {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        match self.step {
            ItemStep::TreeCreate | ItemStep::TreeRemove => self.tree(job)?,
            _ => self.items(job)?,
        }
        if self.sync_all {
            job.backend.sync_all(&self.root).map_err(|e| failed("sync", &self.root, e))?;
        }
        Ok(())
    }

    fn tree(&self, job: &mut Job) -> Result<()> {
        let dirs = self.tree.dirs();
        let mut act = |dir: &PathBuf, call: Call| {
            let path = self.root.join(dir);
            job.call(call, &path, |b| {
                if call == Call::MakeDir { b.make_dir(&path) } else { b.remove_dir(&path) }
            })?;
            job.recorder.count(Side::Write, 0);
            job.recorder.report.done += 1;
            Ok(())
        };
        if self.step == ItemStep::TreeCreate {
            dirs.iter().try_for_each(|dir| act(dir, Call::MakeDir))
        } else {
            dirs.iter().rev().try_for_each(|dir| act(dir, Call::RemoveDir))
        }
    }

    fn items(&self, job: &mut Job) -> Result<()> {
        let dirs = self.tree.dirs();
        let order = self.random.map(|seed| shuffled(self.last - self.first, seed));
        let mut buffer = vec![0; self.write_bytes.max(self.read_bytes) as usize];
        for at in 0..self.last - self.first {
            let number = self.first + order.as_ref().map_or(at, |order| order[at as usize]);
            let dir = self.root.join(&dirs[self.tree.dir_of(number)]);
            self.act(job, &dir, number, &mut buffer)?;
            job.recorder.report.done = at + 1;
            if job.is_over(self.seconds) {
                break;
            }
        }
        Ok(())
    }

    fn act(&self, job: &mut Job, dir: &Path, number: u64, buffer: &mut [u8]) -> Result<()> {
        let file = || dir.join(format!("file.mdtest.{}.{number}", self.owner));
        let item = |suffix: &str| dir.join(format!("dir.mdtest.{}.{number}{suffix}", self.owner));
        let last_name = if self.renamed { "-renamed" } else { "" };
        match self.step {
            ItemStep::DirCreate => self.simple(job, Call::MakeDir, &item(""), |b, p| b.make_dir(p)),
            ItemStep::DirRemove => {
                self.simple(job, Call::RemoveDir, &item(last_name), |b, p| b.remove_dir(p))
            }
            ItemStep::DirStat => self.simple(job, Call::Stat, &item(""), |b, p| b.stat(p).map(drop)),
            ItemStep::FileStat => self.simple(job, Call::Stat, &file(), |b, p| b.stat(p).map(drop)),
            ItemStep::FileRemove => self.simple(job, Call::Remove, &file(), |b, p| b.remove(p)),
            ItemStep::DirRename => {
                self.simple(job, Call::Rename, &item(""), |b, p| b.rename(p, &item("-renamed")))
            }
            ItemStep::FileCreate => self.create(job, &file(), buffer),
            ItemStep::FileRead => self.read(job, &file(), buffer),
            ItemStep::TreeCreate | ItemStep::TreeRemove => Ok(()),
        }
    }

    fn simple(
        &self,
        job: &mut Job,
        call: Call,
        path: &Path,
        make: impl FnOnce(&dyn crate::backend::Backend, &Path) -> std::io::Result<()>,
    ) -> Result<()> {
        job.call(call, path, |b| make(b, path))?;
        let side = if call == Call::Stat { Side::Read } else { Side::Write };
        job.recorder.count(side, 0);
        Ok(())
    }

    fn content(&self, path: &Path) -> Content {
        Content::of(&path.file_name().unwrap_or_default().to_string_lossy(), self.seed)
    }

    fn create(&self, job: &mut Job, path: &Path, buffer: &mut [u8]) -> Result<()> {
        let data = &mut buffer[..self.write_bytes as usize];
        job.recorder.fill(self.content(path), 0, data);
        let flags = OpenFlags { write: true, exclusive: true, ..OpenFlags::default() };
        job.call(Call::WriteFile, path, |b| {
            let mut file = b.open(path, flags)?;
            if !data.is_empty() {
                file.write_at(0, data)?;
            }
            if self.sync {
                file.sync()?;
            }
            file.close()
        })?;
        job.recorder.count(Side::Write, self.write_bytes);
        Ok(())
    }

    fn read(&self, job: &mut Job, path: &Path, buffer: &mut [u8]) -> Result<()> {
        let data = &mut buffer[..self.read_bytes as usize];
        let got = job.call(Call::ReadFile, path, |b| {
            let mut file = b.open(path, OpenFlags::default())?;
            let got = if data.is_empty() { 0 } else { file.read_at(0, data)? };
            file.close()?;
            Ok(got)
        })?;
        if self.read_bytes > 0 {
            job.recorder.check(path, self.content(path), 0, &data[..got], data.len(), self.check);
        }
        job.recorder.count(Side::Read, got as u64);
        Ok(())
    }
}
