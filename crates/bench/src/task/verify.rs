//! Every byte of files that were acknowledged is compared.

use isobar_base::AlignedBuf;
use serde::{Deserialize, Serialize};

use super::job::Job;
use crate::backend::OpenFlags;
use crate::content::{Check, Content};
use crate::error::Result;
use crate::record::{Call, Side, WrittenFile};

/// Files to compare, by how they were written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyTask {
    pub files: Vec<WrittenFile>,
    pub seed: u64,
    pub transfer_bytes: u64,
}

impl VerifyTask {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        let mut buffer = AlignedBuf::zeroed(self.transfer_bytes as usize);
        for written in &self.files {
            let content = Content::of(&written.content, self.seed);
            let path = &written.path;
            let mut file = job.call(Call::Open, path, |b| b.open(path, OpenFlags::default()))?;
            let mut offset = 0;
            while offset < written.bytes {
                let wanted = (written.bytes - offset).min(self.transfer_bytes) as usize;
                let part = &mut buffer[..wanted];
                let got = job.call(Call::Read, path, |_| file.read_at(offset, part))?;
                job.recorder.check(path, content, offset, &buffer[..got], wanted, Check::Bytes);
                job.recorder.count(Side::Read, got as u64);
                if got < wanted {
                    break;
                }
                offset += wanted as u64;
            }
            job.call(Call::Close, path, |_| file.close())?;
            job.recorder.report.done += 1;
        }
        Ok(())
    }
}
