//! Damaged, foreign and forged segments: an error with a name, or no answer changed.

use super::super::format::{HEADER_LEN, Header, SECTION_LEN, checksum, name};
use super::super::writer::write_bounded;
use super::*;
use crate::error::{Error, ErrorKind};

/// The error of opening `bytes`, planted under `name`.
fn refusal(bytes: &[u8], name: &str) -> Error {
    let directory = Memory::new();
    directory.plant(name, bytes);
    let error = Segment::open(&directory, name, &STORE, Access::Map).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert!(error.hint().is_some_and(|hint| hint.contains("quell")), "{error}");
    error
}

#[test]
fn strangers_are_refused_by_name() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&small_model(), 1)).unwrap();
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    let claim = |identity, what: &str| {
        let error = Segment::open(&directory, &meta.name, &identity, Access::Map).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted);
        assert!(error.to_string().contains(what), "{error}");
    };
    claim(Identity { key_id: 1, ..STORE }, "key 00000000000a11ce, this store has 0000000000000001");
    claim(Identity { policy: 4, ..STORE }, "made under address policy 3, this store has 4");

    let claim = |change: &dyn Fn(&mut Vec<u8>), what: &str| {
        let mut bytes = bytes.to_vec();
        change(&mut bytes);
        let error = refusal(&bytes, &meta.name).to_string();
        assert!(error.contains(what) && error.contains(&meta.name), "{error}");
    };
    claim(&|bytes| bytes[8] = 3, "format version 3, this build reads up to 2");
    claim(&|bytes| bytes[8] = 1, "format version 1, this build reads 2");
    claim(&|bytes| bytes[0] = b'q', "not a segment");
    claim(&|bytes| bytes[40] ^= 1, "header: wrong checksum");
    claim(&|bytes| bytes.truncate(5000), "truncated: 5000 bytes");
    claim(&|bytes| bytes.truncate(50), "truncated: 50 bytes, 96 expected");
    claim(&|bytes| bytes.clear(), "truncated: 0 bytes");
    claim(&|bytes| bytes.push(0), "has bytes after its end");
    claim(&|bytes| bytes[100] ^= 1, "section table: wrong checksum");
    claim(&|bytes| bytes[2000] ^= 1, "section `table`: overlaps, or is not padded with zeros");
    claim(&|bytes| bytes[4096] ^= 1, "section `table`: wrong checksum");

    let error = refusal(&bytes, "00000000000000000000000000000000.seg").to_string();
    assert!(error.contains("wrong name") && error.contains(&meta.name), "{error}");
    let error = Segment::open(&directory, "none.seg", &STORE, Access::Map).unwrap_err();
    assert!(error.to_string().contains("cannot be opened"), "{error}");
}

/// A table of several blocks of the checksum, damaged in each of them: the first and the last byte.
#[test]
fn every_block_of_a_large_table_is_checked() {
    let mut entries: Vec<_> =
        (0..200_000).map(|number| Entry { hash: hash(number), state: 1 }).collect();
    entries.sort_by_key(|entry| entry.hash);
    let directory = Memory::new();
    let contents = Contents { entries, ..Contents::default() };
    let meta = write_bounded(&directory, &STORE, contents, 0).unwrap();
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    assert!(bytes.len() > 2 << 20);
    open(&directory, &meta).verify().unwrap();
    for block in (4096..bytes.len()).step_by(1 << 20) {
        for at in [block, (block + (1 << 20)).min(bytes.len()) - 1] {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 0x40;
            let error = refusal(&bytes, &meta.name).to_string();
            assert!(error.contains("section `table`: wrong checksum"), "byte {at}: {error}");
        }
    }
}

/// `bytes` after a change, with every checksum made right again, and the name that follows.
fn forged(bytes: &[u8], change: impl Fn(&mut Vec<u8>, &mut Header)) -> (Vec<u8>, String) {
    let (mut header, _) = Header::decode(bytes.first_chunk().unwrap()).unwrap();
    let mut bytes = bytes.to_vec();
    change(&mut bytes, &mut header);
    let rows = usize::try_from(header.sections).unwrap();
    for row in (HEADER_LEN..).step_by(SECTION_LEN).take(rows) {
        let number = |at| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
        let (offset, length) = (number(row + 8), number(row + 16));
        let section =
            usize::try_from(offset).unwrap()..usize::try_from(offset.wrapping_add(length)).unwrap();
        if let Some(section) = bytes.get(section) {
            let sum = checksum(section).to_le_bytes();
            bytes[row + 32..row + 48].copy_from_slice(&sum);
        }
    }
    header.section_table = checksum(&bytes[HEADER_LEN..HEADER_LEN + SECTION_LEN * rows]);
    let (head, sum) = header.encode();
    bytes[..HEADER_LEN].copy_from_slice(&head);
    (bytes, name(sum))
}

