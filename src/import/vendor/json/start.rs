//! What JSON is, by its first bytes.

use super::super::FORMATS;
use super::{Element, Object, object_of, text_of};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

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
