//! Damage is an error, or changes no answer: a suppressed key never reads clear, and nothing panics.

#![expect(clippy::unwrap_used, reason = "a failure of a helper is a failure of the test")]

mod support;

use std::sync::Arc;

use quell::index::{Index, Overlay};
use quell::storage::{Access, Directory, Memory};
use quell::{ErrorKind, Result};
use support::{States, assert_answers, at, batch, identity, position, state, wrong_answer};

/// An index of three segments with tombstones, instants and dictionaries; and the states it answers.
fn sound() -> (Arc<Memory>, States) {
    let directory = Arc::new(Memory::new());
    let mut index = Index::create(directory.clone(), identity(), at(0)).unwrap();
    let mut states = States::new();
    for (cursor, numbers, shift) in [(1, 0..12, 1), (2, 9..15, 0), (3, 3..5, 4)] {
        let kind = |number: u16| state(u8::try_from(number).unwrap() % 5 + shift);
        let changes: States = numbers.map(|number| (number, kind(number))).collect();
        let _ = index.commit(batch(&changes), cursor - 1, position(cursor), at(0)).unwrap();
        states.extend(changes);
    }
    assert_eq!(index.manifest().segments.len(), 3);
    assert_answers(&index, &states);
    (directory, states)
}

fn open(directory: &Arc<Memory>) -> Result<Index> {
    Index::open(directory.clone(), identity(), Access::Map)
}

/// Fails when the damaged index gives a wrong answer, or when `verify` misses the damage.
fn check(directory: &Arc<Memory>, states: &States, context: &dyn Fn() -> String) {
    let mut index = match open(directory) {
        Ok(index) => index,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Untrusted, "{}: {error}", context());
            assert!(error.hint().is_some(), "{}: {error}", context());
            return;
        }
    };
    let snapshot = index.snapshot(Overlay::new(), index.position());
    assert_eq!(wrong_answer(&snapshot, states), None, "{}", context());
    assert!(index.verify().is_err(), "{}: not found", context());
    // A merge reads what look-ups do not: it must not write the damage under a fresh checksum.
    if index.merge_if_needed().is_ok() {
        let snapshot = index.snapshot(Overlay::new(), index.position());
        assert_eq!(wrong_answer(&snapshot, states), None, "{}, merged", context());
    }
}

fn files(directory: &Memory) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = directory.open(&name, Access::Resident).unwrap().to_vec();
        (name, bytes)
    };
    directory.list().unwrap().into_iter().map(read).collect()
}

#[test]
fn every_flipped_bit_position_is_an_error_or_harmless() {
    let (directory, states) = sound();
    for (name, bytes) in files(&directory) {
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            let copy = Arc::new(directory.copy());
            copy.plant(&name, &damaged);
            check(&copy, &states, &|| format!("{name}: byte {place} flipped"));
        }
    }
}

/// What a failing disk leaves: blocks of zeros, or of another file's bytes, at the places where blocks begin.
#[test]
fn a_zeroed_or_foreign_block_is_an_error_or_harmless() {
    let (directory, states) = sound();
    let files = files(&directory);
    let foreign = files.iter().flat_map(|(_, bytes)| bytes.iter().rev().copied());
    let foreign: Vec<u8> = foreign.take(4096).collect();
    let zeros = vec![0; 4096];
    let mut damages = 0;
    for (name, bytes) in &files {
        for length in [16, 64, 512, 4096] {
            for start in (0..bytes.len()).step_by(length) {
                let end = (start + length).min(bytes.len());
                for block in [&zeros, &foreign] {
                    let mut damaged = bytes.clone();
                    damaged[start..end].copy_from_slice(&block[..end - start]);
                    if damaged == *bytes {
                        continue;
                    }
                    damages += 1;
                    let copy = Arc::new(directory.copy());
                    copy.plant(name, &damaged);
                    check(&copy, &states, &|| format!("{name}: {length} bytes at {start}"));
                }
            }
        }
    }
    assert!(damages > 1000, "{damages} blocks");
}

#[test]
fn every_truncation_and_anything_appended_is_an_error() {
    let (directory, _) = sound();
    for (name, bytes) in files(&directory) {
        let longer = [&bytes[..], b"\0"].concat();
        for damaged in (0..bytes.len()).map(|len| &bytes[..len]).chain([&longer[..]]) {
            let copy = Arc::new(directory.copy());
            copy.plant(&name, damaged);
            let error = open(&copy).expect_err("opened");
            assert_eq!(error.kind(), ErrorKind::Untrusted, "{name}: {} bytes", damaged.len());
        }
    }
}

#[test]
fn a_missing_or_swapped_file_is_an_error() {
    let (directory, _) = sound();
    let files = files(&directory);
    for (name, _) in &files {
        let copy = Arc::new(directory.copy());
        copy.remove(name).unwrap();
        assert_eq!(open(&copy).unwrap_err().kind(), ErrorKind::Untrusted, "{name} removed");
        for (other, bytes) in files.iter().filter(|(other, _)| other != name) {
            let copy = Arc::new(directory.copy());
            copy.plant(name, bytes);
            let error = open(&copy).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Untrusted, "{other} as {name}");
        }
    }
}

/// An old manifest put back names segments that were swept, or is the old index, and says so by its
/// cursor: the changes after it are then collected from the ledger again.
#[test]
fn a_stale_manifest_is_an_error_or_the_old_index() {
    let (directory, states) = sound();
    let stale = directory.open("manifest", Access::Resident).unwrap();
    let mut index = open(&directory).unwrap();
    let _ = index.commit(batch(&States::from([(0, state(0))])), 3, position(4), at(0)).unwrap();
    directory.plant("manifest", &stale);
    let old = open(&directory).unwrap();
    assert_eq!(old.position(), position(3));
    assert_answers(&old, &states);

    index.replace_all(batch(&States::new()), position(5), at(0)).unwrap();
    directory.plant("manifest", &stale);
    assert_eq!(open(&directory).unwrap_err().kind(), ErrorKind::Untrusted);
}

#[test]
fn another_store_s_index_is_an_error() {
    let (directory, _) = sound();
    let mut others = [identity(), identity(), identity()];
    others[0].ledger_id.push('2');
    others[1].segment.key_id ^= 1;
    others[2].segment.policy ^= 1;
    let said = others.map(|other| {
        let error = Index::open(directory.clone(), other, Access::Map).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted);
        assert!(error.hint().unwrap().contains("quell compile --full"));
        error.to_string()
    });
    for (said, word) in said.iter().zip(["ledger", "secret key", "policy"]) {
        assert!(said.contains(word), "{said}");
    }
}
