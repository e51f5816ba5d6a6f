//! The whole program.

use crate::dice::Dice;
use crate::trial::{Size, Trial};
use std::path::Path;

/// More steps than this say no more than two inputs would.
const STEPS_MAX: u64 = 24;

/// Operations made of the bytes, on a small store, answer as the model does after every one of them.
pub fn program(data: &[u8]) {
    if data.len() < 4 {
        return;
    }
    let mut dice = Dice::of_bytes(data);
    let size = Size { people: 12, rows: 80, import: 30 };
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let mut trial = match Trial::new(&mut dice, size, &home) {
        Ok(trial) => trial,
        Err(difference) => panic!("{difference}"),
    };
    let mut step = 0;
    while !dice.is_over() && step < STEPS_MAX {
        step += 1;
        if let Err(difference) = trial.step(step, &mut dice) {
            panic!("step {step}: {difference}");
        }
    }
}
