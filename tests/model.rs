//! Any order of commits, merges, reopens and rebuilds answers as a map does.

#![expect(clippy::unwrap_used, reason = "a failure of a helper is a failure of the test")]

mod support;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use quell::index::{Committed, Index, Overlay, SEGMENTS_MAX, Upkeep};
use quell::storage::{Access, Directory, Memory};
use support::{
    KEYS, States, assert_answers, at, batch, hasher, identity, key, position, state, wrong_answer,
};

#[derive(Debug, Clone)]
enum Op {
    Commit(Vec<(u16, u8)>),
    Overlay(Vec<(u16, u8)>),
    Merge,
    Sweep,
    Reopen,
    Rebuild,
}

fn op() -> impl Strategy<Value = Op> {
    let changes = || vec((0..KEYS, 0_u8..20), 0..6);
    prop_oneof![
        8 => changes().prop_map(Op::Commit),
        2 => changes().prop_map(Op::Overlay),
        3 => Just(Op::Merge),
        1 => Just(Op::Sweep),
        1 => Just(Op::Reopen),
        1 => Just(Op::Rebuild),
    ]
}

fn states(changes: &[(u16, u8)]) -> States {
    changes.iter().map(|&(number, kind)| (number, state(kind))).collect()
}

fn overlay(states: &States) -> Overlay {
    let mut overlay = Overlay::new();
    for (&number, state) in states {
        let key = key(number);
        overlay.insert_address(
            hasher().address(key.as_bytes()),
            key.as_bytes(),
            state.clone(),
            !state.blocks.is_empty(),
        );
    }
    overlay
}

fn run(ops: &[Op]) {
    let directory = Arc::new(Memory::new());
    let mut index = Index::create(directory.clone(), identity(), at(0)).unwrap();
    let (mut model, mut cursor) = (States::new(), 0);
    for op in ops {
        match op {
            Op::Commit(changes) => {
                let changes = states(changes);
                cursor += 1;
                let after = index.cursor();
                let done = index.commit(batch(&changes), after, position(cursor), at(1)).unwrap();
                assert_eq!(done, Committed::Written);
                model.extend(changes);
            }
            Op::Overlay(changes) => {
                let changes = states(changes);
                let snapshot = index.snapshot(overlay(&changes), position(cursor + 1));
                let mut with = model.clone();
                with.extend(changes);
                assert_eq!(wrong_answer(&snapshot, &with), None);
            }
            Op::Merge => {
                assert_ne!(index.merge_if_needed().unwrap(), Upkeep::RebuildDue);
                assert!(index.manifest().segments.len() <= SEGMENTS_MAX);
                assert_eq!(index.merge_if_needed().unwrap(), Upkeep::Nothing);
            }
            Op::Sweep => assert_eq!(index.sweep().unwrap(), [""; 0], "a commit leaves nothing"),
            Op::Reopen => index = Index::open(directory.clone(), identity(), Access::Map).unwrap(),
            Op::Rebuild => {
                let held = model.clone().into_iter().filter(|(_, state)| !state.blocks.is_empty());
                let (all, access) = (batch(&held.collect()), Access::Resident);
                index = Index::rebuild(
                    directory.clone(),
                    identity(),
                    access,
                    all,
                    position(cursor),
                    at(2),
                )
                .unwrap();
            }
        }
        if cursor > 0 {
            assert_eq!(index.position(), position(cursor));
        }
        assert_answers(&index, &model);
        let named = index.manifest().segments.iter().map(|segment| segment.name.clone());
        let mut files: Vec<_> = named.chain(["manifest".to_owned()]).collect();
        files.sort_unstable();
        files.dedup();
        assert_eq!(directory.list().unwrap(), files);
    }
}

proptest! {
    // A failing case is printed whole and shrunk; nothing is written besides.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_operations_answers_as_a_map_does(ops in vec(op(), 1..40)) {
        run(&ops);
    }
}

/// What the random runs may miss: each kind of state, lifted and set again across more than a full set of
/// segments without a merge, then merged.
#[test]
fn the_newest_state_wins_over_many_segments() {
    let round = |shift: u8| -> Vec<(u16, u8)> {
        (0..KEYS)
            .map(|number| (number, u8::try_from(number).unwrap().wrapping_mul(3) + shift))
            .collect()
    };
    assert!(states(&round(0)).values().any(|state| !state.expiries.is_empty()));
    let mut ops: Vec<_> = (0..12).map(|shift| Op::Commit(round(shift))).collect();
    ops.extend([
        Op::Merge,
        Op::Reopen,
        Op::Commit(vec![(3, 0)]),
        Op::Overlay(vec![(4, 0), (5, 1)]),
    ]);
    run(&ops);
}

/// A merge of the newer segments alone dropped its tombstones, and the oldest segment's states came back.
#[test]
fn tombstones_outlive_a_merge_without_the_oldest_segment() {
    let mut ops = vec![Op::Commit((0..KEYS).map(|number| (number, 1)).collect())];
    ops.extend((0..9).map(|number| Op::Commit(vec![(number, 0)])));
    ops.extend([Op::Merge, Op::Reopen]);
    run(&ops);
}
