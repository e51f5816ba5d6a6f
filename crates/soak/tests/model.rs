//! A short soak, and that it finds what is wrong.

use quell_soak::dice::Dice;
use quell_soak::trial::{Size, Trial};

fn home() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

#[test]
fn a_store_answers_as_the_model_does() {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let set = std::env::var("QUELL_TEST_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let seed = set.unwrap_or(clock.as_secs());
    eprintln!("soak: QUELL_TEST_SEED={seed}");
    let mut decisions = 0;
    for (number, people) in [(0, 30), (1, 300), (2, 2000)] {
        let seed = seed + number;
        let mut dice = Dice::of_part(seed, u64::MAX);
        let size = Size { people, rows: 4_000, import: 2 * people };
        let mut trial = Trial::new(&mut dice, size, &home()).unwrap();
        for step in 1..=12 {
            if let Err(difference) = trial.step(step, &mut Dice::of_part(seed, step)) {
                panic!("seed {seed}, {people} people, step {step}: {difference}");
            }
        }
        decisions += trial.figures().decisions;
    }
    assert!(decisions > 60_000, "{decisions} decisions");
}
