//! A store's life in commands, for the tests that disturb each of them, and what is seen of a store.

use std::fs;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// The files the commands read.
pub(crate) struct Inputs {
    directory: Sandbox,
}

/// One command.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<String>,
    /// Whether it is worth disturbing, or only leads to the next one.
    pub(crate) matters: bool,
}

/// What is seen of a directory with a store in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// There is no store, and every command says so.
    NoStore,
    /// The ledger's records (without the times at which this run made them), the rows of a batch that the index lets
    /// pass, and the file that a filter writes.
    Store { records: Vec<String>, kept: String, output: Option<Vec<u8>> },
}

const FILES: [(&str, &str); 8] = [
    (
        "contacts.csv",
        "contact_id,email,bulk_email,email_allowed\n1,ann@example.com,Allow,Allow\n\
         2,ann@example.com,Allow,Allow\n3,bea@example.com,Do Not Allow,Allow\n\
         4,cem@example.com,Allow,Do Not Allow\n5,clear@example.com,Allow,Allow\n",
    ),
    (
        "unsubscribes.csv",
        "email,list\nann@example.com,\nANN@example.com,\ndan@example.com,\neve@example.com,news\n",
    ),
    (
        "preferences.csv",
        "email,list,preference\nfay@example.com,news,Out\nann@example.com,news,In\n",
    ),
    ("suppressions.csv", "email,reason\ngus@example.com,bounce\nhal@example.com,complaint\n"),
    ("domains.csv", "domain,subdomains\npartner.example,true\n"),
    ("digests.csv", "digest\n82cfb1a8287253fa5f0e7d7c5d5bb3e2\n"),
    ("more.csv", "email\nivo@example.com\njan@example.com\n"),
    (
        "recipients.csv",
        "email\nann@example.com\nbea@example.com\ncem@example.com\ndan@example.com\n\
         eve@example.com\nfay@example.com\ngus@example.com\nhal@example.com\nivo@example.com\n\
         jan@example.com\nkai@example.com\nleo@example.com\nx@mail.partner.example\n\
         clear@example.com\nlist.0@example.com\nlist.8@example.com\nlast",
    ),
];

impl Inputs {
    pub(crate) fn new() -> Self {
        let directory = Sandbox::in_memory();
        for (name, content) in FILES {
            directory.write(name, content);
        }
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// Every kind of change and of upkeep, and a filter.
    pub(crate) fn life(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        let mut act = |name, matters, arguments: &[&str]| {
            let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
            acts.push(Act { name, arguments, matters });
        };
        act("init", true, &["init"]);
        for (name, file) in [
            ("import contacts", "contacts.csv"),
            ("import unsubscribes", "unsubscribes.csv"),
            ("import preferences", "preferences.csv"),
            ("import suppressions", "suppressions.csv"),
            ("import domains", "domains.csv"),
            ("import digests", "digests.csv"),
        ] {
            let kind = name.split_once(' ').expect("two words").1;
            act(name, true, &["import", kind, &self.path(file)]);
        }
        act("unsubscribe", true, &["unsubscribe", "kai@example.com"]);
        act(
            "unsubscribe from a list",
            false,
            &["unsubscribe", "leo@example.com", "--list", "news"],
        );
        let proof = ["--permission", "form", "--evidence", "form 7 of 1 May", "--by", "desk"];
        act("resubscribe", true, &[&["resubscribe", "ann@example.com"][..], &proof].concat());
        act("compile", true, &["compile"]);
        act("import again", true, &["import", "unsubscribes", &self.path("more.csv")]);
        act("compile --full", true, &["compile", "--full"]);
        for number in 0..9 {
            let address = format!("list.{number}@example.com");
            act("one more", false, &["unsubscribe", &address]);
            // The ninth segment is one too many.
            let name = if number == 8 { "merge" } else { "one more segment" };
            act(name, number == 8, &["compile"]);
        }
        let filter = [
            "filter",
            &self.path("recipients.csv"),
            "-o",
            "out.csv",
            "--suppressed",
            "withheld.csv",
            "--report",
            "report.json",
            "--fsync",
            "--threads",
            "1",
        ];
        act("filter", true, &filter);
        let proof = ["--by", "desk", "--reason", "article 17, letter of 1 May"];
        act("erase", true, &[&["erase", "hal@example.com"][..], &proof].concat());
        act("unsubscribe after it", false, &["unsubscribe", "clear@example.com"]);
        let certified = [&filter[..], &["--certificate", "certificate.json"]].concat();
        act("filter again", true, &certified);
        acts
    }

    /// A store as a build of ledger schema 2 left it, whose first command migrates it; that command.
    pub(crate) fn migration(&self) -> (Sandbox, Act) {
        let world = Sandbox::in_memory();
        let kept = crate::sandbox::root().join("tests/faults/schema-2");
        for name in ["store", "store/index"] {
            fs::create_dir(world.path(name)).expect("a directory");
        }
        for entry in fs::read_dir(kept.join("index")).expect("its index") {
            let path = entry.expect("an entry").path();
            let to = world.path("store/index").join(path.file_name().expect("a name"));
            fs::copy(path, to).expect("a copy");
        }
        for name in ["quell.toml", "secret.key"] {
            fs::copy(kept.join(name), world.path("store").join(name)).expect("a copy");
        }
        let sql = fs::read_to_string(kept.join("ledger.sql")).expect("its ledger");
        let ledger = rusqlite::Connection::open(world.path("store/ledger.db")).expect("a database");
        ledger.pragma_update(None, "journal_mode", "WAL").expect("a log");
        ledger.execute_batch(&sql).expect("the statements of a dump");
        ledger.close().expect("the log emptied");
        let arguments = ["unsubscribe", "kai@example.com"].map(str::to_owned).into();
        (world, Act { name: "the first command of a newer build", arguments, matters: true })
    }

    /// What is seen of the directory. Every command that looks must get through, and find nothing wrong.
    #[track_caller]
    pub(crate) fn state(&self, world: &Sandbox, context: &str) -> State {
        let get = |arguments: &[&str], code| {
            let run = world.quell(arguments);
            assert_eq!(run.code, Some(code), "{context}: {arguments:?}: {}", run.stderr);
            run
        };
        if !world.exists("store/quell.toml") {
            get(&["check", "ann@example.com"], 4).says("quell init");
            assert!(!world.exists("store"), "{context}: half a store");
            return State::NoStore;
        }
        let recipients = self.path("recipients.csv");
        let kept = get(&["filter", "--list", "news", "--threads", "1", &recipients], 0).text();
        let export = get(&["export"], 0).text();
        get(&["verify"], 0);
        let mut records: Vec<_> = export.lines().map(without_time).collect();
        records.sort();
        let output = fs::read(world.path("out.csv")).ok();
        State::Store { records, kept, output }
    }
}

/// A record without when it was made: two runs differ in that.
fn without_time(line: &str) -> String {
    let mut record: Value = serde_json::from_str(line).expect("JSON");
    record.as_object_mut().expect("an object").remove("at");
    record.to_string()
}
