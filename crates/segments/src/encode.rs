//! From the bytes of a segment to its rows: checksums first, then parity (I9).

use std::sync::LazyLock;

use bytes::Bytes;
use isobar_base::limits::UNIT_BYTES;
use isobar_base::{
    BufPool, Errno, FragmentHeader, FragmentKey, Geometry, SegmentId, crc32c, is_decoded_in_parts, row_crc,
};

/// The rows of a segment, ready to be sent.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub geometry: Geometry,
    /// For each row its unit CRCs and its bytes in pieces.
    pub rows: Vec<(Vec<u32>, Vec<Bytes>)>,
}

impl Encoded {
    /// What the ledger keeps of each row.
    pub(crate) fn row_crcs(&self) -> Vec<u32> {
        self.rows.iter().map(|(unit_crcs, _)| row_crc(unit_crcs)).collect()
    }

    /// The header of a row.
    pub(crate) fn header(&self, segment: SegmentId, row: u8) -> FragmentHeader {
        let data_crcs = self.rows.iter().take(usize::from(self.geometry.data));
        let data_crcs = || data_crcs.flat_map(|(unit_crcs, _)| unit_crcs).copied().collect();
        header(segment, row, self.geometry, self.rows[usize::from(row)].0.clone(), data_crcs)
    }
}

static ZEROS: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; 64 << 10]));

/// Bytes of each row that are worked on at a time: encoding finds in the cache what the checksums have read.
const STRIPE_BYTES: usize = 32 << 10;

/// Encodes `data` over `geometry`. Data rows share the memory of `data`; parity rows come from `pool`.
pub(crate) fn encode(data: &Bytes, geometry: Geometry, pool: &BufPool) -> Result<Encoded, Errno> {
    assert_eq!(data.len(), geometry.len as usize, "I9: a segment is encoded whole");
    let row_bytes = geometry.row_bytes() as usize;
    let slices: Vec<Bytes> = (0..usize::from(geometry.data))
        .map(|row| data.slice((row * row_bytes).min(data.len())..((row + 1) * row_bytes).min(data.len())))
        .collect();
    let mut parity: Vec<_> = (0..geometry.parity).map(|_| pool.get(row_bytes)).collect();
    let units = row_bytes / UNIT_BYTES as usize;
    let mut crcs: Vec<Vec<u32>> = (0..geometry.rows()).map(|_| Vec::with_capacity(units)).collect();
    for from in (0..row_bytes).step_by(STRIPE_BYTES) {
        let to = (from + STRIPE_BYTES).min(row_bytes);
        let data_rows: Vec<&[u8]> = slices.iter().map(|s| &s[from.min(s.len())..to.min(s.len())]).collect();
        let mut parity_rows: Vec<&mut [u8]> = parity.iter_mut().map(|row| &mut row[from..to]).collect();
        let (data_crcs, parity_crcs) = crcs.split_at_mut(slices.len());
        data_crcs.iter_mut().zip(&data_rows).for_each(|(crcs, row)| push_crcs(crcs, row, to - from));
        isobar_erasure::encode(&data_rows, &mut parity_rows).map_err(|error| {
            tracing::error!(%error, ?geometry, "cannot encode");
            Errno::EIO
        })?;
        parity_crcs.iter_mut().zip(&parity_rows).for_each(|(crcs, row)| push_crcs(crcs, row, to - from));
    }
    let slices = slices.into_iter().map(|slice| padded(slice, row_bytes));
    let parts = slices.chain(parity.into_iter().map(|row| vec![Bytes::from_owner(row)]));
    Ok(Encoded { geometry, rows: crcs.into_iter().zip(parts).collect() })
}

