//! A power cut after any write, sync or change of a name: the state before the command or the state after it.
//!
//! Every command of a store's life is run under a tracer. What it did is replayed, event by event, onto a disk that
//! keeps apart what was synced; each directory that the disk may wake up to is opened by the binary itself.

use std::collections::HashMap;

use crate::disk::{Disk, Tree};
use crate::life::{Act, Inputs, State};
use crate::sandbox::{Dice, Sandbox, soak};
use crate::tracer::{Event, available, logged};

/// How many directories are opened for each command in the short form of the test.
const OPENED: usize = 8;

/// A directory that a power cut may leave: after which event, which of the choices, and its digest.
struct Cut {
    event: usize,
    choice: usize,
    acknowledged: bool,
    digest: u64,
}

#[test]
fn a_power_cut_leaves_the_state_before_or_after_and_nothing_acknowledged_is_lost() {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let mut dice = Dice::new("power cuts");
    let world = Sandbox::in_memory();
    let mut disk = Disk::new(&world.directory());
    let mut before = State::NoStore;
    let (mut opened, mut possible) = (0, 0);
    for act in inputs.life() {
        let (run, events) = logged(&world, &act.arguments);
        run.expect(0);
        assert!(events.len() > 3, "{}: {} events", act.name, events.len());
        // Looked at in a copy: a look opens the ledger, which writes.
        let after = inputs.state(&world.copy(), act.name);
        let start = disk.clone();
        let mut cuts = cuts_of(&mut disk, &events);
        possible += cuts.len();
        if !act.matters {
            // Durable at least when it has returned.
            cuts.retain(|cut| cut.acknowledged && cut.choice == 0);
        } else if !soak() {
            choose(&mut cuts, &mut dice, OPENED);
        }
        opened += cuts.len();
        open_all(&inputs, &act, start, &events, &cuts, (&before, &after));
        before = after;
    }
    eprintln!("power cuts: {opened} directories opened of {possible}");
}

/// The first command of a newer build migrates the ledger: cut short, it is migrated by the next one.
#[test]
fn a_power_cut_while_an_older_store_is_migrated_loses_nothing() {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let mut dice = Dice::new("power cuts while migrating");
    let (world, act) = inputs.migration();
    let before = inputs.state(&world.copy(), "as it was");
    let mut disk = Disk::of(&world.directory());
    let (run, events) = logged(&world, &act.arguments);
    run.expect(0);
    let after = inputs.state(&world.copy(), act.name);
    assert_ne!(before, after);
    let start = disk.clone();
    let mut cuts = cuts_of(&mut disk, &events);
    let possible = cuts.len();
    if !soak() {
        choose(&mut cuts, &mut dice, 2 * OPENED);
    }
    eprintln!("{} directories opened of {possible}", cuts.len());
    open_all(&inputs, &act, start, &events, &cuts, (&before, &after));
}

/// The disk is strict enough to see what a missing sync costs: without those that the commands made, what they
/// acknowledged is gone.
#[test]
fn without_its_syncs_a_command_would_lose_what_it_acknowledged() {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let world = Sandbox::in_memory();
    let mut disk = Disk::new(&world.directory());
    let mut before = State::NoStore;
    for act in inputs.life() {
        if !["init", "import contacts", "unsubscribe"].contains(&act.name) {
            continue;
        }
        let (run, events) = logged(&world, &act.arguments);
        run.expect(0);
        let mut unsynced = disk.clone();
        for event in &events {
            disk.apply(event);
            if event.op != 'S' {
                unsynced.apply(event);
            }
        }
        let seen = |disk: &Disk| {
            let left = Sandbox::in_memory();
            disk.power_cuts()[0].1.put(&left.directory());
            inputs.state(&left, act.name)
        };
        let after = seen(&disk);
        assert_ne!(after, before, "{}", act.name);
        assert_eq!(seen(&unsynced), before, "{}", act.name);
        before = after;
    }
}

/// Every choice after every event, each directory once; `disk` is then as after the last.
fn cuts_of(disk: &mut Disk, events: &[Event]) -> Vec<Cut> {
    let mut seen = HashMap::new();
    let mut cuts = Vec::new();
    for (event, did) in events.iter().enumerate() {
        disk.apply(did);
        let acknowledged = event + 1 == events.len();
        for (choice, (_, tree)) in choices(disk, events, event).into_iter().enumerate() {
            let digest = tree.digest();
            if seen.insert((digest, acknowledged), ()).is_none() {
                cuts.push(Cut { event, choice, acknowledged, digest });
            }
        }
    }
    cuts
}

/// The directories that may be left after an event. Single writes are lost and kept before a sync and at the end:
/// what is unsynced then holds all that was unsynced before.
fn choices(disk: &Disk, events: &[Event], event: usize) -> Vec<(String, Tree)> {
    let mut choices = disk.power_cuts();
    if events.get(event + 1).is_none_or(|next| next.op == 'S') {
        choices.extend(disk.single_cuts());
    }
    choices
}

/// Some of them: what is certain at the end, and others by chance.
fn choose(cuts: &mut Vec<Cut>, dice: &mut Dice, count: usize) {
    let mut chosen = Vec::new();
    let certain = cuts.iter().position(|cut| cut.acknowledged && cut.choice == 0);
    chosen.extend(certain.map(|at| cuts.swap_remove(at)));
    while chosen.len() < count && !cuts.is_empty() {
        let at = usize::try_from(dice.below(cuts.len() as u64)).unwrap();
        chosen.push(cuts.swap_remove(at));
    }
    *cuts = chosen;
    cuts.sort_by_key(|cut| cut.event);
}

/// Opens what was chosen, and compares.
fn open_all(
    inputs: &Inputs,
    act: &Act,
    mut disk: Disk,
    events: &[Event],
    cuts: &[Cut],
    (before, after): (&State, &State),
) {
    let mut known: HashMap<u64, State> = HashMap::new();
    let mut cuts = cuts.iter().peekable();
    for (event, did) in events.iter().enumerate() {
        disk.apply(did);
        if cuts.peek().is_none_or(|cut| cut.event != event) {
            continue;
        }
        let choices = choices(&disk, events, event);
        while let Some(cut) = cuts.next_if(|cut| cut.event == event) {
            let (what, tree) = &choices[cut.choice];
            let context = format!(
                "{}, cut after event {event} of {} ({} {}), {what}",
                act.name,
                events.len(),
                did.op,
                did.path.display(),
            );
            let state = known.entry(cut.digest).or_insert_with(|| {
                let world = Sandbox::in_memory();
                tree.put(&world.directory());
                if event % 2 == 1 && world.exists("store/ledger.db") {
                    // The wal-index was never synced: it may hold anything.
                    world.write("store/ledger.db-shm", vec![0xa5; 32 << 10]);
                }
                inputs.state(&world, &context)
            });
            let right = *state == *after || (!cut.acknowledged && *state == *before);
            assert!(right, "{context}: {state:?}\nbefore: {before:?}\nafter: {after:?}");
        }
    }
}
