//! Files of the data directory that only their owner may read.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

fn named(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Makes a directory, unless it is there.
///
/// # Errors
/// Of the file system.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(named(path))
}

/// Reads a file, if it is there. A secret that others may read is refused.
///
/// # Errors
/// Of the file system, or others may read it.
pub(crate) fn read(path: &Path, is_secret: bool) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path)(error)),
        Ok(bytes) => {
            let mode = std::fs::metadata(path).map_err(named(path))?.permissions().mode() & 0o777;
            if is_secret && mode & 0o077 != 0 {
                let why = format!("{} may be read by others (mode {mode:o}): chmod 600 it", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            Ok(Some(bytes))
        }
    }
}

/// Writes a file as a whole, or leaves what was there.
///
/// # Errors
/// Of the file system.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::remove_file(&new).ok();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let file = file.as_mut().map_err(|error| named(&new)(io::Error::from(error.kind())))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(named(&new))?;
    std::fs::rename(&new, path).map_err(named(path))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all().map_err(named(directory))
}
