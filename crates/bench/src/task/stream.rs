//! Streams that go on until told: what simultaneous reading and writing is made of.

use std::path::PathBuf;

use isobar_base::AlignedBuf;
use serde::{Deserialize, Serialize};

use super::job::Job;
use crate::backend::OpenFlags;
use crate::content::{Check, Content};
use crate::error::Result;
use crate::record::{Call, Side, WrittenFile};

/// New files of one size, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamWrite {
    pub dir: PathBuf,
    /// Files are STEM.0, STEM.1, ….
    pub stem: String,
    pub file_bytes: u64,
    pub transfer_bytes: u64,
    /// Go on for so long; without, one file.
    pub seconds: Option<f64>,
    /// Remove older files than the last so many; 0 keeps all.
    pub files_kept: u32,
    /// fsync every file before it is closed.
    pub sync: bool,
    pub seed: u64,
}

/// One file, again and again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamRead {
    pub file: WrittenFile,
    pub transfer_bytes: u64,
    /// Go on for so long; without, once.
    pub seconds: Option<f64>,
    pub check: Check,
    pub seed: u64,
}

impl StreamWrite {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let mut buffer = AlignedBuf::zeroed(self.transfer_bytes as usize);
        for number in 0.. {
            let written = self.write(job, number, &mut buffer)?;
            job.recorder.report.written.push(written);
            job.recorder.report.done += 1;
            let kept = self.files_kept as usize;
            if kept > 0 && job.recorder.report.written.len() > kept {
                let old = job.recorder.report.written.remove(0);
                job.call(Call::Remove, &old.path, |b| b.remove(&old.path))?;
            }
            if self.seconds.is_none() || job.is_over(self.seconds) {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, job: &mut Job, number: u64, buffer: &mut [u8]) -> Result<WrittenFile> {
        let name = format!("{}.{number}", self.stem);
        let path = self.dir.join(&name);
        let content = Content::of(&name, self.seed);
        let flags = OpenFlags { write: true, exclusive: true, ..OpenFlags::default() };
        let mut file = job.call(Call::Create, &path, |b| b.open(&path, flags))?;
        let mut offset = 0;
        while offset < self.file_bytes && !(offset > 0 && job.is_over(self.seconds)) {
            let part = &mut buffer[..(self.file_bytes - offset).min(self.transfer_bytes) as usize];
            job.recorder.fill(content, offset, part);
            job.call(Call::Write, &path, |_| file.write_at(offset, part))?;
            offset += part.len() as u64;
            job.recorder.count(Side::Write, part.len() as u64);
        }
        if self.sync {
            job.call(Call::Sync, &path, |_| file.sync())?;
        }
        job.call(Call::Close, &path, |_| file.close())?;
        Ok(WrittenFile { path, content: name, bytes: offset })
    }
}

impl StreamRead {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let mut buffer = AlignedBuf::zeroed(self.transfer_bytes as usize);
        let content = Content::of(&self.file.content, self.seed);
        let path = &self.file.path;
        loop {
            let mut file = job.call(Call::Open, path, |b| b.open(path, OpenFlags::default()))?;
            let mut offset = 0;
            while offset < self.file.bytes && !(offset > 0 && job.is_over(self.seconds)) {
                let wanted = (self.file.bytes - offset).min(self.transfer_bytes) as usize;
                let part = &mut buffer[..wanted];
                let got = job.call(Call::Read, path, |_| file.read_at(offset, part))?;
                job.recorder.check(path, content, offset, &buffer[..got], wanted, self.check);
                job.recorder.count(Side::Read, got as u64);
                offset += wanted as u64;
            }
            job.call(Call::Close, path, |_| file.close())?;
            job.recorder.report.passes += offset as f64 / self.file.bytes.max(1) as f64;
            job.recorder.report.done += 1;
            if self.seconds.is_none() || job.is_over(self.seconds) {
                return Ok(());
            }
        }
    }
}
