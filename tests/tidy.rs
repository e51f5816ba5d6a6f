//! The rules of ARCHITECTURE.md that a compiler does not keep: layers, sizes, and where the outside world may be touched.
//!
//! The tests read the source as text. They are rough on purpose: what they can't understand they let pass, what they
//! report is so.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer and the layers it may use, lower ones first. `error` may be used by all of them.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("address", &[]),
    ("record", &["address"]),
    ("storage", &[]),
    ("segment", &["storage"]),
    ("index", &["record", "storage", "segment"]),
    ("ledger", &["address", "record"]),
    ("delimited", &[]),
    ("source", &["delimited"]),
    ("import", &["address", "record", "delimited", "source"]),
    ("catch_up", &["record", "storage", "segment", "index", "ledger"]),
    ("filter", &["address", "record", "storage", "segment", "index", "delimited", "source"]),
    // Signed statements, as texts.
    ("certificate", &[]),
    // A store on disk as commands open it: ledger and index together.
    (
        "store",
        &["address", "record", "storage", "segment", "index", "ledger", "catch_up", "certificate"],
    ),
    // What users do, as values: said by `cli`, sent by `service`.
    (
        "action",
        &[
            "address",
            "record",
            "storage",
            "index",
            "ledger",
            "delimited",
            "source",
            "import",
            "filter",
            "certificate",
            "store",
        ],
    ),
    (
        "service",
        &[
            "address",
            "record",
            "storage",
            "index",
            "ledger",
            "delimited",
            "source",
            "import",
            "filter",
            "certificate",
            "store",
            "action",
        ],
    ),
    (
        "cli",
        &[
            "address",
            "record",
            "storage",
            "segment",
            "index",
            "ledger",
            "delimited",
            "source",
            "import",
            "catch_up",
            "filter",
            "certificate",
            "store",
            "action",
            "service",
        ],
    ),
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Domains outside the reserved ones that a rule or a golden table must name. Keep it short, and say why.
const OTHER_DOMAINS: &[&str] = &[
    // Providers with address rules of their own: the policies `gmail-dots`, `googlemail` and `yahoo-dash`.
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "ymail.com",
    // Names that only begin or end as a provider's does: a widening must leave them alone.
    "mail.gmail.com",
    "mail.googlemail.com",
    "notgmail.com",
    // Mobile carriers whose addresses break RFC 5321 (dots at the end of the local part) and are mailed all the same.
    "docomo.ne.jp",
    "ezweb.ne.jp",
];

/// A source file and what of it counts: comments and the test module are left out.
struct Source {
    path: PathBuf,
    /// (line number, text without its comment) up to the test module.
    code: Vec<(usize, String)>,
}

impl Source {
    /// The layer a file belongs to: the first part of its path below `src`, or none for `lib.rs` and `main.rs`.
    fn layer(&self) -> Option<String> {
        let below = self.path.strip_prefix(root().join("src")).ok()?;
        let first = below.components().next()?.as_os_str().to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then(|| name.to_owned())
    }

    fn at(&self, line: usize) -> String {
        let path = self.path.strip_prefix(root()).unwrap_or(&self.path);
        format!("{}:{line}", path.display())
    }

    /// Where a word stands in the code, whole, outside string literals.
    fn lines_with<'s>(&'s self, needle: &'s str) -> impl Iterator<Item = usize> + 's {
        self.code
            .iter()
            .filter(move |(_, text)| holds_word(&without_strings(text), needle))
            .map(|(line, _)| *line)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What cargo, cargo-fuzz, Python and npm leave behind; in no commit.
const GENERATED: [&str; 6] =
    ["target", "corpus", "artifacts", "coverage", "__pycache__", "node_modules"];

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(next) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.expect("a directory entry").path();
            if !path.is_dir() {
                files.push(path);
            } else if !GENERATED.iter().any(|name| path.ends_with(name)) {
                waiting.push(path);
            }
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let sources: Vec<_> = files_below(&root().join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| path.file_name().is_none_or(|name| name != "tests.rs"))
        .map(|path| {
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let code = text
                .lines()
                .enumerate()
                .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
                .map(|(index, line)| (index + 1, without_comment(line).to_owned()))
                .collect();
            Source { path, code }
        })
        .collect();
    assert!(!sources.is_empty(), "no sources below {}", root().display());
    sources
}

/// A line without its comment; `//` inside a string literal (a URL) is not one.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(place) = line[from..].find("//") {
        let place = from + place;
        if line[..place].matches('"').count().is_multiple_of(2) {
            return &line[..place];
        }
        from = place + 2;
    }
    line
}

