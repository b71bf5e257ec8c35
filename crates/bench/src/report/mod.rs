//! Reports for people: the tables of IOR and mdtest, as programs that read theirs expect them, and what
//! those do not show.

mod both;
mod details;
mod ior;
mod mdtest;
mod suite;

pub use both::{mixed, smallfile};
pub use details::details;
pub use ior::ior;
pub use mdtest::mdtest;
pub use suite::suite;

use isobar_base::quantity::binary_bytes;

use crate::record::Verified;

/// What checking contents came to, in a line, and the first wrong places.
fn verdict(all: &Verified) -> String {
    let mut text = format!("Verified: {} byte by byte", binary_bytes(all.bytes));
    if all.stamped_bytes > 0 {
        text += &format!(", {} by the stamp of every 4 KiB", binary_bytes(all.stamped_bytes));
    }
    text += &match all.wrong {
        0 => "; all right".to_owned(),
        wrong => format!("; {wrong} READS GAVE WRONG BYTES"),
    };
    for example in &all.examples {
        text += &format!("\n  {example}");
    }
    text
}

fn total<'a>(phases: impl IntoIterator<Item = &'a crate::Phase>) -> Verified {
    let mut all = Verified::default();
    phases.into_iter().for_each(|phase| all.merge(&phase.verified));
    all
}
