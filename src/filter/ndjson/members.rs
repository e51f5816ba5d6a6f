//! Which members of a line's object are read.

use super::super::columns::{Columns, means_address};
use super::super::options::{ColumnChoice, Options};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// As many members as a set of them has bits.
const MEMBERS_MAX: usize = 64;

/// How many of the first object's names a message shows, and how much of each.
const NAMES_SHOWN: usize = 12;
const NAME_CHARS_SHOWN: usize = 40;

/// What a member is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Email,
    Contact,
    List,
}

/// One step from a value to one inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    name: String,
    /// The same as a place in an array, if it can be one.
    index: Option<usize>,
}

/// A member to be read, and how it is reached.
#[derive(Debug)]
struct Member {
    wanted: Use,
    steps: Vec<Step>,
    /// As it was asked for.
    choice: String,
}

/// A set of members: bit *n* is member *n*.
pub(super) type Set = u64;

/// The members of a run.
#[derive(Debug)]
pub struct Members {
    members: Vec<Member>,
    first_names: Vec<String>,
    /// Those that some line had.
    seen: AtomicU64,
}

impl Members {
    /// The members asked for, in a file whose first object has these `names`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a pointer that is none, and, when no address
    /// member is asked for, when not exactly one of the names means an address.
    pub(super) fn of(names: Vec<String>, options: &Options) -> Result<Self> {
        let mut members = Vec::new();
        if options.email_columns.is_empty() {
            let name = address_member(&names)?;
            let steps = vec![Step::to(name.clone())];
            members.push(Member { wanted: Use::Email, steps, choice: name });
        }
        let emails = options.email_columns.iter().map(|choice| (Use::Email, choice));
        let contact = options.contact_column.iter().map(|choice| (Use::Contact, choice));
        let list = options.list_column.iter().map(|choice| (Use::List, choice));
        for (wanted, ColumnChoice(choice)) in emails.chain(contact).chain(list) {
            members.push(Member { wanted, steps: steps(choice)?, choice: choice.clone() });
        }
        if members.len() > MEMBERS_MAX {
            let message = format!("{} columns; NDJSON takes {MEMBERS_MAX}", members.len());
            return Err(Error::usage(message).with_hint("run the filter once for some of them"));
        }
        Ok(Self { members, first_names: names, seen: AtomicU64::new(0) })
    }

    /// The judge's view of them: which kinds of cells rows have.
    pub(super) fn columns(&self) -> Columns {
        let has = |wanted| self.members.iter().any(|member| member.wanted == wanted).then_some(0);
        Columns { emails: vec![0], contact: has(Use::Contact), list: has(Use::List) }
    }

    /// All members.
    pub(super) fn all(&self) -> Set {
        Set::MAX.checked_shr(64 - u32::try_from(self.members.len()).unwrap_or(64)).unwrap_or(0)
    }

    /// The numbers, and uses, of the members in `set`.
    pub(super) fn each(&self, set: Set) -> impl Iterator<Item = (usize, Use)> + '_ {
        let members = self.members.iter().enumerate();
        members.filter(move |(at, _)| set >> at & 1 == 1).map(|(at, member)| (at, member.wanted))
    }

    /// Those of `set` whose step number `depth` leads to the member `name` of an object.
    #[inline]
    pub(super) fn named(&self, set: Set, depth: usize, name: &str) -> Set {
        self.led(set, depth, |step| step.name == name)
    }

    /// Those of `set` whose step number `depth` leads to the element `index` of an array.
    pub(super) fn indexed(&self, set: Set, depth: usize, index: usize) -> Set {
        self.led(set, depth, |step| step.index == Some(index))
    }

    /// Those of `set` that are reached after `depth` steps.
    #[inline]
    pub(super) fn reached(&self, set: Set, depth: usize) -> Set {
        let mut reached = 0;
        for (at, member) in self.members.iter().enumerate() {
            reached |= u64::from(member.steps.len() == depth) << at;
        }
        reached & set
    }

    #[inline]
    fn led(&self, set: Set, depth: usize, leads: impl Fn(&Step) -> bool) -> Set {
        let mut led = 0;
        for (at, member) in self.members.iter().enumerate() {
            if set >> at & 1 == 1 && member.steps.get(depth).is_some_and(&leads) {
                led |= 1 << at;
            }
        }
        led
    }

    /// Notes that lines had the members of `set`.
    pub(super) fn note(&self, set: Set) {
        self.seen.fetch_or(set, Ordering::Relaxed);
    }

    /// Says which member no line had: a name that was mistyped would let the flags of every contact, or
    /// the opt-outs of every list, pass unseen.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), naming the members of the first object.
    pub(super) fn all_seen(&self) -> Result<()> {
        let missing = self.all() & !self.seen.load(Ordering::Relaxed);
        match self.members.get(missing.trailing_zeros() as usize) {
            Some(member) => {
                let names = shown(&self.first_names);
                let message = format!("no line has `{}`; the first has {names}", member.choice);
                Err(Error::usage(message).with_hint(
                    "give a member's name as it is written in the file, or a JSON pointer: `/contact/email`",
                ))
            }
            None => Ok(()),
        }
    }
}

impl Step {
    fn to(name: String) -> Self {
        // RFC 6901: digits without a leading zero.
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let plain = digits && (name == "0" || !name.starts_with('0'));
        let index = if plain { name.parse().ok() } else { None };
        Self { name, index }
    }
}

/// The way to a member: a name, or a JSON pointer.
fn steps(choice: &str) -> Result<Vec<Step>> {
    let Some(pointer) = choice.strip_prefix('/') else {
        return Ok(vec![Step::to(choice.to_owned())]);
    };
    pointer.split('/').map(|token| unescaped(token, choice).map(Step::to)).collect()
}

fn unescaped(token: &str, pointer: &str) -> Result<String> {
    let mut parts = token.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (stands_for, rest) = match part.split_at_checked(1) {
            Some(("0", rest)) => ('~', rest),
            Some(("1", rest)) => ('/', rest),
            _ => {
                return Err(Error::usage(format!("`{pointer}` is no JSON pointer"))
                    .with_hint("in a pointer `~0` stands for `~`, and `~1` for `/`"));
            }
        };
        name.push(stands_for);
        name.push_str(rest);
    }
    Ok(name)
}

/// The one name that means an address.
fn address_member(names: &[String]) -> Result<String> {
    let mut found: Vec<&String> = names.iter().filter(|name| means_address(name)).collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [name] => Ok((*name).clone()),
        [] => {
            let message =
                format!("no member of the first object means an address; it has {}", shown(names));
            Err(Error::usage(message).with_hint(
                "say --email-column NAME, or a JSON pointer: --email-column /contact/email",
            ))
        }
        several => {
            let names: Vec<String> = several.iter().map(|name| (*name).clone()).collect();
            let message = format!("{} members mean an address: {}", names.len(), shown(&names));
            Err(Error::usage(message)
                .with_hint("say --email-column NAME, once for each to be used"))
        }
    }
}

/// Names, quoted, for a message.
fn shown(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let short = |name: &String| {
        let short: String = name.chars().take(NAME_CHARS_SHOWN).collect();
        format!("`{}`", short.escape_debug())
    };
    let mut text = names.iter().take(NAMES_SHOWN).map(short).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN {
        text.push_str(&format!(" and {} more", names.len() - NAMES_SHOWN));
    }
    text
}