#[test]
fn impossible_section_tables_are_refused() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&small_model(), 1)).unwrap();
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    let claim = |at: usize, value: u8, what: &str| {
        let (bytes, name) = forged(&bytes, |bytes, _| bytes[at] = value);
        let error = refusal(&bytes, &name).to_string();
        assert!(error.contains(what), "byte {at} = {value}: {error}");
    };
    // Row 0 begins at 96: kind, zero, offset (104), length (112), items (120); row 1 at 144.
    claim(96, 5, "section kind 5 is unknown in format version 2");
    claim(96, 2, "section `entries`: outside of the file, or not aligned");
    claim(144, 1, "section `table`: there twice");
    claim(104, 64, "section `table`: outside of the file, or not aligned");
    claim(111, 255, "section `table`: outside of the file, or not aligned");
    claim(119, 255, "section `table`: outside of the file, or not aligned");
    claim(120, 99, "section `table`: outside of the file, or not aligned");
    claim(127, 255, "section `table`: outside of the file, or not aligned");
    claim(256, bytes[256] - 1, "bytes after the last section");

    let claim = |entries, tombstones| {
        let (bytes, name) = forged(&bytes, |_, header| {
            (header.entries, header.tombstones) = (entries, tombstones);
        });
        let error = refusal(&bytes, &name).to_string();
        assert!(error.contains("section `table`: cannot hold the entries"), "{error}");
    };
    claim(17 * 6 + 1, 0);
    claim(20, 21);
}

/// Sections whose checksums are right, and which do not agree: a fault of a writer.
#[test]
fn verify_finds_what_checksums_do_not() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&small_model(), 1)).unwrap();
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    let claim = |change: &dyn Fn(&mut Vec<u8>, &mut Header), what: &str| {
        let (bytes, name) = forged(&bytes, change);
        directory.plant(&name, &bytes);
        let segment = Segment::open(&directory, &name, &STORE, Access::Map).unwrap();
        let error = segment.verify().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    // 17 buckets at 4096, 20 rows of ENTRIES at 5184, 8 of EXPIRING at 5696, DICTIONARY at 5952.
    claim(&|bytes, _| bytes[4096 + 62] = 7, "section `table`: bucket 0 has 7 entries in 6 slots");
    for at in [47, 58, 63] {
        let full = "section `table`: bucket 0 has something where nothing may be";
        claim(&|bytes, _| bytes[4096 + at] = 1, full);
    }
    let counts = "section `table`: 20 entries with 3 tombstones, the header says 19 with 3";
    claim(&|_, header| header.entries = 19, counts);
    let swap =
        |bytes: &mut Vec<u8>, at: usize, len: usize| bytes[at..at + 2 * len].rotate_left(len);
    claim(&|bytes, _| swap(bytes, 5184, 24), "section `entries`: row 1 is not in order");
    claim(&|bytes, _| bytes[5184 + 16] ^= 64, "section `entries`: row 0 is not in the table");
    let shorten = |bytes: &mut Vec<u8>, _: &mut Header| {
        bytes[168] = 19;
        bytes[160..162].copy_from_slice(&456_u16.to_le_bytes());
        bytes[5184 + 456..5184 + 480].fill(0);
    };
    claim(&shorten, "section `entries`: 19 rows, the header says 20 entries");
    claim(&|bytes, _| swap(bytes, 5696 + 32, 32), "section `expiring`: row 2 is not in order");
    claim(&|bytes, _| bytes[5952 - 32 + 15] = 255, "section `expiring`: row 7 belongs to no entry");
    claim(&|bytes, _| bytes[264] = 21, "section `dictionary`: 20 keys, 21 expected");
    let fst = "section `dictionary`: FST verification failed";
    claim(&|bytes, _| bytes[5952 + 20] ^= 1, fst);
}

/// Invariant 3: damage anywhere is an error or changes no answer.
#[test]
fn every_flipped_byte_is_an_error_or_changes_no_answer() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&small_model(), 1)).unwrap();
    let expected = answers(&open(&directory, &meta), 40);
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        directory.plant(&meta.name, &damaged);
        let Ok(segment) = Segment::open(&directory, &meta.name, &STORE, Access::Map) else {
            refused += 1;
            continue;
        };
        harmless += 1;
        assert_eq!(answers(&segment, 40), expected, "byte {at}");
        let found = [segment.entries().map(drop), segment.dictionary().map(drop)];
        assert_eq!(found.iter().filter(|found| found.is_err()).count(), 1, "byte {at}");
        segment.verify().unwrap_err();
    }
    assert!(refused > 4096 && harmless > 480, "{refused} {harmless}");
}

#[test]
fn every_truncation_is_an_error() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&small_model(), 1)).unwrap();
    let bytes = directory.open(&meta.name, Access::Map).unwrap();
    for len in 0..bytes.len() {
        let error = refusal(&bytes[..len], &meta.name).to_string();
        assert!(error.contains("truncated"), "{error}");
    }
}
