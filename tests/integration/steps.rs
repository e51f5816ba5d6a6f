//! Every command killed before each of its steps, and with each step failing: the state before it or after it, and it
//! can be run again.

use crate::life::{Act, Inputs, State};
use crate::sandbox::{Dice, Sandbox, soak};
use crate::tracer::{DISK, EIO, EMFILE, ENOSPC, Mode, available, disturbed};

/// How many steps of a command are disturbed in the short form of a test.
const DISTURBED: u64 = 4;

/// A command of a store's life that matters, with the directory before it and what is seen before and after it.
struct Scene {
    act: Act,
    stage: Sandbox,
    before: State,
    after: State,
    steps: u64,
}

/// Every command that matters; its steps are those of `classes`.
fn scenes(inputs: &Inputs, classes: &str) -> Vec<Scene> {
    let world = Sandbox::in_memory();
    let mut before = State::NoStore;
    let mut scenes = Vec::new();
    for act in inputs.life() {
        let stage = world.copy();
        let (run, steps) = disturbed(&world, classes, Mode::Count, &act.arguments);
        run.expect(0);
        // In a copy: looking may tidy up what the next command finds.
        let after = inputs.state(&world.copy(), act.name);
        let last = std::mem::replace(&mut before, after.clone());
        if act.matters {
            scenes.push(Scene { act, stage, before: last, after, steps });
        }
    }
    let (stage, act) = inputs.migration();
    let before = inputs.state(&stage.copy(), "a store of an older build");
    let world = stage.copy();
    let (run, steps) = disturbed(&world, classes, Mode::Count, &act.arguments);
    run.expect(0);
    let after = inputs.state(&world, act.name);
    scenes.push(Scene { act, stage, before, after, steps });
    scenes
}

/// Which steps are disturbed: all of them, or some by chance.
fn chosen(steps: u64, dice: &mut Dice) -> Vec<u64> {
    if soak() {
        return (1..=steps).collect();
    }
    (0..DISTURBED).map(|_| 1 + dice.below(steps)).collect()
}

#[test]
fn killed_before_any_step_a_command_has_happened_or_not() {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let mut dice = Dice::new("killed before a step");
    let mut kills = 0;
    for scene in scenes(&inputs, DISK) {
        let Scene { act, stage, before, after, steps } = &scene;
        assert!(*steps > 3, "{}: {steps} steps", act.name);
        for step in chosen(*steps, &mut dice) {
            let context = format!("{}, killed before step {step} of {steps}", act.name);
            let world = stage.copy();
            let (run, _) = disturbed(&world, DISK, Mode::Kill(step), &act.arguments);
            assert_eq!(run.code, Some(137), "{context}: {}", run.stderr);
            kills += 1;
            let state = inputs.state(&world, &context);
            assert!(state == *after || state == *before, "{context}: {state:?}");
            leaves_no_draft(&scene, &world, &context);
            once_more(&inputs, &scene, &world, &context);
        }
    }
    eprintln!("killed {kills} commands");
}

/// A killed filter leaves nothing behind, unless it was just about to replace a file.
fn leaves_no_draft(scene: &Scene, world: &Sandbox, context: &str) {
    if scene.act.name != "filter" {
        return;
    }
    for entry in std::fs::read_dir(world.directory()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(!name.to_string_lossy().starts_with('.'), "{context}: {name:?} is left");
    }
}

/// The command gets through when nothing stands in its way any more.
fn once_more(inputs: &Inputs, scene: &Scene, world: &Sandbox, context: &str) {
    let context = format!("{context}, once more");
    let made = scene.act.name == "init" && world.exists("store");
    let run = world.quell(&scene.act.arguments);
    assert_eq!(run.code, Some(if made { 5 } else { 0 }), "{context}: {}", run.stderr);
    assert_eq!(inputs.state(world, &context), scene.after, "{context}");
}

fn failing(classes: &str, what: &str, mode: impl Fn(u64) -> Mode) {
    if !available() {
        return;
    }
    let inputs = Inputs::new();
    let mut dice = Dice::new(what);
    let (mut failed, mut coped) = (0, 0);
    for scene in scenes(&inputs, classes) {
        let Scene { act, stage, before, after, steps } = &scene;
        for step in chosen(*steps, &mut dice) {
            let context = format!("{}, {what} at step {step} of {steps}", act.name);
            let world = stage.copy();
            let (run, _) = disturbed(&world, classes, mode(step), &act.arguments);
            assert!(!run.stderr.contains("panicked"), "{context}: {}", run.stderr);
            let state = inputs.state(&world, &context);
            match run.code {
                Some(0) => assert_eq!(state, *after, "{context}: said it is done: {}", run.stderr),
                Some(4) => {
                    assert!(run.stderr.contains("error: "), "{context}: {}", run.stderr);
                    assert!(state == *after || state == *before, "{context}: {state:?}");
                    // What has happened all the same must be said, but for a failed sync of the log itself: then
                    // nobody can know.
                    let told =
                        ["generation", "is erased"].iter().any(|word| run.stderr.contains(word));
                    let told = told || classes == "s";
                    assert!(state == *before || told, "{context}: {}", run.stderr);
                }
                other => panic!("{context}: ended with {other:?}: {}", run.stderr),
            }
            if run.code == Some(0) {
                coped += 1
            } else {
                failed += 1
            }
            once_more(&inputs, &scene, &world, &context);
        }
    }
    eprintln!("{what}: {failed} commands failed, {coped} coped");
    assert!(failed > 0, "nothing failed");
}

#[test]
fn on_a_full_disk_a_command_has_happened_or_not() {
    failing("w", "disk full", |step| Mode::From(step, ENOSPC));
}

#[test]
fn with_one_failed_write_a_command_has_happened_or_not() {
    failing("wn", "one write fails", |step| Mode::Fail(step, EIO));
}

#[test]
fn with_a_failed_sync_a_command_has_happened_or_not() {
    failing("s", "one sync fails", |step| Mode::Fail(step, EIO));
}

#[test]
fn without_descriptors_a_command_has_happened_or_not() {
    failing("o", "no descriptor", |step| Mode::From(step, EMFILE));
}
