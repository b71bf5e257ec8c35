//! Files written and fsynced one after the other by several threads, and what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::area::Area;

const WRITERS: u64 = 2;
/// Sizes in turn: inside the metadata, one row, several rows, more than a segment.
const SIZES: [usize; 5] = [3_901, 32 << 10, 700_001, 1 << 20, 9 << 20];
/// Bytes of one storm at most: the demonstration must fit small machines.
const BYTES_MAX: usize = 1 << 30;

/// A storm that blows.
pub struct Storm {
    area: Arc<dyn Area>,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<Blown>>,
}

/// What a storm left.
#[derive(Default)]
pub struct Blown {
    /// Name and hash of each file that was fsynced.
    pub files: Vec<(String, [u8; 32])>,
    /// Writes that failed.
    pub errors: Vec<String>,
    /// The longest any file took.
    pub longest_pause: Duration,
}

impl Storm {
    /// Starts writing.
    pub fn start(area: Arc<dyn Area>) -> Storm {
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicUsize::new(0));
        let bytes = Arc::new(AtomicUsize::new(0));
        let writers = (0..WRITERS)
            .map(|writer| {
                let (area, stop, written, bytes) =
                    (area.clone(), stop.clone(), written.clone(), bytes.clone());
                tokio::task::spawn_blocking(move || {
                    let mut blown = Blown::default();
                    for number in 0u64.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let mut size = SIZES[number as usize % SIZES.len()];
                        if bytes.fetch_add(size, Ordering::Relaxed) > BYTES_MAX {
                            size = SIZES[0];
                        }
                        let data = noise(writer << 32 | number, size);
                        let name = format!("storm-{writer}-{number}");
                        let begun = Instant::now();
                        match area.write(&name, &data) {
                            Ok(()) => {
                                blown.files.push((name, Sha256::digest(&data).into()));
                                written.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(error) => blown.errors.push(error),
                        }
                        blown.longest_pause = blown.longest_pause.max(begun.elapsed());
                    }
                    blown
                })
            })
            .collect();
        Storm { area, stop, written, writers }
    }

    /// Files fsynced so far.
    pub fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Lets it end.
    pub async fn stop(self) -> Blown {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Blown::default();
        for writer in self.writers {
            if let Ok(blown) = writer.await {
                all.files.extend(blown.files);
                all.errors.extend(blown.errors);
                all.longest_pause = all.longest_pause.max(blown.longest_pause);
            }
        }
        drop(self.area);
        all
    }
}

impl Blown {
    /// Reads everything back: files read, and what is wrong or missing.
    pub async fn verify(&self, area: &Arc<dyn Area>) -> (usize, Vec<String>) {
        let (area, files) = (area.clone(), self.files.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let wrong = files.iter().filter_map(|(name, hash)| match area.read(name) {
                Ok(data) if Sha256::digest(&data)[..] == hash[..] => None,
                Ok(data) => Some(format!("{name}: {} other bytes", data.len())),
                Err(error) => Some(error),
            });
            wrong.collect()
        });
        let wrong = reading.await.unwrap_or_else(|e| vec![e.to_string()]);
        (self.files.len(), wrong)
    }
}

/// Bytes that do not compress, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut data = Vec::with_capacity(len.next_multiple_of(8));
    while data.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend_from_slice(&state.to_le_bytes());
    }
    data.truncate(len);
    data
}
