//! JSON of a vendor → records and rejects: one object a line, or documents with an array of objects.
//!
//! A document is read as it comes: at no time is more than one row of it in memory. Several documents may
//! follow each other, as the pages of an API do; an object without an array of rows is a row.

mod start;
mod tracked;

use super::VendorFile;
use super::row::{CellTexts, Columns};
use super::table::Rows;
use crate::address::KeyBuffer;
use crate::delimited::Limits;
use crate::error::{Error, Result};
use crate::import::reader::{Gather, Taken};
use crate::import::reject::{Reject, RejectCause};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
pub(in crate::import) use start::first_row;
use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use tracked::{Tap, Tracked};

/// Rows that are gathered into one part.
const PART_ROWS: u64 = 10_000;
const READ_BYTES: usize = 256 << 10;

/// An object's members in the order they stand, so that a name that is there twice is seen.
type Object = Vec<(String, Value)>;

/// Reads JSON.
pub(super) fn read<G: Gather>(
    file: VendorFile<'_, impl Read>,
    gather: impl Fn() -> G,
    take: impl FnMut(Taken<'_, G>) -> Result<()>,
    progress: &dyn Fn(u64),
) -> Result<u64> {
    let VendorFile { input, name, seen, format, list, policy } = file;
    let Some(arrays) = format.json else {
        return Err(Error::input(format!("`{name}` is JSON: a {} file is not", format.name)));
    };
    let rows = Rows { format, policy, list, file: seen.file() };
    let (part, key) = (gather(), KeyBuffer::default());
    let mut sink =
        Sink { rows, part, key, gather, take, progress, read: 0, in_part: 0, bytes: 0, told: 0 };
    let input = BufReader::with_capacity(READ_BYTES, input);
    if seen.is_json_lines() {
        lines(input, name, &mut sink)?;
    } else {
        documents(input, name, arrays, &mut sink)?;
    }
    sink.flush()?;
    Ok(sink.read)
}

/// Takes rows in.
struct Sink<'f, G, M, T> {
    rows: Rows<'f>,
    part: G,
    key: KeyBuffer,
    gather: M,
    take: T,
    progress: &'f dyn Fn(u64),
    read: u64,
    in_part: u64,
    /// How far the input was gone through, and how much of that was told.
    bytes: u64,
    told: u64,
}

/// A row: an object, or why it is none.
struct Found<'r> {
    line: u64,
    raw: &'r [u8],
    object: Result<Object, String>,
}

