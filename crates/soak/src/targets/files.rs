//! Files to import, of every format.

use quell::address::{KeyBuffer, Policy};
use quell::import::detect::{Form, Seen, detect as candidates};
use quell::import::vendor::{FORMATS, Format, VendorFile};
use quell::import::{Gather, Keyed, NativeFile, Taken, read};
use quell::ledger::StagedRows;
use quell::record::{Kind, NativeRow};
use quell::{ErrorKind, Result};

/// Names that decide what a file may be.
const NAMES: [&str; 8] = [
    "list.csv",
    "unsubscribed_x.csv",
    "suppression_bounces.csv",
    "export.json",
    "cleaned_members.csv",
    "suppressed.tsv",
    "optizmo.txt",
    "Contacts Bulk Email.csv",
];

/// Counts the rows it is given, and stages them as an import does.
#[derive(Default)]
struct Counted {
    rows: u64,
    staged: StagedRows,
}

/// A key is one: an address's key has itself as its key.
fn check_key(key: &[u8], row: &NativeRow<'_>) {
    if row.own_key() == Some(key) {
        return;
    }
    let mut buffer = KeyBuffer::default();
    let again = Policy::EXACT.key(key, &mut buffer).map(|key| key.as_bytes());
    assert_eq!(again, Ok(key), "{row:?}");
}

impl Gather for Counted {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        check_key(key, row);
        self.rows += 1;
        self.staged.push(key, row)
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        assert_ne!(rows.len(), 1, "one record goes the short way");
        rows.iter().for_each(|(key, row)| check_key(key, row));
        let number = u32::try_from(self.rows).unwrap_or(0);
        self.rows += 1;
        if rows.is_empty() {
            self.staged.pass_over();
            return Ok(());
        }
        self.staged.push_several(number, rows.iter().map(|(key, row)| (&**key, row)))
    }
}

/// Reads a file as a form; every row of it is told of, or it is refused as a whole.
fn read_as(form: Form, name: &str, text: &[u8], list: Option<&str>) {
    let (mut told, mut last) = (0, 0);
    let take = |taken: Taken<'_, Counted>| {
        match taken {
            Taken::Records(counted) => told += counted.rows,
            Taken::Reject(reject) => {
                assert!(
                    reject.line > 0 && reject.line >= last,
                    "line {} after {last}",
                    reject.line
                );
                assert!(!reject.cause.to_string().is_empty());
                last = reject.line;
                told += 1;
            }
        }
        Ok(())
    };
    let ran = match form {
        Form::Native(kind) => {
            let policy = Policy::EXACT;
            let file = NativeFile { input: text, name, kind, policy, allow_public_suffix: false };
            read(file, Counted::default, take, &|_| {})
        }
        Form::Vendor(format) => {
            let seen =
                Seen::of_start(&text[..text.len().min(64 << 10)], text.len() <= 64 << 10, name);
            let list = list.filter(|_| format.takes_list);
            let policy = Policy::EXACT;
            let file = VendorFile { input: text, name, seen: &seen, format, list, policy };
            quell::import::vendor::read(file, Counted::default, take, &|_| {})
        }
    };
    match ran {
        Ok(rows) => assert_eq!(rows, told, "rows of {}", form.name()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Input, "{error}"),
    }
}

/// The native kinds, then the vendors' formats.
fn form(number: u8) -> Form {
    let number = usize::from(number) % (Kind::ALL.len() + FORMATS.len());
    match Kind::ALL.get(number) {
        Some(kind) => Form::Native(*kind),
        None => Form::Vendor(FORMATS[number - Kind::ALL.len()]),
    }
}

/// The number by which [`import`] is told a format; for corpora.
#[must_use]
pub fn number_of(form: Form) -> u8 {
    let place = match form {
        Form::Native(kind) => Kind::ALL.iter().position(|other| *other == kind),
        Form::Vendor(format) => FORMATS
            .iter()
            .position(|other: &&Format| other.name == format.name)
            .map(|place| place + Kind::ALL.len()),
    };
    u8::try_from(place.unwrap_or(0)).unwrap_or(0)
}

/// Every importer tells of each row of whatever file it is given, or refuses the file.
///
/// The first byte chooses the format, the second the file's name and whether a list is named.
pub fn import(data: &[u8]) {
    let [format, choice, text @ ..] = data else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    read_as(form(*format), name, text, (*choice >= 128).then_some("news"));
}

/// Whatever a file is taken for, it can be read as that.
///
/// The first byte chooses the file's name.
pub fn detect(data: &[u8]) {
    let [choice, text @ ..] = data else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    for candidate in candidates(&Seen::of_start(text, true, name)) {
        assert!(!candidate.why.is_empty());
        read_as(candidate.form, name, text, None);
    }
}
