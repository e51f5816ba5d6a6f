//! Every dictionary is, byte for byte, what `fst` writes of the same keys.

use super::node::{Node, Transition};
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

/// Where the states of a test begin, and so beyond all that they lead to.
const START: u64 = 100_000;

fn output() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..4_u64, any::<u64>()]
}

fn nodes() -> impl Strategy<Value = Node> {
    let to = prop_oneof![Just(0), Just(START - 1), 16..START];
    let count = prop_oneof![3 => 0..4_usize, 1 => 30..70_usize, 1 => 250..257_usize];
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    let inputs = count.prop_flat_map(move |count| prop::sample::subsequence(bytes.clone(), count));
    let ways = prop::collection::vec((output(), to), 256);
    (prop::option::of(output()), inputs, ways).prop_map(|(final_output, inputs, ways)| {
        let ways = inputs.into_iter().zip(ways);
        let transition = |(input, (output, to))| Transition { input, output, to };
        Node {
            is_final: final_output.is_some(),
            final_output: final_output.unwrap_or(0),
            transitions: ways.map(transition).collect(),
        }
    })
}

/// All states that differ from `node` in one thing.
fn neighbours(node: &Node) -> Vec<Node> {
    let mut neighbours = vec![Node { is_final: !node.is_final, final_output: 0, ..node.clone() }];
    if node.is_final {
        neighbours.push(Node { final_output: node.final_output ^ 1, ..node.clone() });
    }
    for at in 0..node.transitions.len() {
        let mut with = |change: &dyn Fn(&mut Vec<Transition>)| {
            let mut other = node.clone();
            change(&mut other.transitions);
            neighbours.push(other);
        };
        with(&|ways| ways[at].input ^= 1);
        with(&|ways| ways[at].output ^= 1);
        with(&|ways| ways[at].output ^= 1 << 63);
        with(&|ways| ways[at].to = if ways[at].to == 0 { START - 1 } else { 0 });
        with(&|ways| ways[at].to = if ways[at].to == 16 { 17 } else { 16 });
        with(&|ways| {
            ways.remove(at);
        });
    }
    neighbours
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// The hashes of two states hardly ever agree when they differ, so only this holds the comparison.
    #[test]
    fn a_written_state_equals_itself_and_no_other(node in nodes(), other in nodes()) {
        let mut bytes = vec![0; usize::try_from(START).unwrap()];
        let address = node.write(&mut bytes, START - 1);
        prop_assert!(node.is_at(&bytes, address));
        for other in neighbours(&node).into_iter().chain([other]) {
            prop_assert_eq!(other.is_at(&bytes, address), other == node, "{:?} {:?}", other, node);
        }
    }

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
