//! Claims about the table: every entry found at any load, and the figures of its head.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An independent uniform hash for each number, as a keyed hash would give.
fn hash(number: u64) -> Hash {
    let bits = xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes()).to_le_bytes();
    let [lo, hi] = *bits.as_chunks().0 else { panic!() };
    Hash { lo: u64::from_le_bytes(lo), hi: u64::from_le_bytes(hi) }
}

fn entry(number: u64) -> Entry {
    let [a, b, ..] = number.to_le_bytes();
    Entry { hash: hash(number), state: u16::from_le_bytes([a, b]) }
}

fn table(buckets: usize, numbers: impl IntoIterator<Item = u64>) -> Table {
    let mut table = Table::with_buckets(buckets);
    for number in numbers {
        assert!(table.insert(entry(number)), "no room for {number}");
    }
    table
}

fn assert_holds(table: &Table, present: std::ops::Range<u64>, absent: std::ops::Range<u64>) {
    let hashes: Vec<_> = present.clone().map(hash).collect();
    for hashes in hashes.chunks(32) {
        let all = u32::try_from((1_u64 << hashes.len()) - 1).unwrap();
        assert_eq!(candidates(table.bytes(), hashes), all, "none that is there is left out");
    }
    for number in present {
        assert_eq!(get(table.bytes(), hash(number)), Some(entry(number).state), "{number}");
    }
    for number in absent {
        assert_eq!(get(table.bytes(), hash(number)), None, "{number}");
    }
}

#[test]
fn every_entry_is_found_at_every_load_up_to_the_last_slot() {
    for buckets in [1, 17, 19, 101] {
        let slots = buckets as u64 * 6;
        let mut table = Table::with_buckets(buckets);
        for number in 0..slots {
            assert!(table.insert(entry(number)));
            assert_holds(&table, 0..number + 1, number + 1..number + 20);
        }
        assert_eq!(table.counts().entries, slots);
        assert!(!table.insert(entry(slots)), "every slot is taken");
        assert_holds(&table, 0..slots, slots..2 * slots);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_order_of_insertion_does_not_matter(
        numbers in Just((0..150).collect::<Vec<u64>>()).prop_shuffle(),
        buckets in prop::sample::select(vec![29, 31, 37]),
    ) {
        assert_holds(&table(buckets, numbers), 0..150, 150..600);
    }

    /// Entries come and go in a table that is nearly full.
    #[test]
    fn changes_in_place_equal_a_map(
        changes in prop::collection::vec((0_u64..102, 0_u16..4), 0..600),
    ) {
        let mut table = table(17, 0..90);
        let mut model: BTreeMap<_, _> = (0..90).map(|at| (at, entry(at).state)).collect();
        for (number, state) in changes {
            let entry = Entry { hash: hash(number), state };
            if state == 3 {
                table.remove(entry.hash);
                model.remove(&number);
            } else {
                let there = table.overwrite(entry);
                prop_assert_eq!(there, model.insert(number, state).is_some());
                prop_assert!(there || table.insert(entry));
            }
        }
        let copy = Table::copy_of(table.bytes());
        prop_assert_eq!(&copy, &table);
        let tombstones = model.values().filter(|&&state| state == 0).count() as u64;
        let counts = table.counts();
        prop_assert_eq!((counts.entries, counts.tombstones), (model.len() as u64, tombstones));
        for number in 0..150 {
            prop_assert_eq!(get(table.bytes(), hash(number)), model.get(&number).copied());
        }
        table.remove_tombstones();
        for number in 0..150 {
            let state = model.get(&number).copied().filter(|&state| state != 0);
            prop_assert_eq!(get(table.bytes(), hash(number)), state);
        }
    }

    /// Random buckets are the worst damage: look-ups end, and nothing panics.
    #[test]
    fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..400), number: u64) {
        let _ = (get(&bytes, hash(number)), candidates(&bytes, &[hash(number); 33]));
        prop_assert!(home_offset(&bytes, hash(number)) <= bytes.len());
        let mut table = Table::copy_of(&bytes);
        table.remove(hash(number));
        table.remove_tombstones();
        let _ = (table.insert(entry(number)), table.counts());
    }
}

#[test]
fn a_free_slot_is_no_fingerprint() {
    let zero = Hash { lo: 0, hi: 0 };
    let mut table = Table::with_buckets(1);
    assert_eq!(get(table.bytes(), zero), None);
    assert!(table.insert(Entry { hash: zero, state: 7 }));
    assert_eq!(get(table.bytes(), zero), Some(7));
    table.remove(zero);
    assert_eq!(table, Table::with_buckets(1));
}

