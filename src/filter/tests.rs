//! Chunks, threads and buffers change nothing: the same bytes as one row after the other.

use super::*;
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{Dialect, Limits, Splitter, WantedCells};
use crate::index::{
    Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use crate::record::state::EntryState;
use crate::record::{Blocks, Class, Reason, Timestamp};
use crate::segment::Identity;
use crate::storage::{Access, Memory};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

const HEADER: &[u8] = b"id,email,note\r\n";

/// An index that suppresses `a0@example.com` to `a4@example.com`.
pub(super) fn snapshot() -> (Snapshot, KeyHasher) {
    let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
    let state = EntryState { blocks: Blocks::of(Reason::Manual, None), expiries: vec![] };
    let mut batch = Batch::default();
    for number in 0..5 {
        batch.push(hasher.address(format!("a{number}@example.com").as_bytes()), &state);
    }
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
    let (directory, at) = (Arc::new(Memory::new()), Position::default());
    let now = Timestamp::from_micros(0);
    let index = Index::rebuild(directory, identity, Access::Map, batch, at, now).unwrap();
    (index.snapshot(Overlay::new(), at), hasher)
}

/// Files of rows that may be quoted, ragged, blank, without an address, or with an address written in
/// several ways.
pub(super) fn files() -> impl Strategy<Value = Vec<u8>> {
    let address = (0..10_u8, 0..5_u8).prop_map(|(number, form)| match form {
        0 => format!("A{number}@Example.com"),
        1 => format!("\"An, {number} <a{number}@example.com>\""),
        2 => format!("\"a{number}@example.com\""),
        3 => "nobody".to_owned(),
        _ => format!("a{number}@example.com"),
    });
    let row = (address, 0..6_u8).prop_map(|(address, form)| match form {
        0 => format!("1,{address},\"two\nlines, \"\"quoted\"\"\"\r\n"),
        1 => format!("1,{address}\n"),
        2 => "\r\n".to_owned(),
        3 => "ragged\n".to_owned(),
        4 => format!("5\" pipe,{address},x\n"),
        _ => format!("1,{address},plain\n"),
    });
    (prop::collection::vec(row, 0..40), any::<bool>()).prop_map(|(rows, cut)| {
        let mut text = [HEADER, rows.concat().as_bytes()].concat();
        if cut && text.len() > HEADER.len() && text.ends_with(b"\n") {
            text.pop();
        }
        text
    })
}

type Results = (Vec<u8>, Vec<u8>, Tally);

fn filter(text: &[u8], threads: usize, chunk_bytes: usize, dedupe: bool) -> Results {
    let (snapshot, hasher) = snapshot();
    let limits = Limits { chunk_bytes, ..Limits::default() };
    let options = Options { threads, limits, dedupe, ..Options::default() };
    let policy = Policy::default();
    let filter = Filter { snapshot: &snapshot, hasher: &hasher, policy, options: &options };
    let (mut kept, mut withheld) = (Vec::new(), Vec::new());
    let (summary, _) = filter.run(text, &mut kept, Some(&mut withheld), &|_| {}).unwrap();
    (kept, withheld, summary.tally)
}

/// The kept bytes by one look-up a row, without chunks, batches or threads.
fn one_by_one(text: &[u8], dedupe: bool) -> Vec<u8> {
    let (snapshot, hasher) = snapshot();
    let mut splitter = Splitter::new(text, HEADER.len(), Dialect::CSV, Limits::default());
    let (mut cells, mut scratch) = (WantedCells::new([1]), Vec::new());
    let (mut kept, mut seen, mut at) = (HEADER.to_vec(), HashSet::new(), HEADER.len());
    while let Some(record) = splitter.next_record(&mut cells).unwrap() {
        kept.extend_from_slice(&text[at..record.start]);
        at = record.end;
        let cell = cells.at(0).unwrap_or_default();
        let mut buffer = KeyBuffer::default();
        let key = Policy::default().key(cell.text(text, &mut scratch), &mut buffer);
        let Ok(key) = key else { continue };
        let blocks = snapshot.get(hasher.address(key.as_bytes()), Timestamp::from_micros(0));
        if !blocks.reasons(Class::Bulk).is_empty() || dedupe && seen.contains(key.as_bytes()) {
            continue;
        }
        seen.insert(key.as_bytes().to_vec());
        kept.extend_from_slice(&text[record.start..record.end]);
    }
    kept.extend_from_slice(&text[at..]);
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn chunks_and_threads_change_no_byte(
        text in files(),
        threads in 1..4_usize,
        chunk_bytes in 1..200_usize,
        dedupe in any::<bool>(),
    ) {
        let whole = filter(&text, 1, 1 << 20, dedupe);
        prop_assert_eq!(&filter(&text, threads, chunk_bytes, dedupe), &whole);
        prop_assert_eq!(&whole.0, &one_by_one(&text, dedupe));
        let tally = whole.2;
        prop_assert_eq!(tally.read, tally.kept + tally.withheld);
    }
}
