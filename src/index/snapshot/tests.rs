//! Batches answer as single look-ups do, whatever stands behind them.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::index::{Batch, Index, IndexIdentity};
use crate::record::Reason;
use crate::record::state::EntryState;
use crate::segment::Identity;
use crate::storage::Memory;

/// Spread as a keyed hash spreads them.
fn hash(number: u16) -> Hash {
    let bits = xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes()).to_le_bytes();
    let [lo, hi] = *bits.as_chunks().0 else { panic!() };
    Hash { lo: u64::from_le_bytes(lo), hi: u64::from_le_bytes(hi) }
}

/// Nothing, a block for good, one until 10, or one until 20 beside one for good.
fn state(kind: u8) -> EntryState {
    let mut state = EntryState::default();
    let [bounce, manual] = [Reason::Bounce, Reason::Manual].map(|reason| Blocks::of(reason, None));
    match kind {
        0 => {}
        1 => state.add(manual, None),
        2 => state.add(bounce, Some(Timestamp::from_micros(10))),
        _ => {
            state.add(bounce, Some(Timestamp::from_micros(20)));
            state.add(manual, None);
        }
    }
    state
}

type Changes = Vec<(u16, u8)>;

fn snapshot(levels: &[Changes], overlay: &Changes) -> Snapshot {
    let identity =
        IndexIdentity { ledger_id: "tests".to_owned(), segment: Identity { key_id: 7, policy: 0 } };
    let now = Timestamp::from_micros(0);
    let at = |cursor| Position { generation: cursor, cursor, mark: 0 };
    let mut index = Index::create(Arc::new(Memory::new()), identity, now).unwrap();
    for (cursor, changes) in (0..).zip(levels) {
        let mut batch = Batch::default();
        let changes: std::collections::BTreeMap<_, _> = changes.iter().copied().collect();
        changes.iter().for_each(|(&number, &kind)| batch.push(hash(number), &state(kind)));
        let _ = index.commit(batch, cursor, at(cursor + 1), now).unwrap();
    }
    let mut states = Overlay::new();
    overlay.iter().for_each(|&(number, kind)| states.insert(hash(number), state(kind)));
    index.snapshot(states, at(99))
}

fn changes(count: std::ops::Range<usize>) -> impl Strategy<Value = Changes> {
    prop::collection::vec((0_u16..300, 0_u8..4), count)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..Default::default() })]

    #[test]
    fn a_batch_answers_as_single_look_ups_do(
        levels in prop::collection::vec(changes(1..120), 0..5),
        overlay in changes(0..20),
        numbers in prop::collection::vec(0_u16..400, 0..100),
        now in prop::sample::select(vec![0_i64, 10, 19, 20]),
    ) {
        let (snapshot, now) = (snapshot(&levels, &overlay), Timestamp::from_micros(now));
        let hashes: Vec<_> = numbers.into_iter().map(hash).collect();
        let one_by_one: Vec<_> = hashes.iter().map(|&hash| snapshot.get(hash, now)).collect();
        // What an earlier batch left must not show.
        let (mut all, mut hits) = (vec![Blocks::EXPIRING; 3], vec![(0, Blocks::EXPIRING)]);
        snapshot.look_up(&hashes, now, &mut all);
        prop_assert_eq!(&all, &one_by_one);
        snapshot.look_up_hits(&hashes, now, &mut hits);
        let want: Vec<_> =
            one_by_one.into_iter().enumerate().filter(|(_, blocks)| !blocks.is_empty()).collect();
        prop_assert_eq!(hits, want);
    }
}

/// A hit in every place of every group, and none: the ends of batches are where a group goes missing.
#[test]
fn a_hit_is_told_at_every_place_of_every_batch() {
    let snapshot = snapshot(&[vec![(0, 1)]], &vec![]);
    let manual = Blocks::of(Reason::Manual, None);
    let mut hits = Vec::new();
    for len in 0..=3 * GROUP + 1 {
        for place in 0..len {
            let mut hashes = vec![hash(1); len];
            hashes[place] = hash(0);
            snapshot.look_up_hits(&hashes, Timestamp::from_micros(0), &mut hits);
            assert_eq!(hits, [(place, manual)]);
        }
        snapshot.look_up_hits(&vec![hash(1); len], Timestamp::from_micros(0), &mut hits);
        assert_eq!(hits, []);
    }
}
