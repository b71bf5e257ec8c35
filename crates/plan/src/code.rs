//! N+K, and where the coding happens.

use std::fmt;
use std::str::FromStr;

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};
use isobar_base::{Geometry, segment_width};
use serde::{Serialize, Serializer};

use crate::error::PlanError;
use crate::units::Bytes;

/// An erasure code: N `data` rows and K `parity` rows, each on a node of its own. JSON has it as `"8+2"`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Code {
    data: u8,
    parity: u8,
}

impl Code {
    /// So many data and parity rows.
    ///
    /// # Errors
    /// [`PlanError::Request`] when N is not 1 to 16 or K not 1 to 4: the format has no others.
    pub fn new(data: u8, parity: u8) -> Result<Self, PlanError> {
        if (1..=DATA_ROWS_MAX).contains(&data) && (1..=PARITY_ROWS_MAX).contains(&parity) {
            return Ok(Code { data, parity });
        }
        Err(PlanError::Request(format!(
            "there is no code {data}+{parity}: use 1 to {DATA_ROWS_MAX} data rows and 1 to {PARITY_ROWS_MAX} parity rows, as 8+2"
        )))
    }

    /// Data rows, N.
    pub fn data_rows(self) -> u8 {
        self.data
    }

    /// Parity rows, K: so many nodes may be lost.
    pub fn parity_rows(self) -> u8 {
        self.parity
    }

    /// All rows, and so the fewest nodes.
    pub fn rows(self) -> u32 {
        u32::from(self.data) + u32::from(self.parity)
    }

    /// Bytes stored for each byte of a large file: (N+K)/N.
    pub fn amplification(self) -> f64 {
        f64::from(self.rows()) / f64::from(self.data)
    }

    /// Bytes stored for each byte of files of `len` bytes that each become a segment of their own: short
    /// files are spread over fewer data rows, and rows are whole units of 4 KiB. `len` above 8 MiB is large.
    pub fn amplification_of(self, len: Bytes) -> f64 {
        let most = isobar_base::limits::SEGMENT_BYTES_MAX;
        if len.0 == 0 || len.0 >= most {
            return self.amplification();
        }
        let data =
            segment_width(len.0, self.data, self.parity, usize::from(self.data) + usize::from(self.parity))
                .unwrap_or(1);
        let shape = Geometry { data, parity: self.parity, len: len.0 as u32 };
        shape.stored_bytes() as f64 / len.0 as f64
    }

    /// Voters of a metadata group that may lose K: 2K+1, each on a node of its own.
    pub fn voters(self) -> u32 {
        2 * u32::from(self.parity) + 1
    }

    /// The fewest nodes a cluster with this code has: all rows and all voters on nodes of their own.
    pub fn nodes_min(self) -> u32 {
        self.rows().max(self.voters())
    }

    /// What is written on `nodes` nodes: N shrinks where it must, K does not. `None` when K+1 rows or the
    /// voters do not fit.
    pub fn on(self, nodes: u32) -> Option<Code> {
        let room = nodes.checked_sub(u32::from(self.parity)).filter(|&room| room > 0)?;
        let data = u32::from(self.data).min(room) as u8;
        (nodes >= self.voters()).then_some(Code { data, parity: self.parity })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.data, self.parity)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Code {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let rows = |text: &str| text.trim().parse::<u8>();
        let parts = text.split_once('+').map(|(data, parity)| (rows(data), rows(parity)));
        let Some((Ok(data), Ok(parity))) = parts else {
            return Err(PlanError::Value {
                text: text.to_owned(),
                what: "a code",
                hint: "write data rows + parity rows, as 8+2".to_owned(),
            });
        };
        Code::new(data, parity)
    }
}

/// Who encodes and decodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodingPath {
    /// Clients send rows to the nodes that store them and read from there: what a mount does.
    Clients,
    /// Clients send whole bytes to a gateway on one of the nodes (NFS, S3), which forwards rows.
    Gateways,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_files_cost_more_parity_than_long_ones() {
        let code = Code::new(8, 2).expect("a code");
        assert_eq!(code.amplification_of(Bytes(8 << 20)), 1.25);
        // 32 KiB is 2 data rows of 16 KiB and 2 parity rows.
        assert_eq!(code.amplification_of(Bytes(32 << 10)), 2.0);
        assert_eq!(code.amplification_of(Bytes(1 << 20)), 1.25);
    }

    #[test]
    fn eight_nodes_narrow_the_code_and_keep_the_parity() {
        let code = Code::new(8, 2).expect("a code");
        assert_eq!(code.on(8), Code::new(6, 2).ok());
        assert_eq!(code.on(100), Some(code));
        assert_eq!(code.on(4), None, "five voters need five nodes");
    }

    #[test]
    fn codes_the_format_does_not_have_are_refused() {
        for text in ["17+2", "8+5", "0+2", "8+0", "8", "8-2", "a+b", "300+2"] {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
        assert_eq!("8 + 2".parse::<Code>().map(|c| c.to_string()), Ok("8+2".to_owned()));
    }
}
