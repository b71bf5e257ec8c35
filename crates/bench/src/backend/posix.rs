//! System calls on paths.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::filesystem::{Backend, OpenFile, OpenFlags, Space, Stat};

/// The kernel.
pub struct Posix;

impl Backend for Posix {
    fn open(&self, path: &Path, flags: OpenFlags) -> io::Result<Box<dyn OpenFile>> {
        let mut options = File::options();
        options.read(true).write(flags.write).mode(0o664);
        if flags.exclusive {
            options.create_new(true);
        } else {
            options.create(flags.create);
        }
        if flags.direct {
            options.custom_flags(OFlags::DIRECT.bits() as i32);
        }
        Ok(Box::new(Plain(options.open(path)?)))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        fs::metadata(path).map(|m| Stat { bytes: m.len(), is_dir: m.is_dir() })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?.is_dir()))
            })
            .collect()
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let said = rustix::fs::statvfs(path)?;
        Ok(Space {
            total_bytes: said.f_blocks * said.f_frsize,
            free_bytes: said.f_bavail * said.f_frsize,
            files: said.f_files,
            free_files: said.f_ffree,
        })
    }

    fn sync_all(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(path)?)?)
    }
}

struct Plain(File);

impl OpenFile for Plain {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn read_at(&mut self, offset: u64, data: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < data.len() {
            match self.0.read_at(&mut data[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    /// Errors of close(2) cannot be had without unsafe code; contents are verified by reading them.
    fn close(self: Box<Self>) -> io::Result<()> {
        drop(self.0);
        Ok(())
    }
}
