//! One line → the cells of its members, decoded.
//!
//! The walk goes into a value only where a member that is wanted may be, and skips the rest unread. It
//! recurses as deep as the longest pointer has steps, and no deeper.

use super::members::{Members, Set, Use};
use super::{DEPTH_MAX, LineFault};
use crate::delimited::Cell;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A line's fault, and where in the line it shows.
type Fault = (usize, LineFault);

/// What was found in a line; the cells stand in the text it was read into.
#[derive(Debug, Default)]
pub(super) struct Found {
    emails: Vec<Cell>,
    contact: Option<Cell>,
    lists: Option<Vec<u8>>,
    list: Option<Cell>,
    seen: Set,
    fault: Option<&'static str>,
}

impl Found {
    /// Reads a line; its cells are appended to `text`.
    ///
    /// An address member that the line has not, that is null or an empty array, gives an empty cell.
    ///
    /// # Errors
    ///
    /// A [`LineFault`] when the line is no JSON object, or its contact or list can't be told.
    pub fn read(&mut self, line: &str, members: &Members, text: &mut Vec<u8>) -> Result<(), Fault> {
        self.emails.clear();
        (self.contact, self.list, self.lists, self.fault, self.seen) = (None, None, None, None, 0);
        let inner = members.all();
        walked(line, Walk { members, depth: 0, ends: 0, elements: 0, inner, found: self, text })?;
        if let Some(cause) = self.fault {
            return Err((0, LineFault::Member(cause)));
        }
        for (_, wanted) in members.each(inner & !self.seen) {
            if wanted == Use::Email {
                self.emails.push(append("", text));
            }
        }
        self.list = self.lists.take().map(|lists| {
            let start = text.len();
            text.extend_from_slice(&lists);
            Cell { start, end: text.len(), quoted: false }
        });
        Ok(())
    }

    /// The address cells, at least one.
    pub fn emails(&self) -> &[Cell] {
        &self.emails
    }

    /// The contact id.
    pub fn contact(&self) -> Option<Cell> {
        self.contact
    }

    /// The lists, `a;b`.
    pub fn list(&self) -> Option<Cell> {
        self.list
    }

    /// The members that the line has.
    pub fn seen(&self) -> Set {
        self.seen
    }
}

/// The names of the line's members, in their order.
///
/// # Errors
///
/// A [`LineFault`] when the line is no JSON object.
pub(super) fn names(line: &str) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    walked(line, Names(&mut names))?;
    Ok(names)
}

fn walked<'de, V: DeserializeSeed<'de>>(line: &'de str, seed: V) -> Result<V::Value, Fault> {
    if too_deep(line.as_bytes()) {
        return Err((0, LineFault::TooDeep));
    }
    if !line.trim_start_matches([' ', '\t', '\r']).starts_with('{') {
        return Err((0, LineFault::NoObject));
    }
    let mut decoder = serde_json::Deserializer::from_str(line);
    let value = seed.deserialize(&mut decoder);
    value.and_then(|value| decoder.end().map(|()| value)).map_err(|error| {
        let told = error.to_string();
        // The line is known better here, and the column is given as a byte of the file.
        let cause = told.rsplit_once(" at line ").map_or(told.as_str(), |(cause, _)| cause);
        (error.column().saturating_sub(1), LineFault::Syntax(cause.to_owned()))
    })
}

/// Says whether brackets are nested too deep. The decoder skips values without counting.
fn too_deep(line: &[u8]) -> bool {
    // Each level takes a bracket that opens and, in what is JSON, one that closes.
    if line.len() <= 2 * DEPTH_MAX {
        return false;
    }
    let opening = line.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if opening <= DEPTH_MAX {
        return false;
    }
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest > DEPTH_MAX
}

fn append(value: &str, text: &mut Vec<u8>) -> Cell {
    let start = text.len();
    text.extend_from_slice(value.as_bytes());
    Cell { start, end: text.len(), quoted: false }
}

/// One value on the way.
struct Walk<'a> {
    members: &'a Members,
    depth: usize,
    /// The members that are this value.
    ends: Set,
    /// The members that are the array this value is an element of.
    elements: Set,
    /// The members that may be inside of it.
    inner: Set,
    found: &'a mut Found,
    text: &'a mut Vec<u8>,
}

