//! Claims about whole segments.

mod damage;
mod merge;

use super::*;
use crate::storage::{Access, Directory, Memory};
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
    Contents { generation, entries, expiring, dictionary: Some(dictionary.finish()) }
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
