//! Many commands at once: every answer is one state of the sequence that the acknowledged changes make, and none is
//! older than what was acknowledged before the command began.
//!
//! Each change prints its generation, and each filter reports the one that answered. So when all is over, the changes in
//! the order of their generations say what every filter must have kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Dice, Run, Sandbox};

const PEOPLE: u64 = 40;

/// What a change did: these are blocked now, or this one is not any more.
#[derive(Debug, Clone)]
enum Change {
    Blocked(Vec<u64>),
    Lifted(u64),
}

/// What a filter kept, under which generation, and the newest generation acknowledged before it began.
struct Answer {
    before: u64,
    generation: u64,
    kept: BTreeSet<u64>,
}

#[derive(Default)]
struct Told {
    /// Changes by generation; one that changed nothing has none of its own.
    changes: Mutex<BTreeMap<u64, Change>>,
    acknowledged: AtomicU64,
    answers: Mutex<Vec<Answer>>,
}

impl Told {
    fn changed(&self, generation: u64, change: Change) {
        let mut changes = self.changes.lock().unwrap();
        let other = changes.insert(generation, change);
        assert!(other.is_none(), "two changes are generation {generation}");
        drop(changes);
        self.acknowledged.fetch_max(generation, Ordering::SeqCst);
    }

    /// Holds every answer to the state of its generation.
    fn judge(&self) -> (usize, usize, usize) {
        let changes = self.changes.lock().unwrap();
        let answers = self.answers.lock().unwrap();
        let mut generations = BTreeSet::new();
        for answer in answers.iter() {
            let Answer { before, generation, kept } = answer;
            assert!(
                generation >= before,
                "generation {generation} answered after {before} was there"
            );
            let mut clear: BTreeSet<u64> = (0..PEOPLE).collect();
            for change in changes.range(..=generation).map(|(_, change)| change) {
                match change {
                    Change::Blocked(people) => people.iter().for_each(|person| {
                        clear.remove(person);
                    }),
                    Change::Lifted(person) => {
                        clear.insert(*person);
                    }
                }
            }
            assert_eq!(kept, &clear, "generation {generation}");
            generations.insert(*generation);
        }
        (changes.len(), answers.len(), generations.len())
    }
}

fn address(person: u64) -> String {
    format!("person.{person}@example.com")
}

/// The number behind the last word `generation` of a line.
fn generation(run: &Run) -> u64 {
    let text = run.text();
    let digits = text.trim().rsplit("generation ").next().unwrap();
    digits.parse().unwrap_or_else(|_| panic!("no generation in {text:?}"))
}

fn write(sandbox: &Sandbox, told: &Told, dice: &mut Dice, name: &str) {
    let person = dice.below(PEOPLE);
    match dice.below(10) {
        0..=3 => {
            let run = sandbox.quell(["unsubscribe", &address(person)]).expect(0);
            if !run.text().contains("already") {
                told.changed(generation(&run), Change::Blocked(vec![person]));
            }
        }
        4..=6 => {
            let address = address(person);
            let permission = ["--permission", "form", "--evidence", "form 7", "--by", "desk"];
            let arguments = [&["resubscribe", &address, "--json"][..], &permission].concat();
            let answer = sandbox.quell(arguments).expect(0).json();
            if answer["deleted"] != serde_json::json!([]) {
                told.changed(answer["generation"].as_u64().unwrap(), Change::Lifted(person));
            }
        }
        7 | 8 => {
            let people: BTreeSet<u64> = (0..6).map(|_| dice.below(PEOPLE)).collect();
            let rows: String = people.iter().map(|person| address(*person) + "\n").collect();
            sandbox.write(name, format!("email\n{rows}"));
            let answer = sandbox.quell(["import", "unsubscribes", name, "--json"]).expect(0).json();
            if answer["added"].as_u64().unwrap() > 0 {
                let people = people.into_iter().collect();
                told.changed(answer["generation"].as_u64().unwrap(), Change::Blocked(people));
            }
        }
        _ => {
            let full = dice.below(2) == 0;
            let arguments: &[&str] = if full { &["compile", "--full"] } else { &["compile"] };
            sandbox.quell(arguments).expect(0);
        }
    }
}

fn read(sandbox: &Sandbox, told: &Told, name: &str) {
    let before = told.acknowledged.load(Ordering::SeqCst);
    let report = format!("{name}.json");
    let run = sandbox.quell(["filter", "in.csv", "--report", &report]).expect(0);
    let kept =
        run.text().lines().skip(1).map(|line| line.parse().unwrap()).collect::<Vec<String>>();
    let number = |address: &String| {
        let digits =
            address.strip_prefix("person.").and_then(|rest| rest.strip_suffix("@example.com"));
        digits.unwrap().parse().unwrap()
    };
    let generation = sandbox.read_json(&report)["generation"].as_u64().unwrap();
    let kept = kept.iter().map(number).collect();
    told.answers.lock().unwrap().push(Answer { before, generation, kept });
}

#[test]
fn every_filter_beside_many_writers_answers_for_one_acknowledged_state() {
    let sandbox = Sandbox::new();
    let rows: String = (0..PEOPLE).map(|person| address(person) + "\n").collect();
    sandbox.write("in.csv", format!("email\n{rows}"));
    let seconds = std::env::var("QUELL_STRESS_SECONDS").map_or(6, |text| text.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut dice = Dice::new("many commands at once");
    let told = Told::default();
    // What `init` made is acknowledged.
    let first =
        sandbox.quell(["status", "--json"]).expect(0).json()["generation"].as_u64().unwrap();
    told.acknowledged.fetch_max(first, Ordering::SeqCst);
    let (sandbox, told) = (&sandbox, &told);
    thread::scope(|scope| {
        for writer in 0..3 {
            let mut dice = dice.fork();
            scope.spawn(move || {
                while Instant::now() < until {
                    write(sandbox, told, &mut dice, &format!("import.{writer}.csv"));
                }
            });
        }
        for reader in 0..2 {
            scope.spawn(move || {
                while Instant::now() < until {
                    read(sandbox, told, &format!("report.{reader}"));
                }
            });
        }
    });
    read(sandbox, told, "report.last");
    sandbox.quell(["verify"]).expect(0);
    let (changes, answers, generations) = told.judge();
    eprintln!("{changes} changes, {answers} answers of {generations} generations");
    assert!(changes > 5 && answers > 5, "{changes} changes and {answers} answers");
}