impl Walk<'_> {
    /// The walk of a value inside of this one, reached by the members of `led`.
    fn step(&mut self, led: Set, elements: Set) -> Walk<'_> {
        let depth = self.depth + 1;
        let ends = self.members.reached(led, depth);
        let inner = led & !ends;
        let Walk { members, found, text, .. } = self;
        Walk { members, depth, ends, elements, inner, found, text }
    }

    /// Takes a value that is a text, or none.
    fn take(&mut self, value: Option<&str>) {
        let all = self.ends | self.elements;
        self.found.seen |= all;
        for (at, wanted) in self.members.each(all) {
            match (wanted, value) {
                (Use::Email, value) => {
                    self.found.emails.push(append(value.unwrap_or_default(), self.text));
                }
                (_, None) => {}
                (Use::Contact, Some(id)) => self.found.take_contact(id.trim(), self.text),
                (Use::List, Some(lists)) => {
                    // In an array each element is one list, and no list's cell holds a `;`.
                    if self.elements >> at & 1 == 1 && lists.contains(';') {
                        self.found.fault = Some("a list in the line's array holds a `;`");
                    }
                    let all = self.found.lists.get_or_insert_default();
                    all.extend_from_slice(lists.as_bytes());
                    all.push(b';');
                }
            }
        }
    }

    /// Takes a value of a type that is no address, no contact and no list.
    fn refuse(&mut self, set: Set) {
        self.found.seen |= set;
        for (_, wanted) in self.members.each(set) {
            match wanted {
                Use::Email => self.found.emails.push(append("", self.text)),
                Use::Contact => {
                    self.found.fault = Some("the line's contact is neither a text nor an integer");
                }
                Use::List => {
                    self.found.fault =
                        Some("the line's list is neither a text nor an array of texts");
                }
            }
        }
    }

    /// Takes an integer: a contact's id may be one.
    fn take_integer(&mut self, digits: &str) {
        let all = self.ends | self.elements;
        for (at, wanted) in self.members.each(all) {
            if wanted == Use::Contact && self.elements == 0 {
                self.found.seen |= 1 << at;
                self.found.take_contact(digits, self.text);
            } else {
                self.refuse(1 << at);
            }
        }
    }

    fn wants_nothing(&self) -> bool {
        self.ends | self.elements | self.inner == 0
    }
}

impl Found {
    /// One contact's flags are asked for: two ids are a question without an answer.
    fn take_contact(&mut self, id: &str, text: &mut Vec<u8>) {
        match self.contact {
            Some(other) if other.raw(text) != id.as_bytes() => {
                self.fault = Some("the line has two contacts");
            }
            Some(_) => {}
            None => self.contact = Some(append(id, text)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.wants_nothing() {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    #[inline]
    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.take(Some(value));
        Ok(())
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.take(None);
        Ok(())
    }

    fn visit_bool<E>(mut self, _: bool) -> Result<(), E> {
        self.refuse(self.ends | self.elements);
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.take_integer(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.take_integer(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(mut self, _: f64) -> Result<(), E> {
        self.refuse(self.ends | self.elements);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        // An array in an array of addresses is none; nor is a contact's id an array.
        self.refuse(self.elements);
        let mut of_all = 0;
        for (at, wanted) in self.members.each(self.ends) {
            if wanted == Use::Contact {
                self.refuse(1 << at);
            } else {
                of_all |= 1 << at;
            }
        }
        let mut index = 0;
        loop {
            let led = self.members.indexed(self.inner, self.depth, index);
            let step = self.step(led, of_all);
            if elements.next_element_seed(step)?.is_none() {
                break;
            }
            index += 1;
        }
        for (_, wanted) in self.members.each(of_all) {
            // Without any element there is no address.
            if index == 0 && wanted == Use::Email {
                self.found.emails.push(append("", self.text));
            }
        }
        self.found.seen |= of_all;
        Ok(())
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.refuse(self.ends | self.elements);
        let (members, inner, depth) = (self.members, self.inner, self.depth);
        while let Some(led) = entries.next_key_seed(Name { members, inner, depth })? {
            if led == 0 {
                entries.next_value::<IgnoredAny>()?;
            } else {
                entries.next_value_seed(self.step(led, 0))?;
            }
        }
        Ok(())
    }
}

/// The name of an object's member → the members it leads to.
struct Name<'a> {
    members: &'a Members,
    inner: Set,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Set;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Set, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Set;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Set, E> {
        Ok(self.members.named(self.inner, self.depth, name))
    }
}

/// Gathers the names of an object's members.
struct Names<'a>(&'a mut Vec<String>);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some((name, IgnoredAny)) = entries.next_entry::<String, IgnoredAny>()? {
            self.0.push(name);
        }
        Ok(())
    }
}
