//! Claims about whole segments: damage, strangers, merges.

use super::writer::write_bounded;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::storage::{Access, Directory, Memory};
use proptest::prelude::*;
use std::collections::BTreeMap;

const STORE: Identity = Identity { key_id: 0xa11ce, policy: 3 };

/// An independent uniform hash for each number, as a keyed hash would give.
fn hash(number: u64) -> Hash {
    let bits = xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes());
    let [lo, hi] = [bits, bits >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)));
    Hash { lo: lo.unwrap(), hi: hi.unwrap() }
}

/// Key number → state and instants.
type Model = BTreeMap<u64, (u16, Vec<i64>)>;

fn key(number: u64) -> String {
    format!("user{number:05}@example.com")
}

fn contents(model: &Model, generation: u64) -> Contents {
    let mut rows: Vec<_> = model.iter().map(|(&number, row)| (hash(number), row)).collect();
    rows.sort_by_key(|&(hash, _)| hash);
    let entries = rows.iter().map(|&(hash, &(state, _))| Entry { hash, state }).collect();
    let expiring = rows.iter().flat_map(|&(hash, (_, instants))| {
        instants.iter().map(move |&at| Expiring { hash, at, bits: 9 })
    });
    let expiring = expiring.collect();
    let mut dictionary = DictionaryBuilder::new();
    for (&number, (state, _)) in model {
        dictionary.push(key(number).as_bytes(), u64::from(*state)).unwrap();
    }
    Contents { generation, entries, expiring, dictionary: Some(dictionary.finish().unwrap()) }
}

fn open(directory: &dyn Directory, meta: &Meta) -> Segment {
    Segment::open(directory, &meta.name, &STORE, Access::Map).unwrap()
}

fn written(contents: Contents) -> Segment {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents).unwrap();
    open(&directory, &meta)
}

fn small_model() -> Model {
    (0..20_u16)
        .map(|n| (u64::from(n), (n % 7, if n % 5 == 0 { vec![i64::from(n), 77] } else { vec![] })))
        .collect()
}

/// All answers of a segment to keys it has and has not, as one value.
fn answers(segment: &Segment, numbers: u64) -> Vec<(Option<u16>, Vec<Expiring>)> {
    let answer = |number| (segment.get(hash(number)), segment.expiring(hash(number)).collect());
    (0..numbers).map(answer).collect()
}

#[test]
fn what_was_written_is_read() {
    let model = small_model();
    let segment = written(contents(&model, 12));
    for number in 0..200 {
        let expected = model.get(&number);
        assert_eq!(segment.get(hash(number)), expected.map(|&(state, _)| state));
        let instants: Vec<i64> = segment.expiring(hash(number)).map(|row| row.at).collect();
        assert_eq!(instants, expected.map(|(_, at)| at.clone()).unwrap_or_default());
    }
    let map = segment.dictionary().unwrap().unwrap();
    assert_eq!(map.get(key(15)), Some(1));
    assert_eq!(map.get(key(20)), None);
    let entries: Vec<Entry> = segment.entries().unwrap().unwrap().collect();
    assert_eq!(entries, contents(&model, 12).entries);
    let meta = segment.meta();
    assert_eq!((meta.entries, meta.tombstones, meta.generation), (20, 3, 12));
    segment.verify().unwrap();
}

#[test]
fn a_segment_without_anything_answers_none() {
    let segment = written(Contents::default());
    assert_eq!(segment.get(hash(1)), None);
    assert!(!segment.has_dictionary() && segment.has_entries());
    segment.verify().unwrap();
}

#[test]
fn equal_contents_are_equal_files() {
    let (one, other) = (Memory::new(), Memory::new());
    let meta = write(&one, &STORE, contents(&small_model(), 1)).unwrap();
    assert_eq!(write(&other, &STORE, contents(&small_model(), 1)).unwrap(), meta);
    let bytes = one.open(&meta.name, Access::Map).unwrap();
    assert_eq!(&*other.open(&meta.name, Access::Map).unwrap(), &*bytes);
    assert_eq!(bytes.len() as u64, meta.bytes);
}

