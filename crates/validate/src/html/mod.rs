//! The report as one HTML file: no scripts, nothing loaded from anywhere, readable on a phone, in print, in
//! light and dark.

mod charts;
mod drill;
mod latency;
mod network;
mod nodes;
mod page;
mod targets;
mod text;

pub use page::page;