/// What takes rows, whatever it gathers.
trait TakeRow {
    /// Takes a row of a text that ends so many bytes into the input.
    fn take_row(&mut self, found: Found<'_>, bytes: u64) -> Result<()>;
}

impl<G: Gather, M: Fn() -> G, T: FnMut(Taken<'_, G>) -> Result<()>> Sink<'_, G, M, T> {
    fn flush(&mut self) -> Result<()> {
        self.in_part = 0;
        (self.progress)(self.bytes - self.told);
        self.told = self.bytes;
        let full = std::mem::replace(&mut self.part, (self.gather)());
        (self.take)(Taken::Records(full))
    }
}

impl<G: Gather, M: Fn() -> G, T: FnMut(Taken<'_, G>) -> Result<()>> TakeRow for Sink<'_, G, M, T> {
    fn take_row(&mut self, found: Found<'_>, bytes: u64) -> Result<()> {
        self.read += 1;
        self.bytes = bytes;
        let Found { line, raw, object } = found;
        let outcome = match object {
            Ok(object) => object_row(&self.rows, object, &mut self.key, &mut self.part)?,
            Err(fault) => Err(RejectCause::Row(fault)),
        };
        if let Err(cause) = outcome {
            (self.take)(Taken::Reject(Reject { line, cause, row: raw }))?;
        }
        self.in_part += 1;
        if self.in_part == PART_ROWS { self.flush() } else { Ok(()) }
    }
}

/// Gathers what an object holds.
fn object_row<G: Gather>(
    rows: &Rows<'_>,
    object: Object,
    key: &mut KeyBuffer,
    part: &mut G,
) -> Result<Result<(), RejectCause>> {
    let mut cells = CellTexts::default();
    let mut names = Vec::with_capacity(object.len());
    for (name, value) in object {
        cells.make(text_of(&value).as_bytes());
        names.push(name);
    }
    match Columns::of_names(rows.format, names) {
        Ok(columns) => rows.take(&columns, &cells, key, part),
        Err(fault) => Ok(Err(RejectCause::Row(fault))),
    }
}

/// A value as the text a cell would have: a list or an object stays JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// One object a line. A line that is none is a reject.
fn lines(mut input: impl BufRead, name: &str, sink: &mut dyn TakeRow) -> Result<()> {
    let max = Limits::default().record_bytes_max as u64;
    let (mut line, mut bytes) = (0, 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        let length = input.by_ref().take(max + 2).read_until(b'\n', &mut text);
        let length = length.map_err(|error| Error::reading(Path::new(name), error))? as u64;
        if length == 0 {
            return Ok(());
        }
        line += 1;
        bytes += length;
        let raw = text.trim_ascii();
        if raw.len() as u64 > max {
            let message = format!("`{name}`: line {line}: over {max} bytes");
            return Err(Error::input(message).with_hint("is this one JSON object a line?"));
        }
        if raw.is_empty() {
            continue;
        }
        let object = object_of(raw);
        sink.take_row(Found { line, raw, object }, bytes)?;
    }
}

fn object_of(line: &[u8]) -> Result<Object, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let element = Element.deserialize(&mut deserializer);
    let whole = element.and_then(|object| deserializer.end().map(|()| object));
    match whole {
        Ok(Some(object)) => Ok(object),
        Ok(None) => Err("no JSON object".to_owned()),
        Err(error) => Err(format!("no JSON at column {}", error.column())),
    }
}

/// An element of an array: an object's members, or none when it is something else.
struct Element;

impl<'de> DeserializeSeed<'de> for Element {
    type Value = Option<Object>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element {
    type Value = Option<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::new();
        while let Some(member) = map.next_entry()? {
            object.push(member);
        }
        Ok(Some(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Documents with an array of rows, one after the other.
fn documents<R: BufRead>(
    input: R,
    name: &str,
    arrays: &[&str],
    sink: &mut dyn TakeRow,
) -> Result<()> {
    let row_max = Limits::default().record_bytes_max;
    let tracked = RefCell::new(Tracked::new(input, row_max));
    let mut failure = None;
    loop {
        let more = tracked.borrow_mut().skip_space();
        if !more.map_err(|error| Error::reading(Path::new(name), error))? {
            return if tracked.borrow().is_cut() { Err(not_all(name)) } else { Ok(()) };
        }
        let before = tracked.borrow().line;
        let mut from = serde_json::Deserializer::from_reader(Tap(&tracked));
        let visitor =
            Document { arrays, tracked: &tracked, sink: &mut *sink, failure: &mut failure };
        if let Err(error) = from.deserialize_any(visitor) {
            return Err(failure.take().unwrap_or_else(|| not_json(name, before, &error)));
        }
    }
}

/// A page of several was taken for the whole list.
fn not_all(name: &str) -> Error {
    Error::input(format!(
        "`{name}` is a part of a list (it ends with a NextToken or a link to a next page, or has fewer \
         rows than its TotalCount): the list goes on where the file does not"
    ))
    .with_hint("fetch every page, and import them as one: `cat page*.json | quell import -`")
}

fn not_json(name: &str, line: u64, error: &serde_json::Error) -> Error {
    let line = line + (error.line() as u64).saturating_sub(1);
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the file ends within the JSON",
        serde_json::error::Category::Io => "a row is too long, or the file can't be read",
        _ => "this is no JSON of rows",
    };
    Error::input(format!("`{name}`: line {line}, column {}: {what}", error.column()))
        .with_hint("is the download complete? nothing was applied")
}

/// A document: an array of rows, an object with one, or a row.
struct Document<'d, R> {
    arrays: &'d [&'d str],
    tracked: &'d RefCell<Tracked<R>>,
    sink: &'d mut dyn TakeRow,
    /// What ended the import, when it was not the JSON.
    failure: &'d mut Option<Error>,
}

impl<'de, R> Visitor<'de> for Document<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows, or an object with one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.array(seq)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // Recorded in case the object stands for itself, and so that what is beside the rows is bounded.
        let line = self.tracked.borrow_mut().record();
        let mut object = Object::new();
        let mut has_rows = false;
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.iter().any(|name| name.eq_ignore_ascii_case(&key)) {
                has_rows = true;
                self.tracked.borrow_mut().row = None;
                let Self { arrays, tracked, sink, failure } = &mut self;
                let sink = &mut **sink;
                map.next_value_seed(Array(Document { arrays, tracked, sink, failure }))?;
                let _ = self.tracked.borrow_mut().record();
            } else {
                object.push((key, map.next_value()?));
            }
        }
        if has_rows {
            let mut tracked = self.tracked.borrow_mut();
            tracked.more_pages = has_next_page(&object);
            tracked.total = tracked.total.max(total_of(&object));
            return Ok(());
        }
        let (raw, bytes) = self.tracked.borrow_mut().recorded();
        self.give(Found { line, raw: &raw, object: Ok(object) }, bytes)
    }
}

