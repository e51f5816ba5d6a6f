//! What the model test can't reach: races between writers, readers during commits, missing dictionaries.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::ErrorKind;
use crate::record::state::EntryState;
use crate::record::{Blocks, Reason, Timestamp};
use crate::segment::{DictionaryBuilder, Hash, Identity};
use crate::storage::{Access, Directory, Disk, Memory};

const NOW: Timestamp = Timestamp::from_micros(0);

fn hasher() -> KeyHasher {
    KeyHasher::new(&SecretKey::from_bytes([7; 16]))
}

fn identity() -> IndexIdentity {
    let segment = Identity { key_id: hasher().key_id(), policy: 0 };
    IndexIdentity { ledger_id: "tests".to_owned(), segment }
}

fn key(number: u64) -> String {
    format!("{number:05}@example.com")
}

fn hash(number: u64) -> Hash {
    hasher().address(key(number).as_bytes())
}

fn blocked() -> EntryState {
    EntryState { blocks: Blocks::of(Reason::Unsubscribed, None), expiries: vec![] }
}

/// What a dictionary is told of a state: here, an empty one has no record behind it.
fn stored(state: &EntryState) -> Option<Blocks> {
    (!state.blocks.is_empty()).then_some(state.blocks)
}

/// A batch with `state` for each number.
fn batch(numbers: impl IntoIterator<Item = u64>, state: &EntryState) -> Batch {
    let (mut batch, mut dictionary) = (Batch::default(), DictionaryBuilder::new());
    for number in numbers {
        batch.push(hash(number), state);
        dictionary.push(key(number).as_bytes(), dictionary_value(stored(state))).unwrap();
    }
    batch.dictionary = Some(dictionary.finish());
    batch
}

fn at(cursor: u64) -> Position {
    Position { generation: cursor, cursor, mark: 0 }
}

fn create(directory: &Arc<Memory>) -> Index {
    Index::create(directory.clone(), identity(), NOW).unwrap()
}

fn open(directory: &Arc<Memory>) -> Index {
    Index::open(directory.clone(), identity(), Access::Map).unwrap()
}

/// The numbers below `end` that the index blocks.
fn held(index: &Index, end: u64) -> Vec<u64> {
    let snapshot = index.snapshot(Overlay::new(), index.position());
    (0..end).filter(|&number| snapshot.get(hash(number), NOW) == blocked().blocks).collect()
}

#[test]
fn an_index_is_made_once_and_never_over_another() {
    let directory = Arc::new(Memory::new());
    let missing = Index::open(directory.clone(), identity(), Access::Map).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Untrusted);
    create(&directory);
    let again = || Index::create(directory.clone(), identity(), NOW).unwrap_err().kind();
    assert_eq!(again(), ErrorKind::Refused);
    directory.plant("manifest", b"damaged");
    assert_eq!(again(), ErrorKind::Refused);
}

#[test]
fn of_two_writers_of_the_same_changes_one_writes() {
    let directory = Arc::new(Memory::new());
    let (mut one, mut two) = (create(&directory), open(&directory));
    assert_eq!(one.commit(batch([1], &blocked()), 0, at(5), NOW).unwrap(), Committed::Written);
    let steps = directory.steps();
    assert_eq!(two.commit(batch([1], &blocked()), 0, at(5), NOW).unwrap(), Committed::AlreadyThere);
    assert_eq!((directory.steps(), two.position()), (steps, at(5)));
    assert_eq!(held(&two, 9), [1]);
}

#[test]
fn a_batch_that_overlaps_another_writer_s_goes_on_top() {
    let directory = Arc::new(Memory::new());
    let (mut one, mut two) = (create(&directory), open(&directory));
    let _ = one.commit(batch([1, 2], &blocked()), 0, at(5), NOW).unwrap();
    // Collected from 0 as well, and later: 1 was lifted meanwhile.
    let mut later = batch([2, 3], &blocked());
    later.push(hash(1), &EntryState::default());
    later.dictionary = None;
    assert_eq!(two.commit(later, 0, at(6), NOW).unwrap(), Committed::Written);
    assert_eq!(held(&two, 9), [2, 3]);
}

/// A rebuild that was read before another writer's commit took the index back; a batch collected after
/// that commit then hid the changes in between for good.
#[test]
fn a_batch_that_lacks_changes_is_not_written() {
    let directory = Arc::new(Memory::new());
    let mut one = create(&directory);
    let _ = one.commit(batch([1], &blocked()), 0, at(10), NOW).unwrap();
    let mut other = open(&directory);
    other.replace_all(batch([], &blocked()), at(4), NOW).unwrap();
    let lacking = batch([2], &blocked());
    assert_eq!(one.commit(lacking, 10, at(11), NOW).unwrap(), Committed::MovedBack);
    assert_eq!(one.cursor(), 4);
    let whole = batch([1, 2], &blocked());
    assert_eq!(one.commit(whole, 4, at(11), NOW).unwrap(), Committed::Written);
    assert_eq!(held(&open(&directory), 9), [1, 2]);
}

