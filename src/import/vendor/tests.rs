//! Files read by each format: the way every format's tests see them, and what holds for all formats.

use super::{FORMATS, Format, VendorFile, read};
use crate::address::Policy;
use crate::error::Result;
use crate::import::detect::{Form, Seen, detect};
use crate::import::{Described, Gather, Keyed, Taken};
use crate::record::NativeRow;
use proptest::prelude::*;

/// What reading a file came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) read: u64,
    /// What each row gave: records joined by `; `, or nothing.
    pub(super) rows: Vec<String>,
    /// `LINE: cause`.
    pub(super) rejects: Vec<String>,
    /// The rejected rows as they stand.
    pub(super) rejected: Vec<String>,
}

#[derive(Default)]
struct Rows(Vec<String>);

impl Gather for Rows {
    fn add(&mut self, key: &[u8], row: &NativeRow<'_>) -> Result<()> {
        assert!(key.contains(&b'@'), "{key:?}");
        self.0.push(Described(row).to_string());
        Ok(())
    }

    fn add_several(&mut self, rows: &[Keyed<'_>]) -> Result<()> {
        assert_ne!(rows.len(), 1, "one record goes the short way");
        let rows: Vec<String> = rows.iter().map(|(_, row)| Described(row).to_string()).collect();
        self.0.push(rows.join("; "));
        Ok(())
    }
}

/// Reads `text`, a file `name`, as `format`.
pub(super) fn outcome(
    format: &'static Format,
    name: &str,
    text: impl AsRef<[u8]>,
    list: Option<&str>,
) -> Result<Outcome> {
    let text = text.as_ref();
    let seen = Seen::of_start(&text[..text.len().min(64 << 10)], text.len() < 64 << 10, name);
    let policy = Policy::EXACT;
    let file = VendorFile { input: text, name, seen: &seen, format, list, policy };
    let mut outcome = Outcome::default();
    let take = |taken: Taken<'_, Rows>| {
        match taken {
            Taken::Records(mut rows) => outcome.rows.append(&mut rows.0),
            Taken::Reject(reject) => {
                outcome.rejects.push(format!("{}: {}", reject.line, reject.cause));
                outcome.rejected.push(String::from_utf8_lossy(reject.row).into_owned());
            }
        }
        Ok(())
    };
    let read = read(file, Rows::default, take, &|_| ())?;
    Ok(Outcome { read, ..outcome })
}

/// What the rows of a file gave, which has no rejects.
#[track_caller]
pub(super) fn rows(format: &'static Format, name: &str, text: impl AsRef<[u8]>) -> Vec<String> {
    let outcome = outcome(format, name, text, None).unwrap();
    assert_eq!(outcome.rejects, [""; 0]);
    assert_eq!(outcome.read, outcome.rows.len() as u64);
    outcome.rows
}

/// The rejects of a file, as `LINE: cause`.
#[track_caller]
pub(super) fn rejects(format: &'static Format, name: &str, text: impl AsRef<[u8]>) -> Vec<String> {
    let outcome = outcome(format, name, text, None).unwrap();
    assert_eq!(outcome.read, (outcome.rows.len() + outcome.rejects.len()) as u64);
    outcome.rejects
}

/// The names of everything a file may be, vendors' formats and native kinds.
pub(super) fn detected(name: &str, text: &str) -> Vec<&'static str> {
    let candidates = detect(&Seen::of_start(text.as_bytes(), true, name));
    let name = |form: Form| match form {
        Form::Native(kind) => kind.as_str(),
        Form::Vendor(format) => format.name,
    };
    candidates.into_iter().map(|candidate| name(candidate.form)).collect()
}

#[test]
fn formats_stand_in_the_order_of_their_names_and_say_what_they_are() {
    assert!(FORMATS.is_sorted_by_key(|format| format.name));
    for format in FORMATS {
        assert!(!format.what.is_empty() && !format.fields.is_empty(), "{}", format.name);
        assert!(Format::of_name(&format.name.to_uppercase()).is_some());
    }
}

/// Pieces files are made of: headers of every format, cells that mean something, and what breaks files.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let names = FORMATS.iter().flat_map(|format| format.fields).flat_map(|field| field.names);
    let mut pieces: Vec<Vec<u8>> = names.map(|name| name.as_bytes().to_vec()).collect();
    let others = [
        "ann@example.com",
        "bob@example.org",
        "nobody",
        "BOUNCE",
        "OPT_OUT",
        "true",
        "*",
        "[",
        "]",
        "{",
        "}",
        "\"",
        ":",
        ",",
        ",",
        ",",
        ";",
        "\t",
        "\n",
        "\n",
        "\r\n",
        " ",
        "1790083507",
        "null",
        "{\"email\":\"ann@example.com\"}",
        "{\"Suppressions\":[",
        "topicPreferences.a",
        "\\",
    ];
    pieces.extend(others.iter().map(|text| text.as_bytes().to_vec()));
    pieces.push(vec![0xff, 0xfe]);
    pieces.push(vec![0]);
    proptest::sample::select(pieces)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_file_holds_every_row_of_it_is_told_of(
        pieces in proptest::collection::vec(piece(), 0..60),
        header: bool,
        list: bool,
    ) {
        for format in FORMATS {
            let mut text = Vec::new();
            if header {
                let names: Vec<_> = format.fields.iter().map(super::Field::name).collect();
                text.extend_from_slice(names.join(",").as_bytes());
                text.push(b'\n');
            }
            text.extend_from_slice(&pieces.concat());
            let list = (list && format.takes_list).then_some("news");
            if let Ok(outcome) = outcome(format, "unsubscribed_x.csv", &text, list) {
                let told = outcome.rows.len() + outcome.rejects.len();
                prop_assert_eq!(told as u64, outcome.read, "{}", format.name);
            }
        }
    }
}
