//! `make soak`: trials side by side until enough decisions were compared.

use quell_soak::dice::Dice;
use quell_soak::model::REASONS;
use quell_soak::trial::{Figures, Size, Trial};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HELP: &str = "\
soak: random operations on quell against an independent model of its contract

  --decisions N   go on until so many rows were compared (100000000)
  --seconds N     and for at least so long (0)
  --seed N        the first trial's seed; the next have the next numbers (the clock)
  --trials N      at most so many trials
  --steps N       steps of a trial (60)
  --only A,B,…    only these steps of each trial, to repeat a failure
  --jobs N        trials side by side (as many as there are processors)
  --home DIR      where stores are made (/dev/shm if it is there: a soak is about answers, not about disks)
";

/// What the command line asks for.
#[derive(Debug, Clone)]
struct Asked {
    decisions: u64,
    seconds: u64,
    seed: u64,
    trials: u64,
    steps: u64,
    only: Option<BTreeSet<u64>>,
    jobs: usize,
    home: PathBuf,
}

impl Asked {
    fn of_arguments() -> Result<Self, String> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        let memory = PathBuf::from("/dev/shm");
        let mut asked = Self {
            decisions: 100_000_000,
            seconds: 0,
            seed: clock,
            trials: u64::MAX,
            steps: 60,
            only: None,
            jobs: thread::available_parallelism().map_or(1, usize::from),
            home: if memory.is_dir() { memory } else { std::env::temp_dir() },
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| HELP.to_owned())?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name} {value}: no number"));
            match name.as_str() {
                "--decisions" => asked.decisions = number()?,
                "--seconds" => asked.seconds = number()?,
                "--seed" => asked.seed = number()?,
                "--trials" => asked.trials = number()?,
                "--steps" => asked.steps = number()?,
                "--jobs" => asked.jobs = number()?.clamp(1, 64) as usize,
                "--home" => asked.home = PathBuf::from(value),
                "--only" => {
                    let steps = value.split(',').map(str::parse).collect::<Result<_, _>>();
                    asked.only = Some(steps.map_err(|_| format!("--only {value}: no numbers"))?);
                }
                _ => return Err(HELP.to_owned()),
            }
        }
        Ok(asked)
    }
}

/// A trial that went wrong.
struct Failure {
    seed: u64,
    step: u64,
    difference: String,
}

fn size(dice: &mut Dice<'_>) -> Size {
    let [people, rows, import] = *dice.pick(&[
        [30, 20_000, 60],
        [400, 150_000, 800],
        [3_000, 300_000, 6_000],
        [20_000, 500_000, 30_000],
        [20_000, 500_000, 30_000],
        [100_000, 600_000, 120_000],
        // Its largest imports leave a feed that says *everything*.
        [200_000, 600_000, 400_000],
    ]);
    Size { people, rows, import }
}

/// Leads one trial through its steps, those of `only` if they are named, until `ends` says so. Gives what it
/// came to up to there.
fn run(
    seed: u64,
    steps: &[u64],
    home: &Path,
    ends: &dyn Fn(&Figures) -> bool,
) -> (Figures, Result<(), Failure>) {
    let mut figures = Figures::default();
    let mut at = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut dice = Dice::of_part(seed, u64::MAX);
        let size = size(&mut dice);
        let mut trial = Trial::new(&mut dice, size, home)?;
        for step in steps {
            at = *step;
            let done = trial.step(*step, &mut Dice::of_part(seed, *step));
            figures = trial.figures().clone();
            done?;
            if ends(&figures) {
                break;
            }
        }
        Ok(())
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    });
    (figures, outcome.map_err(|difference| Failure { seed, step: at, difference }))
}

/// Leaves out steps as long as some difference stays, for at most two minutes.
fn shrink(failure: Failure, steps: &[u64], home: &Path) -> (Failure, Vec<u64>) {
    let until = Instant::now() + Duration::from_secs(120);
    let mut steps: Vec<u64> = steps.iter().copied().filter(|step| *step <= failure.step).collect();
    let mut failure = failure;
    let mut part = steps.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < steps.len() && Instant::now() < until {
            let end = (from + part).min(steps.len());
            let fewer = [&steps[..from], &steps[end..]].concat();
            match run(failure.seed, &fewer, home, &|_| false) {
                (_, Err(other)) => {
                    steps = fewer.into_iter().filter(|step| *step <= other.step).collect();
                    failure = other;
                }
                _ => from = end,
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    (failure, steps)
}

fn say(figures: &Figures, seconds: f64) {
    let withheld: u64 = figures.by_reason.iter().sum();
    println!(
        "{} decisions compared in {seconds:.0} s, {} of them to withhold; {} runs of the filter, {} rows \
         imported, {} addresses checked in index and ledger",
        figures.decisions, withheld, figures.runs, figures.imported, figures.checks
    );
    let named = |(reason, count): (&&str, &u64)| format!("{reason} {count}");
    let reasons: Vec<String> = REASONS.iter().zip(&figures.by_reason).map(named).collect();
    println!("first reasons: {}", reasons.join(", "));
    let named = |(name, count): (&&str, &u64)| format!("{name} {count}");
    let operations: Vec<String> = figures.operations.iter().map(named).collect();
    println!("operations: {}", operations.join(", "));
}

fn main() -> ExitCode {
    let asked = match Asked::of_arguments() {
        Ok(asked) => asked,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::from(2);
        }
    };
    let steps: Vec<u64> = match &asked.only {
        Some(only) => only.iter().copied().collect(),
        None => (1..=asked.steps).collect(),
    };
    println!("seed {}, stores below {}", asked.seed, asked.home.display());
    let started = Instant::now();
    let (compared, next, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let results: Mutex<(Figures, Vec<Failure>)> = Mutex::default();
    let enough = || {
        failed.load(Ordering::Relaxed)
            || compared.load(Ordering::Relaxed) >= asked.decisions
                && started.elapsed().as_secs() >= asked.seconds
    };
    let work = || {
        while !enough() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= asked.trials {
                break;
            }
            let counted = AtomicU64::new(0);
            let ends = |figures: &Figures| {
                let more = figures.decisions - counted.swap(figures.decisions, Ordering::Relaxed);
                compared.fetch_add(more, Ordering::Relaxed);
                enough()
            };
            let (figures, outcome) = run(asked.seed + number, &steps, &asked.home, &ends);
            let Ok(mut results) = results.lock() else { return };
            results.0.add(&figures);
            if let Err(failure) = outcome {
                failed.store(true, Ordering::Relaxed);
                results.1.push(failure);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..asked.jobs {
            scope.spawn(work);
        }
    });
    let Ok((figures, failures)) = results.into_inner() else { return ExitCode::FAILURE };
    say(&figures, started.elapsed().as_secs_f64());
    let failed = !failures.is_empty();
    for failure in failures {
        println!("seed {} differs at step {}: {}", failure.seed, failure.step, failure.difference);
        let (failure, steps) = shrink(failure, &steps, &asked.home);
        let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
        println!(
            "with fewer steps: {}\nrepeat: cargo run --release -p quell-soak -- --seed {} --trials 1 --only {}",
            failure.difference,
            failure.seed,
            steps.join(",")
        );
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
