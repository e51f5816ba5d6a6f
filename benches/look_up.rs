//! Look-ups in an index of a million addresses: batches of hits and of misses, single ones, the hash.
//!
//! `cargo bench --bench look_up`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quell::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::{Hash, Identity};
use quell::storage::{Access, Disk};

const NOW: Timestamp = Timestamp::from_micros(0);

/// A million; a small index when `cargo test` runs each benchmark once to see that it works.
fn entries() -> u64 {
    if std::env::args().any(|argument| argument == "--bench") { 1_000_000 } else { 10_000 }
}

fn hash(hasher: &KeyHasher, number: u64) -> Hash {
    hasher.address(format!("recipient{number:07}@example.com").as_bytes())
}

/// Scattered as recipients' addresses are: neighbours in the batch are none in the table.
fn hashes(hasher: &KeyHasher, from: u64) -> Vec<Hash> {
    let entries = entries();
    (0..entries).map(|at| hash(hasher, from + at.wrapping_mul(7919) % entries)).collect()
}

fn snapshot(
    hasher: &KeyHasher,
    directory: &tempfile::TempDir,
    access: Access,
) -> quell::Result<Snapshot> {
    let disk =
        Disk::open(directory.path()).map_err(|error| quell::Error::untrusted(error.to_string()))?;
    let segment = Identity { key_id: hasher.key_id(), policy: 0 };
    let identity = IndexIdentity { ledger_id: "bench".to_owned(), segment };
    let state = EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] };
    let mut batch = Batch::default();
    for number in 0..entries() {
        batch.push(hash(hasher, number), &state);
    }
    let at = Position { generation: 1, cursor: 1, mark: 0 };
    let index = Index::rebuild(Arc::new(disk), identity, access, batch, at, NOW)?;
    Ok(index.snapshot(Overlay::new(), at))
}

#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn look_up(criterion: &mut Criterion) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let (hits, misses) = (hashes(&hasher, 0), hashes(&hasher, entries()));
    let mut group = criterion.benchmark_group("look_up");
    group.sample_size(20);
    for (name, access) in [("mapped", Access::Map), ("resident", Access::Resident)] {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = snapshot(&hasher, &directory, access).unwrap();
        let mut out = Vec::new();
        group.throughput(Throughput::Elements(entries()));
        for (kind, hashes) in [("hits", &hits), ("misses", &misses)] {
            group.bench_function(format!("{name}/{kind}/1M batch"), |bencher| {
                bencher.iter(|| {
                    // Batches as the filter's chunks bring them.
                    for part in hashes.chunks(1 << 16) {
                        snapshot.look_up(part, NOW, &mut out);
                        black_box(&out);
                    }
                });
            });
        }
        group.throughput(Throughput::Elements(1));
        let mut next = hits.iter().cycle();
        group.bench_function(format!("{name}/get"), |bencher| {
            bencher.iter(|| next.next().map(|&hash| snapshot.get(hash, NOW)));
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("hash/25 bytes", |bencher| {
        bencher.iter(|| hasher.address(black_box(b"recipient0001@example.com")));
    });
    group.finish();
}

criterion_group!(benches, look_up);
criterion_main!(benches);
