//! Opening an index and looking up in it: batches of hits, of misses and of 8 % hits, single look-ups, the
//! keyed hash.
//!
//! `cargo bench --bench look_up`: a million entries, whose table is no larger than some caches. Figures
//! of docs/performance.md: `QUELL_BENCH_ENTRIES=10000000 cargo bench --bench look_up`; 100 million need
//! 8 GB of memory while the index is made.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quell::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::{Entry, Hash, Identity};
use quell::storage::{Access, Disk};
use xxhash_rust::xxh3::xxh3_128;

/// How many hashes a round looks up: their lines alone are 64 MB.
const LOOKED_UP: u64 = 1_000_000;
/// A chunk's rows, as the filter's chunks bring them.
const BATCH: usize = 58_000;
const NOW: Timestamp = Timestamp::from_micros(0);
const AT: Position = Position { generation: 1, cursor: 1, mark: 0 };

fn entries() -> u64 {
    let asked = std::env::var("QUELL_BENCH_ENTRIES").ok();
    let measured = std::env::args().any(|argument| argument == "--bench");
    // A small index when `cargo test` runs each benchmark once to see that it works.
    let usual = if measured { 1_000_000 } else { 10_000 };
    asked.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// As uniform as a keyed hash, and faster to make a hundred million of.
#[expect(clippy::cast_possible_truncation, reason = "the halves of the number")]
fn hash(number: u64) -> Hash {
    let bits = xxh3_128(&number.to_le_bytes());
    Hash { lo: bits as u64, hi: (bits >> 64) as u64 }
}

/// Hashes of which so many in a hundred are held, in no order.
fn hashes(entries: u64, percent: u64) -> Vec<Hash> {
    let number = |at: u64| {
        let scattered = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let held = (scattered >> 32) % 100 < percent;
        scattered % entries + if held { 0 } else { entries }
    };
    (0..LOOKED_UP).map(number).map(hash).collect()
}

fn identity() -> IndexIdentity {
    let segment = Identity { key_id: 7, policy: 0 };
    IndexIdentity { ledger_id: "bench".to_owned(), segment }
}

fn open(path: &Path, access: Access) -> quell::Result<Snapshot> {
    let disk = Disk::open(path).map_err(|error| quell::Error::untrusted(error.to_string()))?;
    let index = Index::open(Arc::new(disk), identity(), access)?;
    Ok(index.snapshot(Overlay::new(), AT))
}

fn make(path: &Path, entries: u64) -> quell::Result<()> {
    let disk = Disk::open(path).map_err(|error| quell::Error::untrusted(error.to_string()))?;
    let state = Blocks::of(Reason::Unsubscribed, None).to_bits();
    let entries = (0..entries).map(|number| Entry { hash: hash(number), state }).collect();
    let batch = Batch { entries, ..Batch::default() };
    Index::rebuild(Arc::new(disk), identity(), Access::Map, batch, AT, NOW).map(drop)
}

#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn look_up(criterion: &mut Criterion) {
    let entries = entries();
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    make(scratch.path(), entries).unwrap();
    let kinds = [("hits", 100), ("misses", 0), ("8 % hits", 8)]
        .map(|(kind, percent)| (kind, hashes(entries, percent)));
    let mut group = criterion.benchmark_group(format!("{entries} entries"));
    group.sample_size(20);
    for (name, access) in [("mapped", Access::Map), ("resident", Access::Resident)] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name}/open"), |bencher| {
            bencher.iter(|| open(scratch.path(), access).unwrap());
        });
        let snapshot = open(scratch.path(), access).unwrap();
        group.throughput(Throughput::Elements(LOOKED_UP));
        for (kind, hashes) in &kinds {
            let mut hits = Vec::new();
            group.bench_function(format!("{name}/{kind}/hits told"), |bencher| {
                bencher.iter(|| {
                    for part in hashes.chunks(BATCH) {
                        snapshot.look_up_hits(part, NOW, &mut hits);
                        black_box(&hits);
                    }
                });
            });
            let mut out = Vec::new();
            group.bench_function(format!("{name}/{kind}/all told"), |bencher| {
                bencher.iter(|| {
                    for part in hashes.chunks(BATCH) {
                        snapshot.look_up(part, NOW, &mut out);
                        black_box(&out);
                    }
                });
            });
        }
        group.throughput(Throughput::Elements(1));
        let (mut at, (_, hashes)) = (0, &kinds[2]);
        group.bench_function(format!("{name}/get, one after the other"), |bencher| {
            bencher.iter(|| {
                // The next hash depends on the answer, so no two look-ups overlap.
                let hit = !snapshot.get(hashes[at], NOW).is_empty();
                at = (at + 1 + usize::from(hit)) % hashes.len();
            });
        });
    }
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    group.bench_function("hash/25 bytes", |bencher| {
        bencher.iter(|| hasher.address(black_box(b"recipient0001@example.com")));
    });
    group.finish();
}

criterion_group!(benches, look_up);
criterion_main!(benches);
