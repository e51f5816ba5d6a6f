//! The fuzz targets on the stable toolchain: every input of the corpora, and seeded mutations of them.

use quell_soak::dice::Dice;
use quell_soak::mutation::mutated;
use quell_soak::targets::TARGETS;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|e| panic!("{directory:?}: {e}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no corpus in {directory:?}");
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs a target with an input; says which, and keeps it, when it fails.
fn run(target: fn(&[u8]), input: &[u8], what: &dyn Fn() -> String) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        let path = std::env::temp_dir().join("quell-fuzz-failure");
        fs::write(&path, input).unwrap();
        panic!("{}; the input is in {}", what(), path.display());
    }
}

fn replay(name: &str, mutations: u64) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let corpus = corpus(name);
    for (path, input) in &corpus {
        run(*target, input, &|| format!("{name}: {}", path.display()));
    }
    let set = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = set("QUELL_TEST_SEED").unwrap_or(clock.as_secs());
    let mutations = set("QUELL_MUTATIONS").unwrap_or(mutations);
    eprintln!("{name}: QUELL_TEST_SEED={seed}, {mutations} mutations of {} inputs", corpus.len());
    let inputs: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
    for number in 0..mutations {
        let input = mutated(&mut Dice::of_part(seed, number), &inputs);
        run(*target, &input, &|| format!("{name}: mutation {number} of QUELL_TEST_SEED={seed}"));
    }
}

macro_rules! targets {
    ($($name:ident: $mutations:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), $mutations);
        })*

        #[test]
        fn every_target_is_here_and_in_fuzz() {
            let here = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, _)| name), here);
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/Cargo.toml");
            let manifest = fs::read_to_string(manifest).unwrap();
            let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Makefile");
            let makefile = fs::read_to_string(makefile).unwrap();
            for name in here {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}: fuzz/Cargo.toml");
                let named = makefile.lines().any(|line| {
                    line.starts_with("FUZZ_TARGETS") && line.split(' ').any(|word| word == name)
                });
                assert!(named, "{name}: FUZZ_TARGETS of the Makefile");
            }
        }
    };
}

targets! {
    address: 3000,
    certificate: 300,
    delimited: 2000,
    detect: 1000,
    import: 2000,
    manifest: 2000,
    ndjson: 2000,
    parquet: 1000,
    program: 12,
    segment: 2000,
    source: 2000,
}
