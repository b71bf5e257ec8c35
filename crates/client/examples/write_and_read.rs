//! The file system without a mount: makes a file, writes it, makes it durable, reads it back.
//!
//! ```text
//! isobar dev up --no-mount
//! cargo run --release -p isobar-client --example write_and_read -- ~/.local/state/isobar
//! ```

use std::error::Error;
use std::path::Path;

use isobar_base::Ino;
use isobar_client::{Client, ClientOptions, ClusterSpec, NewInode, OpenOptions, Owner};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = std::env::args().nth(1).ok_or("name a cluster file, or the directory that holds it")?;
    let spec = ClusterSpec::load(Path::new(&cluster))?;
    let client =
        Client::connect(&spec, ClientOptions { name: "example".into(), ..Default::default() }).await?;

    // A name in the root directory; whoever has it open writes through the handle.
    let new = NewInode::file(0o644, Owner::default());
    let (attr, _) = client.create(Ino::ROOT, b"example", new, false).await?;
    let (file, _) = client.open(attr.ino, OpenOptions { write: true, ..Default::default() }).await?;
    client.write(&file, 0, b"Bytes that survive any two nodes.\n").await?;

    // From here on they are on n + K targets and on a majority of the metadata voters.
    client.fsync(&file).await?;

    let bytes = client.read(&file, 0, 4096).await?.contiguous();
    print!("{}", String::from_utf8_lossy(&bytes));

    // What close(2) does, and its last step.
    client.flush(&file).await?;
    client.release(file).await;
    client.close().await?;
    Ok(())
}
