//! A small world for tests of the index: numbered addresses, whole states, and what must be answered.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use quell::Result;
use quell::index::{
    Batch, Confirmed, Index, IndexIdentity, KeyHasher, Overlay, Pattern, Position, SecretKey,
    Snapshot,
};
use quell::record::state::EntryState;
use quell::record::{Blocks, Reason, Timestamp};
use quell::segment::{DictionaryBuilder, Identity};

/// How many addresses the world has, held or not.
pub(crate) const KEYS: u16 = 40;

/// The newest state of each address ever mentioned; the empty state is a lifted one.
pub(crate) type States = BTreeMap<u16, EntryState>;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn key(number: u16) -> String {
    format!("k{number:02}@example.com")
}

pub(crate) fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes(*b"a secret of test"))
}

pub(crate) fn identity() -> IndexIdentity {
    let segment = Identity { key_id: hasher().key_id(), policy: 3 };
    IndexIdentity { ledger_id: "ledger of test".to_owned(), segment }
}

/// The position whose generation and cursor are told apart by a test that mixes them up.
pub(crate) fn position(cursor: u64) -> Position {
    Position { generation: cursor + 1000, cursor, mark: 0 }
}

/// One of a few states, some of which change by time alone.
pub(crate) fn state(kind: u8) -> EntryState {
    let bounce = Blocks::of(Reason::Bounce, None);
    let unsubscribed = Blocks::of(Reason::Unsubscribed, None);
    let mut state = EntryState::default();
    match kind % 5 {
        0 => {}
        1 => state.add(unsubscribed, None),
        2 => state.add(bounce.union(Blocks::HAS_LISTS), None),
        3 => state.add(bounce, Some(at(i64::from(kind)))),
        _ => {
            state.add(unsubscribed, Some(at(i64::from(kind))));
            state.add(bounce, Some(at(2 * i64::from(kind))));
        }
    }
    state
}

pub(crate) fn batch(states: &States) -> Batch {
    let (hasher, mut batch) = (hasher(), Batch::default());
    let mut dictionary = DictionaryBuilder::new();
    for (&number, state) in states {
        batch.push(hasher.address(key(number).as_bytes()), state);
        let recorded = (!state.blocks.is_empty()).then_some(state.blocks);
        dictionary.push(key(number).as_bytes(), quell::index::dictionary_value(recorded)).unwrap();
    }
    batch.dictionary = Some(dictionary.finish());
    batch
}

/// What the snapshot answers that it must not, in words. An error of the snapshot passes: it is not a
/// wrong answer.
pub(crate) fn wrong_answer(snapshot: &Snapshot, states: &States) -> Option<String> {
    let hashes: Vec<_> = (0..KEYS).map(|number| hasher().address(key(number).as_bytes())).collect();
    let mut answers = vec![Blocks::EXPIRING; 7];
    let mut hits = Vec::new();
    for now in [0, 3, 4, 6, 8, 9, 100, 1000].map(at) {
        snapshot.look_up(&hashes, now, &mut answers);
        snapshot.look_up_hits(&hashes, now, &mut hits);
        let withheld = answers.iter().copied().enumerate().filter(|(_, answer)| !answer.is_empty());
        if !hits.iter().copied().eq(withheld) {
            return Some(format!("hits at {now:?}: {hits:?}, not {answers:?}"));
        }
        for number in 0..KEYS {
            let want = states.get(&number).map_or(Blocks::NONE, |state| state.at(now));
            let (one, many) =
                (snapshot.get(hashes[usize::from(number)], now), answers[usize::from(number)]);
            if one != want || many != want {
                return Some(format!("key {number} at {now:?}: {one:?}, {many:?}, not {want:?}"));
            }
        }
    }
    let held: BTreeMap<_, _> = states
        .iter()
        .filter(|(_, state)| !state.blocks.is_empty())
        .map(|(&number, state)| (key(number), state.blocks))
        .collect();
    for number in 0..KEYS {
        let want =
            held.get(&key(number)).map_or(Confirmed::Absent, |&blocks| Confirmed::Present(blocks));
        if let Ok(got) = snapshot.confirm(key(number).as_bytes())
            && got != want
        {
            return Some(format!("key {number}: {got:?}, not {want:?}"));
        }
    }
    for pattern in ["*", "k1*", "k17@example.com", "*5@example.com", "k*3*@*.com", "x*"] {
        let pattern = Pattern::new(pattern.as_bytes());
        let mut got = Vec::new();
        let searched = snapshot.search(&pattern, |key, blocks| {
            got.push((String::from_utf8(key.to_vec()).unwrap(), blocks));
            ControlFlow::Continue(())
        });
        let want = held.iter().filter(|(key, _)| pattern.matches(key.as_bytes()));
        if searched.is_ok() && !want.map(|(key, &blocks)| (key.clone(), blocks)).eq(got) {
            return Some(format!("search {pattern:?} gives other keys"));
        }
    }
    None
}

/// Fails unless the index answers exactly `states`, and every byte of it is sound.
#[track_caller]
pub(crate) fn assert_answers(index: &Index, states: &States) {
    let snapshot = index.snapshot(Overlay::new(), index.position());
    assert_eq!(wrong_answer(&snapshot, states), None, "{index:?}");
    let sound = || -> Result<Option<u64>> {
        index.verify()?;
        // Read through the dictionaries: an error would have passed above.
        let _ = snapshot.search(&Pattern::new(b"*"), |_, _| ControlFlow::Break(()))?;
        index.live_entries()
    };
    let live = states.values().filter(|state| !state.blocks.is_empty()).count();
    assert_eq!(sound().unwrap(), Some(u64::try_from(live).unwrap()));
}
