//! What one cell costs: the plain case, and the others a real file holds.
//!
//! `cargo bench --bench normalize`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quell::address::{KeyBuffer, Policy};
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

criterion_group!(benches, normalize);
criterion_main!(benches);
