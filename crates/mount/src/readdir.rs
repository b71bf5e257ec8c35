//! Reading a directory: from the page at hand, or a new one.

use std::sync::Arc;

use fuser::FileHandle;
use isobar_base::Errno;
use isobar_vfs::Credentials;

use crate::context::Context;
use crate::dir::{Dir, Page, Served, Sink, cookie_of_offset};

/// Reads entries from an offset on: from the page at hand, or a new one.
pub fn read<S: Sink>(context: &Arc<Context>, who: Credentials, fh: FileHandle, offset: u64, mut sink: S) {
    let Some(dir) = context.dirs.get(fh.0) else {
        return sink.finish(Err(Errno::EBADF));
    };
    // Offset 0 is the first read or a rewinddir: it fetches anew.
    if offset > 0 {
        let served = dir.page.lock().serve(dir.ino, offset, &context.kernel_attrs, &mut sink);
        if served == Served::Done {
            return sink.finish(Ok(()));
        }
    }
    context.spawn(|context| async move {
        let result = fetch_and_serve(&context, &who, &dir, offset, &mut sink).await;
        sink.finish(result);
    });
}

async fn fetch_and_serve(
    context: &Context,
    who: &Credentials,
    dir: &Dir,
    offset: u64,
    sink: &mut impl Sink,
) -> Result<(), Errno> {
    let (vfs, after) = (&context.vfs, cookie_of_offset(offset));
    let known_parent = if offset == 0 { None } else { dir.page.lock().parent };
    let (parent, (entries, end)) = match known_parent {
        Some(parent) => (Some(parent), vfs.readdir(who, dir.ino, after).await?),
        None => {
            let (parent, entries) = tokio::join!(vfs.parent(dir.ino), vfs.readdir(who, dir.ino, after));
            // A removed directory has nothing above it; it still lists as empty.
            (parent.ok().map(|attr| attr.ino), entries?)
        }
    };
    let page = Page { parent, after, end: end || entries.is_empty(), entries, fetched: true };
    // Freshly fetched after the very cookie asked for: always served.
    page.serve(dir.ino, offset, &context.kernel_attrs, sink);
    *dir.page.lock() = page;
    Ok(())
}
