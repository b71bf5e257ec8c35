//! Small files of mixed sizes: made, read, removed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::job::Job;
use super::shuffle::shuffled;
use crate::backend::OpenFlags;
use crate::content::{Check, Content};
use crate::error::Result;
use crate::record::{Call, Side, WrittenFile};
use crate::size_mix::Mix;

/// Makes files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmallWrite {
    /// Directory of these files alone; it exists.
    pub dir: PathBuf,
    pub count: u64,
    pub mix: Mix,
    /// Stop after so many seconds at the latest.
    pub seconds: Option<f64>,
    /// fsync every file.
    pub sync: bool,
    pub seed: u64,
}

/// Reads files that were made before, in random order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmallRead {
    pub files: Vec<WrittenFile>,
    /// Begin again until so many seconds have passed; without, once.
    pub seconds: Option<f64>,
    pub check: Check,
    pub seed: u64,
}

/// Removes files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmallRemove {
    pub files: Vec<WrittenFile>,
}

impl SmallWrite {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let mut buffer = vec![0; self.mix.largest() as usize];
        let dir = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for number in 0..self.count {
            let name = format!("{dir}/{number}");
            let bytes = self.mix.pick(Content::of(&name, self.seed).random());
            let path = self.dir.join(format!("small.{number}"));
            let data = &mut buffer[..bytes as usize];
            job.recorder.fill(Content::of(&name, self.seed), 0, data);
            let flags = OpenFlags { write: true, exclusive: true, ..OpenFlags::default() };
            job.call(Call::WriteFile, &path, |b| {
                let mut file = b.open(&path, flags)?;
                file.write_at(0, data)?;
                if self.sync {
                    file.sync()?;
                }
                file.close()
            })?;
            job.recorder.count(Side::Write, bytes);
            job.recorder.report.done = number + 1;
            job.recorder.report.written.push(WrittenFile { path, content: name, bytes });
            if job.is_over(self.seconds) {
                break;
            }
        }
        Ok(())
    }
}

impl SmallRead {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let largest = self.files.iter().map(|f| f.bytes).max().unwrap_or(0);
        let mut buffer = vec![0; largest as usize];
        if self.files.is_empty() {
            return Ok(());
        }
        for pass in 0.. {
            for at in shuffled(self.files.len() as u64, self.seed.wrapping_add(pass)) {
                let file = &self.files[at as usize];
                let data = &mut buffer[..file.bytes as usize];
                let got = job.call(Call::ReadFile, &file.path, |b| {
                    let mut opened = b.open(&file.path, OpenFlags::default())?;
                    let got = opened.read_at(0, data)?;
                    opened.close()?;
                    Ok(got)
                })?;
                let (content, wanted) = (Content::of(&file.content, self.seed), data.len());
                job.recorder.check(&file.path, content, 0, &data[..got], wanted, self.check);
                job.recorder.count(Side::Read, got as u64);
                job.recorder.report.done += 1;
                if job.is_over(self.seconds) {
                    break;
                }
            }
            job.recorder.report.passes = job.recorder.report.done as f64 / self.files.len() as f64;
            if self.seconds.is_none() || job.is_over(self.seconds) {
                break;
            }
        }
        Ok(())
    }
}

impl SmallRemove {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        for file in &self.files {
            job.call(Call::Remove, &file.path, |b| b.remove(&file.path))?;
            job.recorder.count(Side::Write, 0);
            job.recorder.report.done += 1;
        }
        Ok(())
    }
}