#[test]
fn an_impossible_count_is_safe_to_change() {
    let mut table = Table::copy_of(&[u8::MAX; BUCKET_LEN]);
    table.remove(Hash { lo: 0, hi: u64::MAX });
    assert_eq!(table.counts().entries, 5);
}

/// Of look-ups of `numbers`: hundredths of a line read on average, and the share that reads a second
/// line, in percent; both rounded.
fn lines(table: &Table, numbers: std::ops::Range<u64>) -> (u64, u64) {
    let (count, mut sum, mut second) = (numbers.end - numbers.start, 0, 0);
    for hash in numbers.map(hash) {
        let (mut at, mut read) = (home(hash, table.buckets.len()), 1);
        loop {
            let probe = Probe::new(&table.buckets[at], hash.hi);
            if probe.hits != 0 || !probe.goes_on(format::class(hash.hi)) {
                break;
            }
            at = next(at, hash, table.buckets.len());
            read += 1;
        }
        sum += read;
        second += u64::from(read > 1);
    }
    ((sum * 100 + count / 2) / count, (second * 100 + count / 2) / count)
}

/// The figures in this file's head.
#[test]
fn the_figures_hold() {
    let entries = 200_000;
    let mut table = table(bucket_count(200_000), 0..entries);
    let bytes = table.bytes().len() as u64;
    assert_eq!((bytes * 10 + entries / 2) / entries, 127, "tenths of a byte an entry");
    assert_eq!(lines(&table, 0..entries).0, 120);
    assert_eq!(lines(&table, entries..2 * entries), (107, 6));
    let absent: Vec<_> = (entries..2 * entries).map(hash).collect();
    let closer = absent.chunks(32).map(|hashes| candidates(table.bytes(), hashes).count_ones());
    let closer = u64::from(closer.sum::<u32>());
    assert_eq!((closer * 100 + entries / 2) / entries, 6, "as many as read a second line");
    let mut number = entries;
    while table.has_room(Counts { entries: number, ..table.counts() }, 1000) {
        number += 1000;
        assert!((number - 1000..number).all(|number| table.insert(entry(number))));
    }
    assert_eq!((bytes * 10 + number / 2) / number, 116);
    assert_eq!(lines(&table, 0..number).0, 138);
    assert_eq!(lines(&table, number..2 * number), (116, 12));
    let counts = table.counts();
    assert!(table.has_room(counts, 0) && !table.has_room(counts, 1000));
    let worn = Counts { filter_bits: table.buckets.len() as u64 * 4 + 1, ..counts };
    assert!(!table.has_room(worn, 0), "bits are never cleared, so they end the updates");
}

/// How many fingerprints a look-up of an absent key is compared with that could equal its own, on
/// average, in hundredths: each meets it with probability 2^-64.
///
/// Exact, by counting for each entry the home buckets from which its own fingerprint is led to it.
fn comparisons(table: &Table) -> u64 {
    let buckets = table.buckets.len();
    let mut sum = 0;
    for (at, slots) in table.buckets.iter().map(Slots::decode).enumerate() {
        for &fingerprint in slots.fingerprints.iter().take(usize::from(slots.count)) {
            let back = |at: &usize| Some((at + buckets - format::step(fingerprint)) % buckets);
            let leads_on = |&at: &usize| {
                Slots::decode(&table.buckets[at]).filter & format::class(fingerprint) != 0
            };
            let homes = std::iter::successors(back(&at), back).take_while(leads_on);
            sum += 1 + homes.take(buckets).count() as u64;
        }
    }
    sum * 100 / buckets as u64
}

/// docs/format.md, "False hits": below 16 comparisons is below 2^-60.
#[test]
fn a_look_up_meets_fewer_than_16_fingerprints() {
    let entries = 20_000;
    let mut table = table(bucket_count(20_000), 0..entries);
    let built = comparisons(&table);
    let full = table.buckets.len() as u64 * 6 * FULL_PERCENT / 100;
    assert!((entries..full).all(|number| table.insert(entry(number))));
    let filled = comparisons(&table);
    // One key goes, one comes, until the filters end it.
    let mut turn = 0_u64;
    while !turn.is_multiple_of(1000) || table.has_room(table.counts(), 0) {
        table.remove(hash(turn));
        assert!(table.insert(entry(full + turn)));
        turn += 1;
    }
    let worn = comparisons(&table);
    assert_eq!((built, filled, worn), (632, 843, 1320));
    assert_eq!(turn, 5000, "a quarter of the entries came and went at the fullest load");
}

#[test]
fn a_number_of_buckets_has_no_divisor_in_common_with_a_step() {
    assert_eq!([0, 1, 2, 18, 100, 30_030].map(round_up), [1, 1, 17, 19, 101, 30_031]);
    assert_eq!([0, 5, 6, 1_000_000].map(bucket_count), [1, 1, 17, 198_413]);
}