/// Says whether a page of an API names the one after it. Mailgun's last page names an empty one, so its
/// `paging` says nothing.
fn has_next_page(object: &Object) -> bool {
    let is_token = |name: &str| name.eq_ignore_ascii_case("NextToken");
    let is_link = |name: &str| name.eq_ignore_ascii_case("links");
    object.iter().any(|(name, value)| {
        is_token(name) && !text_of(value).is_empty() || is_link(name) && links_on(value)
    })
}

/// Says whether links beside the rows, as SparkPost gives them, name a next page.
fn links_on(links: &Value) -> bool {
    let is_next = |link: &Value| {
        let rel = link.get("rel").and_then(Value::as_str);
        rel.is_some_and(|rel| rel.trim().eq_ignore_ascii_case("next"))
    };
    match links {
        Value::Array(links) => links.iter().any(is_next),
        Value::Object(named) => {
            is_next(links) || named.get("next").is_some_and(|next| !text_of(next).is_empty())
        }
        _ => false,
    }
}

/// How many rows a page says the list has; 0 when it does not say it.
fn total_of(object: &Object) -> u64 {
    let is_total =
        |name: &str| ["TotalCount", "total_count"].iter().any(|t| t.eq_ignore_ascii_case(name));
    let totals = object.iter().filter(|(name, _)| is_total(name));
    totals.filter_map(|(_, value)| text_of(value).trim().parse().ok()).max().unwrap_or(0)
}

impl<R> Document<'_, R> {
    fn array<'de, A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element_seed(Recorded(self.tracked))? {
            let (line, object) = element;
            let (raw, bytes) = self.tracked.borrow_mut().recorded();
            let object = object.ok_or_else(|| "no JSON object".to_owned());
            self.give(Found { line, raw: raw.trim_ascii(), object }, bytes)?;
        }
        Ok(())
    }

    fn give<E: serde::de::Error>(&mut self, found: Found<'_>, bytes: u64) -> Result<(), E> {
        self.tracked.borrow_mut().rows += 1;
        self.sink.take_row(found, bytes).map_err(|error| {
            *self.failure = Some(error);
            E::custom("ended")
        })
    }
}

/// The array of rows in an object.
struct Array<'d, R>(Document<'d, R>);

impl<'de, R> DeserializeSeed<'de> for Array<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, R> Visitor<'de> for Array<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.array(seq)
    }
}

/// An element, and the line it begins on; its text is recorded.
struct Recorded<'t, R>(&'t RefCell<Tracked<R>>);

