//! The filter with its optimisations on and off: threads, chunk sizes, ways to hold the index, against one
//! look-up a row with the general normalisation.

use super::plain;
use proptest::prelude::*;
use quell::address::{KeyBuffer, Policy};
use quell::delimited::{Limits, skip_byte_order_mark};
use quell::filter::{ColumnChoice, Filter, Options};
use quell::index::{
    Batch, Committed, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey, Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{Blocks, Class, Reason, Timestamp};
use quell::segment::Identity;
use quell::storage::{Access, Disk};
use std::path::Path;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_micros(1_000);
const SUPPRESSED: u32 = 3_000;

fn address(number: u32) -> String {
    format!("reader.{number}@mail{}.example.org", number % 7)
}

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([9; 16]))
}

/// An index in several segments: a base, a newer one that lifts and adds, and entries that expire.
fn index(directory: &Path, access: Access) -> Snapshot {
    let hasher = hasher();
    let segment = Identity { key_id: hasher.key_id(), policy: Policy::default().id() };
    let identity = IndexIdentity { ledger_id: "test".to_owned(), segment };
    let hash = |number: u32| hasher.address(address(number).as_bytes());
    let blocked = EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] };
    let mut batch = Batch::default();
    for number in 0..SUPPRESSED {
        batch.push(hash(number), &blocked);
    }
    let disk = Arc::new(Disk::create_at(directory).unwrap());
    let at = Position { generation: 1, cursor: 1, mark: 1 };
    let mut index = Index::rebuild(disk, identity, access, batch, at, NOW).unwrap();
    let mut newer = Batch::default();
    for number in 0..50 {
        // The empty state is a tombstone: these were lifted.
        newer.push(hash(number * 3), &EntryState { blocks: Blocks::NONE, expiries: vec![] });
        newer.push(hash(SUPPRESSED + number), &blocked);
    }
    let next = Position { generation: 2, cursor: 2, mark: 2 };
    assert_eq!(index.commit(newer, at.cursor, next, NOW).unwrap(), Committed::Written);
    index.snapshot(Overlay::new(), next)
}

/// Rows with the address in column 2, as people and programs write them.
fn files() -> impl Strategy<Value = Vec<u8>> {
    let row = (0..SUPPRESSED * 2, 0..12_u8).prop_map(|(number, form)| {
        let address = address(number);
        match form {
            0 => format!("{number},{}\r\n", address.to_uppercase()),
            1 => format!("\"{number}\",\"{address}\",\"quoted, \"\"twice\"\"\"\n"),
            2 => format!("{number},\"Reader, A <{address}>\"\n"),
            3 => format!("5\" tape,{address},6\"\n"),
            4 => format!("{number}, {address} \n"),
            5 => format!("{number},nobody,\n"),
            6 => format!("{number}\n\n"),
            7 => format!("{number},mailto:{address}\r"),
            8 => format!("{number},\"{}\"\"x\"\n", address.to_uppercase()),
            _ => format!(
                "{number},{address},plain,{}\n",
                "x".repeat(usize::try_from(number % 90).unwrap())
            ),
        }
    });
    prop::collection::vec(row, 0..120).prop_map(|rows| rows.concat().into_bytes())
}

/// What is kept, one row after the other: the general normalisation, one look-up, one copy.
fn one_by_one(snapshot: &Snapshot, text: &[u8]) -> Vec<u8> {
    let hasher = hasher();
    let (mut kept, mut at, mut buffer) = (Vec::new(), 0, KeyBuffer::default());
    for record in plain::records(text, skip_byte_order_mark(text), b',').unwrap() {
        let cell = record.cells.get(1).map(Vec::as_slice).unwrap_or_default();
        let clear = Policy::default().key_without_shortcut(cell, &mut buffer).is_ok_and(|key| {
            let blocks = snapshot.get(hasher.address(key.as_bytes()), NOW);
            blocks.reasons(Class::Bulk).is_empty()
        });
        // What stands between rows is kept with whatever follows.
        kept.extend_from_slice(&text[at..if clear { record.end } else { record.start }]);
        at = record.end;
    }
    kept.extend_from_slice(&text[at..]);
    kept
}

fn filter(snapshot: &Snapshot, text: &[u8], threads: usize, chunk_bytes: usize) -> Vec<u8> {
    let hasher = hasher();
    let options = Options {
        email_columns: vec![ColumnChoice("2".to_owned())],
        header: false,
        threads,
        limits: Limits { chunk_bytes, ..Limits::default() },
        now: NOW,
        ..Options::default()
    };
    let policy = Policy::default();
    let filter = Filter { snapshot, hasher: &hasher, policy, options: &options };
    let (mut kept, mut withheld) = (Vec::new(), None::<&mut Vec<u8>>);
    filter.run(text, &mut kept, withheld.take(), &|_| {}).unwrap();
    kept
}

#[test]
fn every_way_keeps_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let mapped = index(&directory.path().join("mapped"), Access::Map);
    let resident = index(&directory.path().join("resident"), Access::Resident);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) };
    proptest!(config, |(text in files(), threads in 1..5_usize, chunk_bytes in 1..3000_usize)| {
        // The first row says how many columns there are, and two are needed.
        let text = [b"0,x\n".to_vec(), text].concat();
        let expected = one_by_one(&mapped, &text);
        for snapshot in [&mapped, &resident] {
            prop_assert_eq!(&filter(snapshot, &text, 1, 1 << 20), &expected, "one thread, one chunk");
            prop_assert_eq!(&filter(snapshot, &text, 1, 1), &expected, "the smallest chunks");
            let many = filter(snapshot, &text, threads, chunk_bytes);
            prop_assert_eq!(&many, &expected, "{} threads, chunks of {}", threads, chunk_bytes);
        }
    });
}
