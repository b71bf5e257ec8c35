//! Isobar
fn main() {}
