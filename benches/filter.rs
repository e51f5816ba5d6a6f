//! The whole filter over recipients in memory: plain, quoted, with withheld rows written too, and with domain
//! rules or a hashed list of each algorithm beside the addresses.
//!
//! `cargo bench --bench filter`; throughput is the input's bytes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quell::address::{KeyBuffer, Policy};
use quell::filter::{Filter, Options};
use quell::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, Presence, SecretKey, Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{
    Algorithm, Blocks, DigestBlocks, DomainBlocks, Reason, RecordClass, Timestamp,
};
use quell::segment::Identity;
use quell::storage::{Access, Memory};

/// One row in this many is withheld.
const ONE_IN: u32 = 12;

/// A million; few, and few recipients, when `cargo test` runs each benchmark once to see that it works.
fn suppressed() -> u32 {
    if std::env::args().any(|argument| argument == "--bench") { 1_000_000 } else { 10_000 }
}

fn address(number: u32) -> String {
    format!("recipient{number:07}@mail{}.example.com", number % 97)
}

/// Digests of the suppressed addresses beside them, or ten thousand domain rules that cover none.
fn outside(hasher: &KeyHasher, presence: Presence) -> Batch {
    let state = |bits| EntryState { blocks: Blocks::from_bits(bits), expiries: vec![] };
    let mut batch = Batch::default();
    batch.push(hasher.presence(presence), &state(1));
    match presence {
        Presence::DomainRules => {
            let bits = DomainBlocks::of(true).to_bits();
            for number in 0..10_000 {
                let domain = format!("blocked{number}.example.org");
                batch.push(hasher.domain_rule(domain.as_bytes()), &state(bits));
            }
        }
        Presence::Digests(algorithm) => {
            let bits = DigestBlocks::of(RecordClass::Bulk).to_bits();
            for number in 0..suppressed() {
                let digest = algorithm.digest(address(number).as_bytes());
                batch.push(hasher.digest(algorithm, digest.as_bytes()), &state(bits));
            }
        }
    }
    batch
}

#[expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
fn snapshot(hasher: &KeyHasher, mut batch: Batch) -> Snapshot {
    let state = EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] };
    let mut buffer = KeyBuffer::default();
    for number in 0..suppressed() {
        let address = address(number);
        let key = Policy::default().key(address.as_bytes(), &mut buffer).unwrap();
        batch.push(hasher.address(key.as_bytes()), &state);
    }
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "bench".to_owned(), segment };
    let (directory, at) = (Arc::new(Memory::new()), Position::default());
    let now = Timestamp::from_micros(0);
    Index::rebuild(directory, identity, Access::Resident, batch, at, now)
        .unwrap()
        .snapshot(Overlay::new(), at)
}

#[expect(clippy::unwrap_used, reason = "writing to a String can't fail")]
fn recipients(quote: &str) -> Vec<u8> {
    let mut text = String::from("id,email,name,city,note\n");
    let suppressed = suppressed();
    for row in 0..suppressed / 5 {
        let number = if row % ONE_IN == 0 { row } else { suppressed + row };
        let (address, q) = (address(number), quote);
        writeln!(text, "{q}{row}{q},{q}{address}{q},{q}A Reader{q},{q}Town{q},{q}x{q}").unwrap();
    }
    text.into_bytes()
}

#[expect(clippy::unwrap_used, reason = "a benchmark that fails has nothing to say")]
fn filter(criterion: &mut Criterion) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let snapshot = snapshot(&hasher, Batch::default());
    let mut group = criterion.benchmark_group("filter");
    group.sample_size(20);
    for (name, quote) in [("plain", ""), ("quoted", "\"")] {
        let input = recipients(quote);
        group.throughput(Throughput::Bytes(input.len() as u64));
        for (threads, withheld) in [(1, false), (2, false), (2, true)] {
            let options = Options { threads, ..Options::default() };
            let filter = Filter {
                snapshot: &snapshot,
                hasher: &hasher,
                policy: Policy::default(),
                options: &options,
            };
            let suffix = if withheld { "/with withheld rows" } else { "" };
            group.bench_function(format!("{name}/{threads} threads{suffix}"), |bencher| {
                bencher.iter(|| {
                    let mut sink = io::sink();
                    let withheld = withheld.then_some(&mut sink);
                    filter.run(black_box(&input[..]), &mut io::sink(), withheld, &|_| {}).unwrap().0
                });
            });
        }
    }
    group.finish();
}

/// One thread, unquoted, as `filter/plain/1 threads`: the difference is what a row pays.
#[expect(clippy::unwrap_used, reason = "a benchmark that fails has nothing to say")]
fn filter_outside(criterion: &mut Criterion) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let input = recipients("");
    let mut group = criterion.benchmark_group("filter");
    group.sample_size(20).throughput(Throughput::Bytes(input.len() as u64));
    let named = Algorithm::ALL.map(|algorithm| (algorithm.as_str(), Presence::Digests(algorithm)));
    for (name, presence) in [("domain rules", Presence::DomainRules)].into_iter().chain(named) {
        let snapshot = snapshot(&hasher, outside(&hasher, presence));
        let (options, policy) = (Options::default(), Policy::default());
        let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options: &options };
        group.bench_function(format!("{name}/1 threads"), |bencher| {
            bencher.iter(|| {
                let withheld = None::<&mut io::Sink>;
                filter.run(black_box(&input[..]), &mut io::sink(), withheld, &|_| {}).unwrap().0
            });
        });
    }
    group.finish();
}

criterion_group!(benches, filter, filter_outside);
criterion_main!(benches);
