//! What one cell costs: the plain case, and the others a real file holds; alone, inside a larger text, and
//! with the hash of its key.
//!
//! `cargo bench --bench normalize`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quell::address::{KeyBuffer, Policy};
use quell::index::{KeyHasher, SECRET_BYTES, SecretKey};
use std::hint::black_box;

/// A name and the cell it stands for.
const CELLS: [(&str, &str); 9] = [
    ("plain", "ann.smith.42@example.com"),
    ("mixed_case", "Ann.Smith.42@Example.COM"),
    ("plain_50_bytes", "ann.elizabeth.smith-jones@marketing.mail.example.com"),
    ("space_around", " ann.smith.42@example.com\t"),
    ("display_name", "\"Smith, Ann\" <ann.smith.42@example.com>"),
    ("accented", "jos\u{E9}.smith@example.com"),
    ("idn", "ann.smith.42@b\u{FC}cher.example"),
    ("a_label", "ann.smith.42@xn--bcher-kva.example"),
    ("no_at_sign", "ann.smith.42.example.com"),
];

fn normalize(c: &mut Criterion) {
    let mut group = c.benchmark_group("normalize");
    let mut buffer = KeyBuffer::new();
    for (name, cell) in CELLS {
        group.throughput(Throughput::Bytes(cell.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let key = Policy::EXACT.key(black_box(cell.as_bytes()), &mut buffer);
                black_box(key.map(|key| key.as_bytes().len()))
            });
        });
    }
    group.finish();
}

/// As a filter reads them: from a text that goes on behind the cell, and each hashed.
fn normalize_and_hash(c: &mut Criterion) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; SECRET_BYTES]));
    let mut buffer = KeyBuffer::new();
    let text = |cell: &str| format!("{cell}{}", ",Ann,Smith,DE\n".repeat(8));
    for hashed in [false, true] {
        let name = if hashed { "normalize_in_text_and_hash" } else { "normalize_in_text" };
        let mut group = c.benchmark_group(name);
        for (name, cell) in CELLS {
            let text = text(cell);
            group.throughput(Throughput::Bytes(cell.len() as u64));
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    let text = black_box(text.as_bytes());
                    let key =
                        Policy::EXACT.key_in(text, 0..black_box(cell.len()), &mut buffer).ok()?;
                    let (room, length) = key.in_room();
                    let hash = if hashed { hasher.address_in(room, length).lo } else { 0 };
                    Some(black_box(hash ^ length as u64))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, normalize, normalize_and_hash);
criterion_main!(benches);