/// A line with the content of its string literals taken out.
fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn holds_word(text: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(place, _)| {
        !text[..place].ends_with(part_of_name)
            && !text[place + word.len()..].starts_with(part_of_name)
    })
}

/// The modules named after each `crate::` of a line, `crate::{a::B, c}` included.
fn crate_modules(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, _) in line.match_indices("crate::") {
        let rest = &line[place + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut at_start = true;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(std::mem::take(&mut name));
                        at_start = true;
                    }
                    c if depth == 0 && at_start && (c.is_alphanumeric() || c == '_') => {
                        name.push(c)
                    }
                    ' ' => {}
                    _ if depth == 0 => at_start = false,
                    _ => {}
                }
            }
            names.push(name);
        } else {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_layer_stands_above_every_layer_it_may_use() {
    for (place, (layer, allowed)) in LAYERS.iter().enumerate() {
        for lower in *allowed {
            assert!(
                LAYERS[..place].iter().any(|(name, _)| name == lower),
                "{layer} may use {lower}, which is not below it"
            );
        }
    }
}

#[test]
fn each_layer_uses_only_the_layers_it_may() {
    let mut found = Vec::new();
    for source in sources() {
        let Some(layer) = source.layer() else { continue };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            found.push(format!(
                "{}: `{layer}` is not a layer: add it to tests/tidy.rs",
                source.at(1)
            ));
            continue;
        };
        // A `use` may span lines: it is joined up to its semicolon.
        let mut joined = String::new();
        for (line, text) in &source.code {
            let text = without_strings(text);
            joined.push_str(text.trim());
            let unfinished = joined.starts_with("use ")
                || joined.starts_with("pub use ")
                || joined.starts_with("pub(crate) use ");
            if unfinished && !joined.ends_with(';') {
                continue;
            }
            for used in crate_modules(&joined) {
                let known = LAYERS.iter().any(|(name, _)| *name == used);
                if known && used != layer && used != "error" && !allowed.contains(&used.as_str()) {
                    found.push(format!("{}: `{layer}` uses `{used}`", source.at(*line)));
                }
            }
            joined.clear();
        }
    }
    none("a layer reaches where it must not", &found);
}

#[test]
fn no_file_is_longer_than_500_lines_without_its_tests() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|source| source.code.len() > FILE_LINES_MAX)
        .map(|source| format!("{}: {} lines", source.at(1), source.code.len()))
        .collect();
    none("a file is too long", &found);
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut found = Vec::new();
    for source in sources() {
        let mut open: Option<(usize, usize)> = None;
        for (line, text) in &source.code {
            let indent = text.len() - text.trim_start().len();
            match open {
                None if holds_word(&without_strings(text), "fn")
                    && !text.trim_end().ends_with([';', '}']) =>
                {
                    open = Some((*line, indent));
                }
                Some((start, outer)) if indent == outer && text.trim_start().starts_with('}') => {
                    let length = line - start + 1;
                    if length > FUNCTION_LINES_MAX {
                        found.push(format!("{}: {length} lines", source.at(start)));
                    }
                    open = None;
                }
                // A signature without a body, or something this does not understand: begin anew.
                Some((_, outer)) if indent == outer && text.trim_end().ends_with(';') => {
                    open = None
                }
                _ => {}
            }
        }
    }
    none("a function is too long", &found);
}

#[test]
fn unsafe_stands_in_storage_only() {
    outside(&["storage"], &["unsafe"], "unsafe code outside src/storage");
}

#[test]
fn the_clock_is_read_in_cli_only() {
    outside(
        &["cli"],
        &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        "a clock outside src/cli: time comes in with the question",
    );
    // How long something takes is nobody's question.
    outside(&["cli", "service"], &["Instant::now"], "a stopwatch outside src/cli and src/service");
}

#[test]
fn only_cli_prints() {
    outside(
        &["cli"],
        &["print!", "println!", "eprint!", "eprintln!", "dbg!"],
        "printing outside src/cli",
    );
}

#[test]
fn address_record_segment_and_index_touch_no_file() {
    let mut found = Vec::new();
    for source in sources() {
        if source.layer().is_some_and(|layer| {
            matches!(layer.as_str(), "address" | "record" | "segment" | "index")
        }) {
            found.extend(source.lines_with("std::fs").map(|line| source.at(line)));
        }
    }
    none("std::fs where only src/storage knows the disk", &found);
}

