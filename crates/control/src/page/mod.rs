//! The page that people look at: files that the program has in it, served as they are.
//!
//! They are no operations: nobody's rights are asked for, and they tell nothing but themselves. What the page
//! knows it asks for by the table's operations, as any other client does. `/` is its beginning, everything
//! else is below `/page`.
//!
//! | folder of `page/` | what |
//! |---|---|
//! | `css` | `tokens`: colours and sizes of both themes; then elements, the shell, parts, forms, clusters |
//! | `js/core` | requests by operations of the table, the login, what is followed; making elements |
//! | `js/parts` | what views are made of: tables, fields, dialogs, charts, notices |
//! | `js/views` | what an address shows: `views.js` is the list |
//!
//! A browser asks each time whether it still has the right one, and is mostly told that it has. The policy
//! lets the page run and show nothing but these files, and speak to this server alone.

mod files;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use isobar_arm::ArmError;
use isobar_arm::etag::{Access, Verdict};
use ring::digest::{SHA256, digest};

use crate::http::{Incoming, Reply};
use crate::refusal::Refusal;

/// What the page may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";
/// Where the files are, but the first one.
const FOLDER: &str = "page";
/// The first one.
const BEGINNING: &str = "index.html";
/// How many bytes of a file's hash are enough to tell it from what it was before.
const HASH_BYTES: usize = 16;

/// A file.
pub(crate) struct File {
    name: &'static str,
    bytes: &'static [u8],
    /// Of what is in it, in quotes.
    etag: String,
}

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let file = |&(name, bytes): &(&'static str, &'static [u8])| {
        let hash = digest(&SHA256, bytes);
        let hash = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..HASH_BYTES).unwrap_or_default());
        File { name, bytes, etag: format!("\"{hash}\"") }
    };
    files::FILES.iter().map(file).collect()
});

/// The file that a path leads to.
pub(crate) fn find(path: &[String]) -> Option<&'static File> {
    let name = match path {
        [] => BEGINNING.to_owned(),
        [folder, rest @ ..] if folder == FOLDER => rest.join("/"),
        _ => return None,
    };
    FILES.iter().find(|file| file.name == name)
}

/// Its type, told by what its name ends with.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

impl File {
    /// Answers with the file.
    ///
    /// # Errors
    /// Another method than GET and HEAD is refused, and so are conditions that are none.
    pub(crate) fn answer(&'static self, request: &Incoming) -> Result<Reply, Refusal> {
        const METHODS: &[&str] = &["GET", "HEAD"];
        if !METHODS.contains(&request.method.as_str()) {
            let error = ArmError::method_not_allowed(&request.method, METHODS);
            return Ok(Reply::refusal(&error).header("allow", METHODS.join(", ")));
        }
        let reply = match request.conditions().evaluate(Access::Read, Some(&self.etag))? {
            Verdict::Proceed => Reply { file: Some(Bytes::from_static(self.bytes)), ..Reply::empty(200) },
            Verdict::NotModified => Reply::empty(304),
            Verdict::PreconditionFailed => return Err(ArmError::precondition_failed().into()),
        };
        let reply = Reply { etag: Some(self.etag.clone()), ..reply };
        Ok(reply
            .header("content-type", content_type(self.name))
            .header("cache-control", "no-cache")
            .header("content-security-policy", POLICY)
            .header("cross-origin-opener-policy", "same-origin")
            .header("cross-origin-resource-policy", "same-origin")
            .header("referrer-policy", "no-referrer"))
    }
}