#[test]
fn a_rebuild_cures_any_damage_and_keeps_the_birthday() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let _ = index.commit(batch([1], &blocked()), 0, at(1), NOW).unwrap();
    let later = Timestamp::from_micros(77);
    let name = index.manifest().segments[0].name.clone();
    // The rebuilt segment has the damaged one's name.
    directory.plant(&name, b"damaged");
    index.replace_all(batch([1], &blocked()), at(1), later).unwrap();
    assert_eq!(
        (held(&open(&directory), 9), index.manifest().segments[0].name.clone()),
        (vec![1], name)
    );
    assert_eq!((index.manifest().created_at, index.manifest().compiled_at), (NOW, later));

    // The end of the file is the dictionary, which opening does not read.
    let mut bytes =
        directory.open(&index.manifest().segments[0].name, Access::Map).unwrap().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    directory.plant(&index.manifest().segments[0].name, &bytes);
    let mut index = open(&directory);
    assert!(index.verify().is_err());
    index.replace_all(batch([1], &blocked()), at(1), later).unwrap();
    index.verify().unwrap();

    directory.plant("manifest", b"damaged");
    let all = batch([1, 2], &blocked());
    let index =
        Index::rebuild(directory.clone(), identity(), Access::Resident, all, at(2), later).unwrap();
    assert_eq!((held(&index, 9), held(&open(&directory), 9)), (vec![1, 2], vec![1, 2]));
}

/// A manifest of this store with a sound checksum, and yet not of these segments.
#[test]
fn a_segment_that_is_not_as_listed_is_refused() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let _ = index.commit(batch([1], &blocked()), 0, at(1), NOW).unwrap();
    let mut manifest = index.manifest().clone();
    manifest.segments[0].tombstones = 1;
    directory.plant("manifest", &manifest.to_bytes().unwrap());
    let error = index.reload().unwrap_err().to_string();
    assert!(error.ends_with("its counts are not those of the manifest"), "{error}");
    assert_eq!(held(&index, 9), [1], "the open index stays as it was");
}

#[test]
fn sweeping_takes_only_what_is_ours_and_unnamed() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let _ = index.commit(batch([1], &blocked()), 0, at(1), NOW).unwrap();
    for name in ["00.seg", "manifest.tmp-1-2", "notes.txt"] {
        directory.plant(name, b"");
    }
    assert_eq!(index.sweep().unwrap(), ["00.seg", "manifest.tmp-1-2"]);
    assert!(directory.list().unwrap().contains(&"notes.txt".to_owned()));
    index.reload().unwrap();
}

#[test]
fn without_a_dictionary_unknown_is_not_absent() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let mut bare = batch([1], &blocked());
    bare.dictionary = None;
    let _ = index.commit(bare, 0, at(1), NOW).unwrap();
    let _ = index.commit(batch([2], &blocked()), 1, at(2), NOW).unwrap();
    assert!(!index.manifest().dictionary);
    let mut overlay = Overlay::new();
    overlay.insert_address(hash(3), key(3).as_bytes(), EntryState::default(), false);
    let snapshot = index.snapshot(overlay, at(3));
    let confirm = |number| snapshot.confirm(key(number).as_bytes()).unwrap();
    assert_eq!(confirm(2), Confirmed::Present(blocked().blocks));
    assert_eq!(confirm(3), Confirmed::Absent, "the overlay decides before the segment without");
    assert_eq!((confirm(1), confirm(4)), (Confirmed::Unknown, Confirmed::Unknown));
    let mut called = false;
    let searched = snapshot.search(&Pattern::new(b"*"), |_, _| {
        called = true;
        ControlFlow::Continue(())
    });
    assert_eq!((searched.unwrap_err().kind(), called), (ErrorKind::Untrusted, false));
}