impl<'de, R> DeserializeSeed<'de> for Recorded<'_, R> {
    type Value = (u64, Option<Object>);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let line = self.0.borrow_mut().record();
        Ok((line, Element.deserialize(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{outcome, rejects, rows};
    use crate::import::detect::Seen;
    use crate::import::vendor::{Format, ses};

    const FORMAT: &Format = &ses::SUPPRESSION;

    #[test]
    fn a_line_that_is_no_object_is_a_reject_and_the_others_go_on() {
        let text = "{\"emailAddress\":\"a@example.com\",\"reason\":\"BOUNCE\"}\n\n[1]\n{\"emailAddress\":\n\
                    {\"emailAddress\":\"b@example.com\",\"reason\":\"MOVED\"}\n\
                    {\"emailAddress\":\"c@example.com\",\"reason\":\"COMPLAINT\"}";
        let outcome = outcome(FORMAT, "x.ndjson", text, None).unwrap();
        assert_eq!(outcome.rows, ["bounce a@example.com", "complaint c@example.com"]);
        assert_eq!(
            outcome.rejects,
            [
                "3: no JSON object",
                "4: no JSON at column 16",
                "5: unknown reason `MOVED`, expected `BOUNCE` or `COMPLAINT`"
            ]
        );
        assert_eq!(outcome.rejected[0], "[1]");
        assert_eq!(outcome.read, 5);
    }

    #[test]
    fn a_document_gives_its_rows_with_the_lines_they_begin_on() {
        let text = "\u{feff}{\n \"Other\": [1, {\"x\": \"]\"}],\n \"SuppressedDestinationSummaries\": [\n  {\"EmailAddress\":\n   \"a@example.com\", \"Reason\": \"BOUNCE\"},\n  7,\n  {\"EmailAddress\": \"b@example.com\"}\n ]\n}";
        let outcome = outcome(FORMAT, "x.json", text, None).unwrap();
        assert_eq!(outcome.rows, ["bounce a@example.com"]);
        assert_eq!(outcome.rejects, ["6: no JSON object", "7: reason: empty"]);
        assert_eq!(outcome.rejected, ["7,", "{\"EmailAddress\": \"b@example.com\"}"]);
    }

    #[test]
    fn documents_may_follow_each_other_and_an_object_may_stand_for_itself() {
        let page = "{\"SuppressedDestinationSummaries\":[{\"EmailAddress\":\"a@example.com\",\"Reason\":\"BOUNCE\"}],\"NextToken\":NEXT}";
        let (more, last) = (page.replace("NEXT", "\"x\""), page.replace("NEXT", "null"));
        let row = "{\n\"EmailAddress\":\"b@example.com\",\n\"Reason\":\"COMPLAINT\"}";
        let found = rows(FORMAT, "x.json", format!("{more}\n{last}{row} {row}"));
        assert_eq!(found.len(), 4);
        assert_eq!(found[3], "complaint b@example.com");
        for text in [more.clone(), format!("{last}{more}")] {
            let error = outcome(FORMAT, "x.json", text, None).unwrap_err();
            assert!(error.to_string().contains("NextToken"), "{error}");
        }
    }

    #[test]
    fn a_page_of_several_is_not_the_list() {
        let document = |rest: &str| {
            let row = "{\"emailAddress\":\"a@example.com\",\"reason\":\"BOUNCE\"}";
            format!("{{\"SuppressedDestinationSummaries\":[{row},{row}],{rest}}}\n")
        };
        let whole = [
            "\"links\":[{\"href\":\"x\",\"rel\":\"first\"},{\"href\":\"x\",\"rel\":\"last\"}]",
            "\"links\":{\"next\":null}",
            "\"links\":[]",
            "\"TotalCount\":2",
            "\"total_count\":\"1\"",
        ];
        for rest in whole {
            assert_eq!(rows(FORMAT, "x.json", document(rest)).len(), 2, "{rest}");
        }
        let parts = [
            "\"links\":[{\"href\":\"x\",\"rel\":\"first\"},{\"href\":\"x\",\"rel\":\"next\"}]",
            "\"Links\":{\"next\":\"x\"}",
            "\"TotalCount\":3",
            "\"total_count\":\"3\"",
        ];
        for rest in parts {
            let error = outcome(FORMAT, "x.json", document(rest), None).unwrap_err();
            assert!(error.to_string().contains("is a part of a list"), "{rest}: {error}");
        }
        // All pages in one file are the list.
        let pages = document("\"TotalCount\":4").repeat(2);
        assert_eq!(rows(FORMAT, "x.json", pages).len(), 4);
    }

    #[test]
    fn a_document_that_ends_early_is_an_error() {
        let text = "{\"SuppressedDestinationSummaries\":[{\"EmailAddress\":\"a@example.com\",\"Reason\":\"BOUNCE\"},\n";
        for end in ["", "{", "]", "{}}"] {
            let error = outcome(FORMAT, "x.json", format!("{text}{end}"), None).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
        let long = format!("[{{\"EmailAddress\":\"{}\"}}]", "a".repeat(2 << 20));
        assert!(outcome(FORMAT, "x.json", long, None).is_err());
    }

    #[test]
    fn a_member_that_is_there_twice_is_a_reject() {
        let text = "{\"emailAddress\":\"a@example.com\",\"EmailAddress\":\"b@example.com\",\"reason\":\"BOUNCE\"}";
        assert_eq!(rejects(FORMAT, "x.ndjson", text), ["1: two columns are named `emailAddress`"]);
    }

    #[test]
    fn many_rows_are_taken_in_parts() {
        let mut text = String::new();
        for row in 0..25_000 {
            text.push_str(&format!(
                "{{\"emailAddress\":\"p{row}@example.com\",\"reason\":\"BOUNCE\"}}\n"
            ));
        }
        assert_eq!(rows(FORMAT, "x.ndjson", &text).len(), 25_000);
        let array = format!("[{}]", text.trim_end().replace('\n', ","));
        assert_eq!(rows(FORMAT, "x.json", array).len(), 25_000);
    }

    #[test]
    fn what_json_is_its_start_tells() {
        let lines = Seen::of_start(b"{\"a\":1}\n{\"a\":2}\n", true, "x");
        assert!(lines.is_json_lines() && lines.has("A"));
        let array = Seen::of_start(b" [{\"a\":1},{\"a\":", false, "x");
        assert!(array.is_json() && !array.is_json_lines() && array.has("a"));
        let page = Seen::of_start(b"{\"Contacts\":[{\"b\":1}, {\"b\"", false, "x");
        assert_eq!((page.json_at(), page.has("b")), (Some("Contacts"), true));
        assert!(!Seen::of_start(b"{\n\"a\":1}", true, "x").is_json_lines());
    }
}