#[test]
fn contents_out_of_order_are_not_written() {
    let claims = [
        ("entries are not sorted", [2, 1], [1, 1]),
        ("entries are not sorted", [1, 1], [1, 1]),
        ("expiring rows are not sorted", [1, 2], [2, 1]),
        ("belongs to no entry", [1, 3], [1, 2]),
    ];
    for (claim, entries, expiring) in claims {
        let hash = |lo| Hash { lo, hi: 0 };
        let contents = Contents {
            entries: entries.map(|lo| Entry { hash: hash(lo), state: 1 }).to_vec(),
            expiring: expiring.map(|lo| Expiring { hash: hash(lo), at: 0, bits: 0 }).to_vec(),
            ..Contents::default()
        };
        let directory = Memory::new();
        let error = write(&directory, &STORE, contents).unwrap_err();
        assert!(error.to_string().contains(claim), "{error}");
        assert_eq!(directory.list().unwrap(), Vec::<String>::new());
    }
}

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
    claim(&|bytes| bytes[8] = 2, "format version 2, this build reads up to 1");
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

/// Rewrites the header and section table around a change, so that every checksum is right.
fn forged(bytes: &[u8], change: impl Fn(&mut Vec<u8>)) -> (Vec<u8>, String) {
    use super::format::{HEADER_LEN, Header, SECTION_LEN, checksum, name};
    let (mut header, _) = Header::decode(bytes.first_chunk().unwrap()).unwrap();
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let table = HEADER_LEN..HEADER_LEN + SECTION_LEN * usize::try_from(header.sections).unwrap();
    header.section_table = checksum(&bytes[table]);
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
        let (bytes, name) = forged(&bytes, |bytes| bytes[at] = value);
        let error = refusal(&bytes, &name).to_string();
        assert!(error.contains(what), "byte {at} = {value}: {error}");
    };
    // Row 0 begins at 96: kind, zero, offset (104), length (112), items (120); row 1 at 144.
    claim(96, 5, "section kind 5 is unknown in format version 1");
    claim(96, 2, "section `entries`: outside of the file, or not aligned");
    claim(144, 1, "section `table`: there twice");
    claim(104, 64, "section `table`: outside of the file, or not aligned");
    claim(111, 255, "section `table`: outside of the file, or not aligned");
    claim(119, 255, "section `table`: outside of the file, or not aligned");
    claim(120, 99, "section `table`: outside of the file, or not aligned");
    claim(127, 255, "section `table`: outside of the file, or not aligned");
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

/// What a reader of several segments would answer: the newest that has the key.
fn newest(models: &[Model], drop_tombstones: bool) -> Model {
    let mut merged = Model::new();
    for model in models {
        merged.extend(model.clone());
    }
    merged.retain(|_, (state, _)| *state != 0 || !drop_tombstones);
    merged
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    let row = (0_u16..4, prop::collection::vec(any::<i64>(), 0..3));
    let model = prop::collection::btree_map(0_u64..60, row, 0..40);
    prop::collection::vec(model, 1..5)
}

/// Writes each model as a segment, the oldest without full hashes when `big_base`, and merges them.
fn merged(models: &[Model], big_base: bool, drop_tombstones: bool) -> (Merged, Memory) {
    let directory = Memory::new();
    let mut segments = Vec::new();
    for (age, model) in models.iter().enumerate() {
        let contents = contents(model, age as u64);
        let meta = if big_base && age == 0 {
            write_bounded(&directory, &STORE, contents, 0).unwrap()
        } else {
            write(&directory, &STORE, contents).unwrap()
        };
        segments.push(open(&directory, &meta));
    }
    let segments: Vec<&Segment> = segments.iter().collect();
    (merge(&segments, drop_tombstones).unwrap(), directory)
}

