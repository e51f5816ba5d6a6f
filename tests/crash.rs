//! A crash before any step of any operation leaves the old index or the new one, never a third.
//!
//! Each operation is stopped before its first step, its second, and so on; then the power goes, with each
//! choice of names that the disk had written back. What wakes up must open, answer as before the operation
//! or as after it, and take the operation once more.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure of a helper is a failure of the test"
)]

mod support;

use std::sync::Arc;

use quell::Result;
use quell::index::{Index, Overlay, Position};
use quell::storage::{Access, Directory, Memory};
use support::{States, assert_answers, at, batch, identity, position, state, wrong_answer};

/// What an operation does to the index, and what the index must answer afterwards.
struct Operation {
    name: &'static str,
    run: fn(&Arc<Memory>) -> Result<()>,
    after: fn() -> (States, Position),
}

/// Kinds of states by number: `round(0)` blocks most, `round(5)` lifts and sets others.
fn round(shift: u8) -> States {
    (0..20).map(|number| (number, state(u8::try_from(number).unwrap() % 7 + shift))).collect()
}

/// One small change a commit, so that segments pile up.
fn small(cursor: u64) -> States {
    let number = u16::try_from(cursor).unwrap();
    States::from([(number, state(0)), (number + 15, state(1))])
}

fn open(directory: &Arc<Memory>) -> Result<Index> {
    Index::open(directory.clone(), identity(), Access::Map)
}

/// Directory before the operation, built by undisturbed ones: `commits` of them on top of `round(0)`.
fn prepared(commits: u64) -> (Arc<Memory>, States) {
    let directory = Arc::new(Memory::new());
    let mut index = Index::create(directory.clone(), identity(), at(0)).unwrap();
    let mut states = States::new();
    for cursor in 1..=commits {
        let changes = if cursor == 1 { round(0) } else { small(cursor) };
        let _ = index.commit(batch(&changes), cursor - 1, position(cursor), at(0)).unwrap();
        states.extend(changes);
    }
    (directory, states)
}

/// Stops `operation` before each step in turn.
fn stop_everywhere(commits: u64, operation: &Operation) {
    let (prepared, before) = prepared(commits);
    let before = (before, position(commits));
    let after = (operation.after)();
    for stop in 1.. {
        let directory = Arc::new(prepared.copy());
        directory.fail_at(stop);
        let done = (operation.run)(&directory).is_ok();
        let finished = directory.steps() + 1 < stop;
        let crashes = [
            directory.crash(),
            directory.crash_keeping_names(),
            directory.crash_keeping(|name| name == "manifest"),
            directory.crash_keeping(|name| name != "manifest"),
            directory.crash_keeping(|name| name.contains(".seg")),
            directory.crash_keeping(|name| name.contains(".tmp")),
        ];
        // A program that failed without a power cut sees the directory as it is.
        for woken in crashes.into_iter().chain([directory.copy()]) {
            let context = format!("{}: stopped before step {stop}, done: {done}", operation.name);
            wake(&Arc::new(woken), operation, &context, &before, &after, done);
        }
        if finished {
            assert!(done && stop > 5, "{}: {stop} steps", operation.name);
            return;
        }
    }
}

fn wake(
    directory: &Arc<Memory>,
    operation: &Operation,
    context: &str,
    before: &(States, Position),
    after: &(States, Position),
    done: bool,
) {
    let index = open(directory).unwrap_or_else(|error| panic!("{context}: {error}"));
    let is = |(states, position): &(States, Position)| {
        let snapshot = index.snapshot(Overlay::new(), index.position());
        index.position() == *position && wrong_answer(&snapshot, states).is_none()
    };
    assert!(is(after) || (!done && is(before)), "{context}: {index:?}");
    index.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
    (operation.run)(directory).unwrap_or_else(|error| panic!("{context}, once more: {error}"));
    let mut index = open(directory).unwrap();
    assert_eq!(index.position(), after.1, "{context}, once more");
    assert_answers(&index, &after.0);
    index.sweep().unwrap();
    let files = directory.list().unwrap().len();
    assert_eq!(files, index.manifest().segments.len() + 1, "{context}: swept");
}

fn commit(directory: &Arc<Memory>) -> Result<()> {
    let mut index = open(directory)?;
    let after = index.cursor();
    index.commit(batch(&round(5)), after, position(4), at(0)).map(drop)
}

fn replace_all(directory: &Arc<Memory>) -> Result<()> {
    open(directory)?.replace_all(batch(&round(5)), position(4), at(0))
}

fn rebuild(directory: &Arc<Memory>) -> Result<()> {
    let all = batch(&round(5));
    Index::rebuild(directory.clone(), identity(), Access::Map, all, position(4), at(0)).map(drop)
}

fn merge(directory: &Arc<Memory>) -> Result<()> {
    open(directory)?.merge_if_needed().map(drop)
}

#[test]
fn commit_is_old_or_new_after_any_crash() {
    let after = || {
        let (_, mut states) = prepared(3);
        states.extend(round(5));
        (states, position(4))
    };
    stop_everywhere(3, &Operation { name: "commit", run: commit, after });
}

#[test]
fn replacing_all_is_old_or_new_after_any_crash() {
    let after = || (round(5), position(4));
    stop_everywhere(3, &Operation { name: "replace_all", run: replace_all, after });
    stop_everywhere(3, &Operation { name: "rebuild", run: rebuild, after });
}

#[test]
fn merging_changes_no_answer_after_any_crash() {
    let of = |commits| prepared(commits).0;
    assert_eq!(open(&of(10)).unwrap().manifest().segments.len(), 10);
    let after = || (prepared(10).1, position(10));
    stop_everywhere(10, &Operation { name: "merge", run: merge, after });
}

#[test]
fn creation_leaves_no_index_or_an_empty_one() {
    let create =
        |directory: &Arc<Memory>| Index::create(directory.clone(), identity(), at(0)).map(drop);
    for stop in 1..=6 {
        let directory = Arc::new(Memory::new());
        directory.fail_at(stop);
        let done = create(&directory).is_ok();
        assert_eq!(done, stop == 6, "five steps");
        for woken in [directory.crash(), directory.crash_keeping_names(), directory.copy()] {
            let woken = Arc::new(woken);
            if open(&woken).is_err() {
                assert!(!done, "stopped before step {stop}");
                create(&woken).unwrap();
            }
            assert_answers(&open(&woken).unwrap(), &States::new());
        }
    }
}
