//! Clients, and whole files by name.

use std::time::Duration;

use isobar_base::Ino;
use isobar_client::{
    Attr, Client, ClientOptions, Created, FileKind, NewInode, OpenFile, OpenOptions, Owner, Result,
};
use isobar_testcluster::{TestCluster, eventually};

pub const WRITE: OpenOptions = OpenOptions { write: true, append: false, sync: false, truncate: false };
/// Bytes of one call.
const CALL_BYTES: usize = 1 << 20;

/// A client on a host of its own.
pub async fn client(cluster: &TestCluster, host: &str) -> Client {
    let options = ClientOptions {
        name: host.to_owned(),
        metadata_wait: Duration::from_secs(20),
        ..ClientOptions::default()
    };
    Client::with_cluster(cluster.access_from(host), options).await.unwrap()
}

/// Makes a file in the root directory and opens it.
pub async fn create(client: &Client, name: &str) -> Result<OpenFile> {
    create_in(client, Ino::ROOT, name).await
}

/// Makes a file and opens it.
pub async fn create_in(client: &Client, dir: Ino, name: &str) -> Result<OpenFile> {
    let new = (0o644, Owner::default());
    match client.create_open(dir, name.as_bytes(), new, true, WRITE).await? {
        Created::New(file, _) => Ok(file),
        Created::Found(attr) => panic!("{name} was there: {attr:?}"),
    }
}

/// Opens a file of the root directory.
pub async fn open(client: &Client, name: &str, options: OpenOptions) -> Result<OpenFile> {
    let attr = client.lookup(Ino::ROOT, name.as_bytes()).await?;
    Ok(client.open(attr.ino, options).await?.0)
}

/// Writes all of `data`, in calls as an application makes them.
pub async fn write_all(client: &Client, file: &OpenFile, offset: u64, data: &[u8]) -> Result<()> {
    for (at, part) in data.chunks(CALL_BYTES).enumerate() {
        client.write(file, offset + (at * CALL_BYTES) as u64, part).await?;
    }
    Ok(())
}

/// What close(2) does.
pub async fn close(client: &Client, file: OpenFile) -> Result<()> {
    let flushed = client.flush(&file).await;
    client.release(file).await;
    flushed
}

/// Reads an open file to its end.
pub async fn read_all(client: &Client, file: &OpenFile) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let part = client.read(file, all.len() as u64, CALL_BYTES as u32).await?.contiguous();
        if part.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&part);
    }
}

/// Opens a file, reads all of it, and closes it.
pub async fn contents(client: &Client, name: &str) -> Result<Vec<u8>> {
    let file = open(client, name, OpenOptions::default()).await?;
    let contents = read_all(client, &file).await;
    close(client, file).await?;
    contents
}

/// All names in the root directory, in order.
pub async fn names(client: &Client) -> Result<Vec<String>> {
    let (mut names, mut cookie) = (Vec::new(), 0);
    loop {
        let (entries, is_end) = client.readdir(Ino::ROOT, cookie).await?;
        cookie = entries.last().map_or(cookie, |entry| entry.cookie);
        names.extend(entries.into_iter().map(|entry| String::from_utf8(entry.name).unwrap()));
        if is_end {
            names.sort_unstable();
            return Ok(names);
        }
    }
}

/// Makes something that is not opened.
pub async fn make(client: &Client, parent: Ino, name: &[u8], kind: FileKind) -> Result<Attr> {
    let new = NewInode { kind, ..NewInode::file(0o755, Owner::default()) };
    Ok(client.create(parent, name, new, true).await?.0)
}

/// A directory whose delegation this client has, and that it has.
pub async fn delegated(client: &Client, name: &[u8]) -> Ino {
    let dir = make(client, Ino::ROOT, name, FileKind::Directory).await.unwrap().ino;
    let mut count = 0;
    eventually("the directory is delegated", async || {
        count += 1;
        make(client, dir, format!("warm{count}").as_bytes(), FileKind::File).await.unwrap();
        client.try_create(dir, format!("probe{count}").as_bytes(), 0o644, Owner::default()).is_some()
    })
    .await;
    dir
}