#[test]
fn a_search_stops_when_told() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let _ = index.commit(batch(0..9, &blocked()), 0, at(1), NOW).unwrap();
    let mut found = Vec::new();
    let stopped = index.snapshot(Overlay::new(), at(1)).search(&Pattern::new(b"*"), |key, _| {
        found.push(String::from_utf8(key.to_vec()).unwrap());
        if found.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((stopped.unwrap(), found), (ControlFlow::Break(()), vec![key(0), key(1)]));
}

/// The newest level that holds an address decides for the automaton's search too, tombstones included.
#[test]
fn a_search_by_automaton_finds_what_a_search_by_pattern_does() {
    let directory = Arc::new(Memory::new());
    let mut index = create(&directory);
    let manual = EntryState { blocks: Blocks::of(Reason::Manual, None), expiries: vec![] };
    let none = EntryState { blocks: Blocks::NONE, expiries: vec![] };
    let _ = index.commit(batch(0..40, &blocked()), 0, at(1), NOW).unwrap();
    let _ = index.commit(batch([3, 5, 7], &none), 1, at(2), NOW).unwrap();
    let _ = index.commit(batch([5, 8], &manual), 2, at(3), NOW).unwrap();
    let mut overlay = Overlay::new();
    for (number, state, recorded) in [(7, &blocked(), true), (9, &none, false), (50, &manual, true)]
    {
        overlay.insert_address(hash(number), key(number).as_bytes(), state.clone(), recorded);
    }
    let snapshot = index.snapshot(overlay, at(3));
    let mut expected = Vec::new();
    let end = snapshot.search(&Pattern::new(b"*"), |key, blocks| {
        expected.push((key.to_vec(), blocks));
        ControlFlow::Continue(())
    });
    assert_eq!(end.unwrap(), ControlFlow::Continue(()));
    assert_eq!(expected.len(), 39);
    let (addresses, mut found) = (snapshot.addresses().unwrap(), Vec::new());
    addresses
        .search(&fst::automaton::AlwaysMatch, |key, blocks| found.push((key.to_vec(), blocks)));
    assert_eq!(found, expected);
    found.clear();
    let one = fst::automaton::Str::new("00005@example.com");
    addresses.search(&one, |key, blocks| found.push((key.to_vec(), blocks)));
    assert_eq!(found, [(key(5).into_bytes(), manual.blocks)]);
}

/// Readers open the index while a writer commits, merges and sweeps under them: each sees a state that
/// was there, whole, and none an error.
#[test]
fn readers_during_commits_see_whole_states() {
    const COMMITS: u64 = 150;
    let scratch = tempfile::tempdir().unwrap();
    let directory: Arc<dyn Directory> = Arc::new(Disk::open(scratch.path()).unwrap());
    let mut index = Index::create(directory.clone(), identity(), NOW).unwrap();
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        for access in [Access::Map, Access::Resident] {
            let (directory, finished) = (&directory, &finished);
            scope.spawn(move || {
                let mut last = 0;
                while !finished.load(Ordering::Acquire) {
                    let index = Index::open(directory.clone(), identity(), access).unwrap();
                    assert!(index.cursor() >= last);
                    last = index.cursor();
                    // The commit of cursor n set n and lifted n - 1.
                    let want = last.checked_sub(1).map(|number| vec![number]).unwrap_or_default();
                    assert_eq!(held(&index, COMMITS), want);
                }
            });
        }
        for number in 0..COMMITS {
            let mut batch = batch([number], &blocked());
            if let Some(before) = number.checked_sub(1) {
                batch.push(hash(before), &EntryState::default());
            }
            let done = index.commit(batch, number, at(number + 1), NOW).unwrap();
            assert_eq!(done, Committed::Written);
            if number % 3 == 0 {
                let _ = index.merge_if_needed().unwrap();
            }
        }
        finished.store(true, Ordering::Release);
    });
}

/// A base too large for its full hashes to be stored takes part in a merge while its table has room, and
/// then a rebuild is due; answers and count are right throughout.
#[test]
fn a_base_without_full_hashes_is_merged_until_it_is_full() {
    // Spread and distinct, as hashes are.
    let hash = |number: u64| {
        let lo = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Hash { lo, hi: lo.rotate_left(31) ^ number }
    };
    let many = |numbers: std::ops::Range<u64>, state: &EntryState| {
        let mut batch = Batch::default();
        numbers.for_each(|number| batch.push(hash(number), state));
        batch
    };
    let base = u64::try_from(crate::segment::ENTRIES_MAX).unwrap() + 1;
    let directory: Arc<dyn Directory> = Arc::new(Memory::new());
    let all = many(0..base, &blocked());
    let mut index = Index::rebuild(directory, identity(), Access::Map, all, at(1), NOW).unwrap();
    let mut held = base;
    let mut due = false;
    for cursor in 1.. {
        // One more of the base is lifted each time, and many others are set.
        let first = base + cursor * 1_000_000;
        let mut changes = many(first..first + base / 3, &blocked());
        changes.push(hash(cursor), &EntryState::default());
        held = held + base / 3 - 1;
        let _ = index.commit(changes, cursor, at(cursor + 1), NOW).unwrap();
        let upkeep = index.merge_if_needed().unwrap();
        assert_eq!(index.live_entries().unwrap(), Some(held));
        let snapshot = index.snapshot(Overlay::new(), index.position());
        let get = |number| snapshot.get(hash(number), NOW);
        assert_eq!((get(cursor), get(cursor + 1)), (Blocks::NONE, blocked().blocks));
        assert_eq!((get(first), get(first + base / 3)), (blocked().blocks, Blocks::NONE));
        if upkeep == Upkeep::RebuildDue {
            due = true;
            break;
        }
        assert_eq!((upkeep, index.manifest().segments.len()), (Upkeep::Merged, 1));
    }
    assert!(due);
}