fn assert_holds(segment: &Segment, expected: &Model) {
    segment.verify().unwrap();
    for number in 0..80 {
        let row = expected.get(&number);
        assert_eq!(segment.get(hash(number)), row.map(|&(state, _)| state), "key {number}");
        let instants: Vec<i64> = segment.expiring(hash(number)).map(|row| row.at).collect();
        assert_eq!(instants, row.map(|(_, at)| at.clone()).unwrap_or_default(), "key {number}");
    }
    let map = segment.dictionary().unwrap().unwrap();
    let keys: Vec<_> =
        expected.iter().map(|(&n, &(state, _))| (key(n), u64::from(state))).collect();
    assert_eq!(map.stream().into_str_vec().unwrap(), keys);
    assert_eq!(segment.meta().entries, expected.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]

    #[test]
    fn a_merge_answers_as_its_segments_did(models in models(), drop: bool) {
        let (Merged::Contents(merged), _) = merged(&models, false, drop) else { panic!() };
        let expected = newest(&models, drop);
        prop_assert_eq!(merged.generation, models.len() as u64 - 1);
        assert_holds(&written(merged), &expected);
    }

    /// The base has 1 000 more keys, so that what the models change fits.
    #[test]
    fn a_base_updated_in_place_answers_as_its_segments_did(mut models in models(), drop: bool) {
        models[0].extend((1000..2000).map(|number| (number, (1, vec![]))));
        let (Merged::Updated(updated), directory) = merged(&models, true, drop) else { panic!() };
        let meta = write_updated(&directory, &STORE, updated).unwrap();
        let segment = open(&directory, &meta);
        prop_assert!(!segment.has_entries());
        assert_holds(&segment, &newest(&models, drop));
        for number in 1000..2000 {
            prop_assert_eq!(segment.get(hash(number)), Some(1));
        }
    }
}

fn ones(numbers: std::ops::Range<u64>) -> Model {
    numbers.map(|number| (number, (1, vec![]))).collect()
}

#[test]
fn a_base_without_room_needs_a_rebuild() {
    let base = ones(0..1000);
    // 199 buckets hold 1 194 entries, 1 098 of them at 92 %.
    let fits = merged(&[base.clone(), ones(1000..1098)], true, true).0;
    assert!(matches!(fits, Merged::Updated(_)), "{fits:?}");
    let full = merged(&[base.clone(), ones(1000..1099)], true, true).0;
    assert!(matches!(full, Merged::NeedsRebuild), "{full:?}");
    // Removals make room for insertions of the same merge.
    let gone = (0..500).map(|number| (number, (0, vec![]))).collect();
    let fits = merged(&[base, gone, ones(1000..1200)], true, true).0;
    assert!(matches!(fits, Merged::Updated(_)), "{fits:?}");
}

#[test]
fn a_newer_segment_without_full_hashes_needs_a_rebuild() {
    let directory = Memory::new();
    let oldest = written(contents(&ones(0..5), 1));
    let meta = write_bounded(&directory, &STORE, contents(&ones(5..9), 2), 3).unwrap();
    let newest = open(&directory, &meta);
    let merged = merge(&[&oldest, &newest], false).unwrap();
    assert!(matches!(merged, Merged::NeedsRebuild), "{merged:?}");
}

#[test]
fn a_merge_with_a_segment_that_tells_no_keys_tells_none() {
    let silent = Contents { dictionary: None, ..contents(&ones(0..5), 1) };
    for big_base in [0, ENTRIES_MAX] {
        let directory = Memory::new();
        let meta = write_bounded(&directory, &STORE, contents(&ones(0..9), 1), big_base).unwrap();
        let dictionary = match merge(&[&open(&directory, &meta), &written(silent.clone())], true) {
            Ok(Merged::Contents(contents)) => contents.dictionary,
            Ok(Merged::Updated(updated)) => updated.dictionary,
            other => panic!("{other:?}"),
        };
        assert_eq!(dictionary, None);
    }
}

#[test]
fn segments_of_two_stores_are_not_merged() {
    let directory = Memory::new();
    let other = Identity { policy: 4, ..STORE };
    let meta = write(&directory, &other, contents(&ones(0..5), 1)).unwrap();
    let stranger = Segment::open(&directory, &meta.name, &other, Access::Map).unwrap();
    let error = merge(&[&written(contents(&ones(0..5), 1)), &stranger], false).unwrap_err();
    assert!(error.to_string().contains("made under address policy 4"), "{error}");
}

#[test]
fn damaged_full_hashes_are_not_merged() {
    let directory = Memory::new();
    let meta = write(&directory, &STORE, contents(&ones(0..5), 1)).unwrap();
    let mut bytes = directory.open(&meta.name, Access::Map).unwrap().to_vec();
    // The table is one bucket at 4096, the full hashes follow it.
    bytes[4096 + 64 + 1] ^= 1;
    directory.plant(&meta.name, &bytes);
    let error = merge(&[&open(&directory, &meta)], false).unwrap_err();
    assert!(error.to_string().contains("section `entries`: wrong checksum"), "{error}");
}
