//! The speed of one stream: a file written, fsynced and read back. It promises nothing.

use std::sync::Arc;
use std::time::Instant;

use super::area::Area;
use super::storm;
use crate::output;
use crate::progress::Progress;

/// Bytes of the file.
const STREAM_BYTES: usize = 256 << 20;

/// MiB/s each way.
pub struct Rates {
    pub write: f64,
    pub read: f64,
}

/// Streams a file out and back in.
pub async fn measure(area: &Arc<dyn Area>, progress: &Progress) -> Result<Rates, String> {
    progress.now(format!("streaming {}", output::bytes(STREAM_BYTES as u64)));
    let area = area.clone();
    let rates = tokio::task::spawn_blocking(move || {
        let data = storm::noise(1, STREAM_BYTES);
        let begun = Instant::now();
        area.write("stream", &data)?;
        let written = begun.elapsed();
        area.settle();
        let begun = Instant::now();
        let back = area.read("stream")?;
        let read = begun.elapsed();
        if back != data {
            return Err("the streamed file came back different".to_owned());
        }
        area.remove("stream")?;
        let mib = (STREAM_BYTES >> 20) as f64;
        Ok((mib / written.as_secs_f64(), mib / read.as_secs_f64()))
    });
    let (write, read) = rates.await.map_err(|e| e.to_string())??;
    progress.done(format!(
        "{} written and fsynced at {write:.0} MiB/s, read back at {read:.0} MiB/s",
        output::bytes(STREAM_BYTES as u64)
    ));
    Ok(Rates { write, read })
}