/// The header of a row, the same whether the row is written for the first time or was computed from others: a
/// target takes it for the same row only then (I1).
pub(crate) fn header(
    segment: SegmentId,
    row: u8,
    geometry: Geometry,
    unit_crcs: Vec<u32>,
    data_crcs: impl FnOnce() -> Vec<u32>,
) -> FragmentHeader {
    let carries = row >= geometry.data && is_decoded_in_parts(geometry.row_bytes());
    let data_crcs = if carries { data_crcs() } else { Vec::new() };
    FragmentHeader { key: FragmentKey { segment, row }, geometry, unit_crcs, data_crcs }
}

/// The row as pieces: the bytes and zeros up to its length.
fn padded(slice: Bytes, row_bytes: usize) -> Vec<Bytes> {
    let mut missing = row_bytes - slice.len();
    let mut parts = if slice.is_empty() { Vec::new() } else { vec![slice] };
    while missing > 0 {
        let step = missing.min(ZEROS.len());
        parts.push(ZEROS.slice(..step));
        missing -= step;
    }
    parts
}

/// Appends the CRCs of the units of `row`, as if it were padded with zeros to `len` bytes, which are whole
/// units.
fn push_crcs(crcs: &mut Vec<u32>, row: &[u8], len: usize) {
    let unit = UNIT_BYTES as usize;
    let (before, (whole, rest)) = (crcs.len(), row.split_at(row.len() / unit * unit));
    crcs.extend(whole.chunks_exact(unit).map(crc32c));
    if !rest.is_empty() {
        let mut last = [0; UNIT_BYTES as usize];
        last[..rest.len()].copy_from_slice(rest);
        crcs.push(crc32c(&last));
    }
    if crcs.len() < before + len / unit {
        crcs.resize(before + len / unit, crc32c(&ZEROS[..unit]));
    }
}

#[cfg(test)]
mod tests {
    use isobar_base::{GroupId, SessionId};

    use super::*;

    #[test]
    fn rows_are_the_bytes_padded_with_zeros_and_their_checksums() {
        let data: Bytes = (0..100_001u32).map(|i| i as u8).collect();
        let geometry = Geometry { data: 4, parity: 2, len: data.len() as u32 };
        let encoded = encode(&data, geometry, &BufPool::new(0)).unwrap();
        assert_eq!(encoded.rows.len(), 6);
        let mut whole = Vec::new();
        for (crcs, parts) in &encoded.rows {
            let row = parts.concat();
            assert_eq!(row.len() as u64, geometry.row_bytes());
            assert!(isobar_base::verify_units(&row, crcs));
            whole.extend(row);
        }
        assert_eq!(&whole[..data.len()], &data[..]);
    }

    #[test]
    fn a_rebuilt_row_has_the_header_of_its_original_whatever_the_group_of_the_session() {
        let data: Bytes = (0..100_001u32).map(|i| (i * 7) as u8).collect();
        let geometry = Geometry { data: 4, parity: 2, len: data.len() as u32 };
        let id = SegmentId { session: SessionId::new(GroupId(3), 70), counter: 1 };
        let encoded = encode(&data, geometry, &BufPool::new(0)).unwrap();
        let rows: Vec<Vec<u8>> = encoded.rows.iter().map(|(_, parts)| parts.concat()).collect();
        for row in 0..geometry.rows() {
            let others: Vec<(u8, &[u8])> =
                (0..geometry.rows()).filter(|&r| r != row).map(|r| (r, &rows[usize::from(r)][..])).collect();
            let mut rebuilt = vec![0; geometry.row_bytes() as usize];
            let wanted = &mut [(row, &mut rebuilt[..])];
            isobar_erasure::reconstruct(geometry.data, geometry.parity, &others[..4], wanted).unwrap();
            let original = encoded.header(id, row);
            let again = header(id, row, geometry, isobar_base::unit_crcs(&rebuilt), || panic!("it is short"));
            assert_eq!(again, original);
            assert_eq!(row_crc(&again.unit_crcs), encoded.row_crcs()[usize::from(row)]);
            assert_eq!(original.key.segment.session.group(), GroupId(3));
        }
    }
}
