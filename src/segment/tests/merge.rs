//! Merges equal a map in which the newest wins.

use super::super::writer::write_bounded;
use super::*;
use proptest::prelude::*;

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
