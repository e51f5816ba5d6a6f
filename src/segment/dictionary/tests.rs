//! Every dictionary is, byte for byte, what `fst` writes of the same keys.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What `fst` writes.
fn by_fst<'k>(keys: impl IntoIterator<Item = (&'k [u8], u64)>) -> Vec<u8> {
    let mut builder = fst::MapBuilder::memory();
    for (key, value) in keys {
        builder.insert(key, value).unwrap();
    }
    builder.into_inner().unwrap()
}

fn by_us<'k>(keys: impl IntoIterator<Item = (&'k [u8], u64)>) -> Vec<u8> {
    let mut builder = DictionaryBuilder::new();
    for (key, value) in keys {
        builder.push(key, value).unwrap();
    }
    builder.finish()
}

#[track_caller]
fn same(map: &BTreeMap<Vec<u8>, u64>) {
    let rows = || map.iter().map(|(key, &value)| (key.as_slice(), value));
    let bytes = by_us(rows());
    assert!(bytes == by_fst(rows()), "other bytes than fst's of {} keys", map.len());
    let read = Map::new(bytes).unwrap();
    assert_eq!(fault_in(&read, map.len() as u64), None);
}

/// Random bits that are the same in every run.
fn bits(number: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes())
}

#[test]
fn no_key_the_empty_key_and_every_byte() {
    same(&BTreeMap::new());
    same(&BTreeMap::from([(vec![], 0)]));
    same(&BTreeMap::from([(vec![], 7), (b"a".to_vec(), 3)]));
    for count in [1_u16, 2, 31, 32, 33, 34, 62, 63, 64, 65, 255, 256] {
        for value in [0, 1, 300] {
            let keys = (0..=u8::MAX).take(usize::from(count));
            let one = keys.clone().map(|byte| (vec![byte], value * u64::from(byte)));
            same(&one.collect());
            let nested = keys.flat_map(|byte| [(vec![9, byte], value), (vec![9, byte, 1], 5)]);
            same(&nested.chain([(vec![9], 2)]).collect());
        }
    }
}

#[test]
fn values_of_every_length() {
    let values = (0..64).flat_map(|shift| [(1_u64 << shift) - 1, 1 << shift]);
    let keys = values.enumerate().map(|(at, value)| (format!("{at:03}").into_bytes(), value));
    same(&keys.collect());
}

/// More states than the registry holds, so that what it forgets is the same as well.
#[test]
fn a_hundred_thousand_addresses() {
    let domains = ["example.com", "example.org", "a.test", "mail.example.com", "b-2.test"];
    let values = [3, 1, 0, 0x101, 3, 3];
    let addresses = (0..100_000).map(|number| {
        let random = bits(number);
        let domain = domains[usize::try_from(random % 5).unwrap()];
        let value = values[usize::try_from((random >> 8) % 6).unwrap()];
        (format!("{:x}.{}@{domain}", random % 977, random >> 44).into_bytes(), value)
    });
    same(&addresses.collect());
}

#[test]
fn keys_out_of_order_are_refused() {
    for (second, claim) in [("b", "there twice"), ("a", "not in order"), ("", "not in order")] {
        let mut builder = DictionaryBuilder::new();
        builder.push(b"b", 1).unwrap();
        let error = builder.push(second.as_bytes(), 1).unwrap_err();
        assert!(error.to_string().contains(claim), "{error}");
    }
    let mut builder = DictionaryBuilder::new();
    builder.push(b"bb", 1).unwrap();
    builder.push(b"b", 1).unwrap_err();
}

#[test]
fn the_checksum_is_the_published_one() {
    // RFC 3720 gives e3069283 for these digits; masked as Snappy does.
    let masked = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
    assert_eq!(crc::masked(b"123456789"), masked);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_keys_give_the_bytes_fst_gives(
        map in prop::collection::btree_map(
            prop_oneof!["[ab@.]{0,6}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..9)],
            prop_oneof![0..4_u64, any::<u64>()],
            0..200,
        ),
    ) {
        same(&map);
    }
}
