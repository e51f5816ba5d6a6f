//! Building an index of a million addresses from nothing, with and without its dictionary, and the
//! dictionary alone beside what `fst`'s own builder takes for the same bytes.
//!
//! `cargo bench --bench build`.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quell::index::{Batch, Index, IndexIdentity, KeyHasher, Position, SecretKey, dictionary_value};
use quell::record::state::EntryState;
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::{DictionaryBuilder, Identity};
use quell::storage::{Access, Disk};

/// A million; a small index when `cargo test` runs each benchmark once to see that it works.
fn entries() -> u64 {
    if std::env::args().any(|argument| argument == "--bench") { 1_000_000 } else { 10_000 }
}

fn state() -> EntryState {
    EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] }
}

/// The keys, sorted.
fn keys() -> impl Iterator<Item = String> {
    (0..entries()).map(|number| format!("recipient{number:07}@example.com"))
}

/// The batch, its dictionary, and whose it is.
#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn batch(dictionary: bool) -> (Batch, IndexIdentity) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let (state, mut batch, mut builder) = (state(), Batch::default(), DictionaryBuilder::new());
    for key in keys() {
        batch.push(hasher.address(key.as_bytes()), &state);
        if dictionary {
            builder.push(key.as_bytes(), dictionary_value(Some(state.blocks))).unwrap();
        }
    }
    batch.dictionary = dictionary.then(|| builder.finish());
    let segment = Identity { key_id: hasher.key_id(), policy: 0 };
    (batch, IndexIdentity { ledger_id: "bench".to_owned(), segment })
}

#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10);
    group.throughput(Throughput::Elements(entries()));
    for (name, dictionary) in [("hashes only", false), ("dictionary at hand", true)] {
        let (all, identity) = batch(dictionary);
        let directory = tempfile::tempdir().unwrap();
        let disk = Arc::new(Disk::open(directory.path()).unwrap());
        group.bench_function(format!("1M/{name}"), |bencher| {
            bencher.iter_batched(
                || all.clone(),
                |batch| {
                    let at = Position { generation: 1, cursor: 1, mark: 0 };
                    let now = Timestamp::from_micros(0);
                    let (disk, identity) = (disk.clone(), identity.clone());
                    Index::rebuild(disk, identity, Access::Map, batch, at, now).unwrap()
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn dictionary(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dictionary");
    group.sample_size(10);
    group.throughput(Throughput::Elements(entries()));
    let keys: Vec<String> = keys().collect();
    let value = dictionary_value(Some(state().blocks));
    group.bench_function("1M/quell", |bencher| {
        bencher.iter(|| {
            let mut builder = DictionaryBuilder::new();
            keys.iter().try_for_each(|key| builder.push(key.as_bytes(), value)).unwrap();
            builder.finish()
        });
    });
    group.bench_function("1M/fst", |bencher| {
        bencher.iter(|| {
            let mut builder = fst::MapBuilder::memory();
            keys.iter().try_for_each(|key| builder.insert(key, value)).unwrap();
            builder.into_inner().unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, build, dictionary);
criterion_main!(benches);
