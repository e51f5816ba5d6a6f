//! JSON of a vendor → records and rejects: one object a line, or documents with an array of objects.
//!
//! A document is read as it comes: at no time is more than one row of it in memory. Several documents may
//! follow each other, as the pages of an API do; an object without an array of rows is a row.

use super::row::{CellTexts, Columns};
use super::table::Rows;
use super::{FORMATS, VendorFile};
use crate::address::KeyBuffer;
use crate::delimited::Limits;
use crate::error::{Error, Result};
use crate::import::reader::{Gather, Taken};
use crate::import::reject::{Reject, RejectCause};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

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

/// Where a reader of JSON is.
struct Tracked<R> {
    input: R,
    bytes: u64,
    line: u64,
    last: u8,
    /// What was read since a row began.
    row: Option<Vec<u8>>,
    row_max: usize,
}

/// The same reader, for the parser: it asks for one byte at a time, so what was given to it is what it
/// has understood.
struct Tap<'t, R>(&'t RefCell<Tracked<R>>);

impl<R: BufRead> Read for Tap<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

impl<R: BufRead> Tracked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(to) = into.first_mut() else { return Ok(0) };
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(0) };
        self.input.consume(1);
        *to = byte;
        self.bytes += 1;
        self.line += u64::from(byte == b'\n');
        self.last = byte;
        if let Some(row) = &mut self.row {
            row.push(byte);
            if row.len() > self.row_max {
                return Err(io::Error::other(format!("a row over {} bytes", self.row_max)));
            }
        }
        Ok(1)
    }

    /// Goes on to the next document; false at the end.
    fn skip_space(&mut self) -> io::Result<bool> {
        loop {
            match self.input.fill_buf()?.first() {
                None => return Ok(false),
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.read(&mut [0])?;
                }
                // A byte-order mark, which only the start of a file has.
                Some(0xef) if self.bytes == 0 => {
                    for _ in 0..3 {
                        self.read(&mut [0])?;
                    }
                }
                Some(_) => return Ok(true),
            }
        }
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
    let tracked = RefCell::new(Tracked { input, bytes: 0, line: 1, last: 0, row: None, row_max });
    let mut failure = None;
    loop {
        let more = tracked.borrow_mut().skip_space();
        if !more.map_err(|error| Error::reading(Path::new(name), error))? {
            return Ok(());
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
        let (line, bytes) = (self.tracked.borrow().line, self.tracked.borrow().bytes);
        let mut rest = Object::new();
        let mut has_rows = false;
        while let Some(key) = map.next_key::<String>()? {
            if self.arrays.iter().any(|name| name.eq_ignore_ascii_case(&key)) {
                has_rows = true;
                let Self { arrays, tracked, sink, failure } = &mut self;
                let sink = &mut **sink;
                map.next_value_seed(Array(Document { arrays, tracked, sink, failure }))?;
            } else {
                rest.push((key, map.next_value()?));
            }
        }
        if has_rows {
            return Ok(());
        }
        // An object that stands for itself is a row, and this is the text it is told by.
        let object: serde_json::Map<String, Value> = rest.iter().cloned().collect();
        let raw = Value::Object(object).to_string();
        let found = Found { line, raw: raw.as_bytes(), object: Ok(rest) };
        self.give(found, bytes)
    }
}

impl<R> Document<'_, R> {
    fn array<'de, A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element_seed(Recorded(self.tracked))? {
            let (line, object) = element;
            let (row, bytes) = {
                let mut tracked = self.tracked.borrow_mut();
                (tracked.row.take().unwrap_or_default(), tracked.bytes)
            };
            let object = object.ok_or_else(|| "no JSON object".to_owned());
            self.give(Found { line, raw: row.trim_ascii(), object }, bytes)?;
        }
        Ok(())
    }

    fn give<E: serde::de::Error>(&mut self, found: Found<'_>, bytes: u64) -> Result<(), E> {
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
        let line = {
            let mut tracked = self.0.borrow_mut();
            // The parser has looked at the element's first byte.
            tracked.row = Some(vec![tracked.last]);
            tracked.line
        };
        Ok((line, Element.deserialize(from)?))
    }
}

/// What the start of a JSON text looks like.
#[derive(Debug, Default)]
pub(in crate::import) struct Start {
    /// The name of the array that has the rows, when it has one.
    pub(in crate::import) at: Option<String>,
    /// Whether the first line is an object by itself, and a row.
    pub(in crate::import) is_line: bool,
    /// The first row's members, as texts.
    pub(in crate::import) row: Vec<(String, String)>,
}

/// Looks at the first bytes of a JSON text, which may end anywhere.
pub(in crate::import) fn first_row(text: &[u8]) -> Start {
    let mut start = Start::default();
    let mut from = serde_json::Deserializer::from_slice(text);
    // An error is the end: of what was wanted, or of the text.
    let whole = from.deserialize_any(First(&mut start)).is_ok();
    let first_line = text.trim_ascii_start().split(|byte| *byte == b'\n').next();
    let is_object = first_line.is_some_and(|line| object_of(line.trim_ascii()).is_ok());
    start.is_line = start.at.is_none() && whole && is_object;
    start
}

/// Fills a [`Start`], and ends with an error as soon as it has a row of an array.
struct First<'s>(&'s mut Start);

impl<'de> Visitor<'de> for First<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if let Some(Some(object)) = seq.next_element_seed(Element)? {
            self.0.row = texts(object);
            return Err(serde::de::Error::custom("enough"));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let names = || FORMATS.iter().filter_map(|format| format.json).flatten();
        let mut row = Object::new();
        while let Some(key) = map.next_key::<String>()? {
            if names().any(|name| name.eq_ignore_ascii_case(&key)) {
                self.0.at = Some(key);
                return map.next_value_seed(FirstOf(self));
            }
            row.push((key, map.next_value()?));
        }
        self.0.row = texts(row);
        Ok(())
    }
}

/// The first row of an array in an object.
struct FirstOf<'s>(First<'s>);

impl<'de> DeserializeSeed<'de> for FirstOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self.0)
    }
}

fn texts(object: Object) -> Vec<(String, String)> {
    object.into_iter().map(|(name, value)| (name, text_of(&value))).collect()
}
