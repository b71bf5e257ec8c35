//! Throughput of encoding and of decoding, in GiB of data (n rows) per second on one thread.
//!
//! `cargo bench -p isobar-erasure`; a word after `--` keeps only the lines that contain it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use isobar_erasure::{encode, kernel_name, reconstruct};

const TIME: Duration = Duration::from_millis(300);
const ROUNDS: usize = 5;

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("kernel {}", kernel_name());
    for (n, k, segment_bytes) in [
        (6, 2, 8 << 20),
        (6, 2, 1 << 20),
        (6, 2, 96 << 10),
        (6, 2, 24 << 10),
        (1, 2, 4 << 10),
        (4, 1, 8 << 20),
        (8, 3, 8 << 20),
        (10, 4, 8 << 20),
        (16, 4, 8 << 20),
    ] {
        shape(n, k, segment_bytes, &filter);
    }
}

/// Measures one shape with rows as a segment has them: whole units of 4 KiB.
fn shape(n: usize, k: usize, segment_bytes: usize, filter: &str) {
    let row_bytes = segment_bytes.div_ceil(n).next_multiple_of(4096);
    let mut rows: Vec<Vec<u8>> = (0..n + k).map(|row| vec![row as u8 | 0x5a; row_bytes]).collect();
    let report = |what: String, gib_per_s: f64| {
        println!("{n:2}+{k} {:5} KiB  {what:12} {gib_per_s:6.1} GiB/s", segment_bytes >> 10);
    };
    let bytes = n * row_bytes;

    if format!("{n}+{k} encode").contains(filter) {
        let (data, parity) = rows.split_at_mut(n);
        let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        let mut parity: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
        let speed = measure(bytes, || encode(black_box(&data), black_box(&mut parity)).unwrap());
        report("encode".into(), speed);
    }
    for lost in 1..=k.min(n) {
        if !format!("{n}+{k} decode {lost}").contains(filter) {
            continue;
        }
        let (gone, left) = rows.split_at_mut(lost);
        let have: Vec<(u8, &[u8])> =
            left.iter().enumerate().map(|(i, row)| ((i + lost) as u8, &row[..])).collect();
        let mut want: Vec<(u8, &mut [u8])> =
            gone.iter_mut().enumerate().map(|(i, row)| (i as u8, &mut row[..])).collect();
        let speed = measure(bytes, || {
            reconstruct(n as u8, k as u8, black_box(&have), black_box(&mut want)).unwrap();
        });
        report(format!("decode {lost} lost"), speed);
    }
}

/// The best of several rounds: others may be using the machine.
fn measure(bytes: usize, mut call: impl FnMut()) -> f64 {
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        let mut calls = 0u32;
        while start.elapsed() < TIME / ROUNDS as u32 {
            for _ in 0..(4 << 20) / bytes + 1 {
                call();
                calls += 1;
            }
        }
        bytes as f64 * f64::from(calls) / start.elapsed().as_secs_f64() / f64::from(1 << 30)
    };
    (0..ROUNDS).map(|_| round(&mut call)).fold(0.0, f64::max)
}
