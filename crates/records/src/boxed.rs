//! Futures in boxes.
//!
//! What an `async fn` does is compiled by whoever awaits it, with all that it awaits itself. In a box it is
//! compiled here: otherwise every crate above, and each program of its tests, would compile both drivers of
//! databases again.

use std::future::Future;
use std::pin::Pin;

/// A future in a box.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