/// Collects every line outside the layers named that holds one of the words.
#[track_caller]
fn outside(layers: &[&str], words: &[&str], what: &str) {
    let mut found = Vec::new();
    for source in sources() {
        if source.layer().is_some_and(|layer| layers.contains(&layer.as_str())) {
            continue;
        }
        for word in words {
            found
                .extend(source.lines_with(word).map(|line| format!("{}: {word}", source.at(line))));
        }
    }
    none(what, &found);
}

#[test]
fn no_module_is_named_after_nothing() {
    let empty_names =
        ["util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "tools"];
    let mut found = Vec::new();
    for path in
        files_below(&root().join("src")).into_iter().chain(files_below(&root().join("tests")))
    {
        let relative = path.strip_prefix(root()).unwrap_or(&path);
        let names = relative.components().filter_map(|part| part.as_os_str().to_str());
        if names.map(|name| name.trim_end_matches(".rs")).any(|name| empty_names.contains(&name)) {
            found.push(relative.display().to_string());
        }
    }
    for source in sources() {
        for name in empty_names {
            let module = format!("mod {name}");
            found.extend(
                source.lines_with(&module).map(|line| format!("{}: {module}", source.at(line))),
            );
        }
    }
    none("a module's name says nothing", &found);
}

/// The domains of everything that looks like an e-mail address in a text.
fn domains(text: &str) -> Vec<String> {
    let in_domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let in_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`|~.\"".contains(c);
    text.match_indices('@')
        .filter(|(place, _)| text[..*place].ends_with(in_local))
        .map(|(place, _)| {
            text[place + 1..].chars().take_while(|c| in_domain(*c)).collect::<String>()
        })
        .map(|domain| domain.to_lowercase().trim_matches('.').to_owned())
        // No mail finds a domain without a dot, with an empty label, or with a last label of one letter or of digits.
        .filter(|domain| !domain.contains(".."))
        .filter(|domain| {
            domain
                .rsplit_once('.')
                .is_some_and(|(_, last)| last.len() > 1 && last.chars().all(char::is_alphabetic))
        })
        .collect()
}

fn is_reserved(domain: &str) -> bool {
    let under = |parent: &str| domain == parent || domain.ends_with(&format!(".{parent}"));
    ["example.com", "example.org", "example.net", "example", "test", "invalid", "localhost"]
        .iter()
        .any(|d| under(d))
}

#[test]
fn no_address_could_be_a_real_persons() {
    let mut found = Vec::new();
    let mut files: Vec<_> = ["src", "data", "tests", "docs", "benches", "demo", "scripts", "fuzz"]
        .iter()
        .flat_map(|directory| files_below(&root().join(directory)))
        .collect();
    files.extend(
        fs::read_dir(root())
            .expect("the root")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    // Other projects' test suites say what they say, and their licences name who to write to.
    files.retain(|path| !path.starts_with(root().join("tests/conformance")));
    for path in files {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            for domain in domains(line) {
                if !is_reserved(&domain) && !OTHER_DOMAINS.contains(&domain.as_str()) {
                    let relative = path.strip_prefix(root()).unwrap_or(&path);
                    found.push(format!("{}:{}: {domain}", relative.display(), index + 1));
                }
            }
        }
    }
    none(
        "an address outside the reserved domains (example.com, .org, .net, .example, .test, .invalid)",
        &found,
    );
}

/// The checks above see what they should: each is shown a line it must catch and one it must pass.
#[test]
fn the_reader_understands_what_it_judges() {
    assert_eq!(crate_modules("use crate::ledger::Ledger;"), ["ledger"]);
    assert_eq!(
        crate_modules("use crate::{address::Key, index::{self, A}, record};"),
        ["address", "index", "record"]
    );
    assert_eq!(crate_modules("let x = crate::filter::run(crate::cli::y);"), ["filter", "cli"]);
    assert_eq!(without_comment("let a = \"http://x\"; // note"), "let a = \"http://x\"; ");
    assert!(holds_word("unsafe { x }", "unsafe") && !holds_word("unsafe_code", "unsafe"));
    assert!(!holds_word(&without_strings("say(\"unsafe\")"), "unsafe"));
    assert_eq!(
        domains("mail a.b@Example.COM. and x@b, or \"q\"@sub.test"),
        ["example.com", "sub.test"]
    );
    assert!(
        is_reserved("mail.example.org")
            && !is_reserved("notexample.org")
            && is_reserved("b\u{fc}cher.example")
    );
}
