#![allow(missing_docs, dead_code)]
use isobar_wire::message::{cluster::ClusterView, files::SegmentInfo};
#[derive(serde::Serialize)] pub struct Redundancy;
impl Redundancy { pub fn is_full(&self) -> bool { true } }
impl std::fmt::Display for Redundancy { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("?") } }
pub fn redundancy(_: &[SegmentInfo], _: &ClusterView) -> Redundancy { Redundancy }
pub mod fsck {
    #[derive(serde::Serialize)] pub struct Report;
    impl Report { pub fn is_clean(&self) -> bool { true } pub fn summary(&self) -> String { "?".into() } }
    impl std::fmt::Display for Report { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("?") } }
    pub async fn check(_: &isobar_client::Cluster) -> Result<Report, String> { Ok(Report) }
}
