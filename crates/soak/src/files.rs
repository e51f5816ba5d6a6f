//! Files to import, and what their rows mean.

use crate::dice::Dice;
use crate::model::{ALL, BULK, Classes, LISTS, Row, SUPPRESSION_REASONS, TRANSACTIONAL};
use crate::people::{People, rule_domain};
use base64::Engine as _;
use quell::address::Policy;
use quell::record::{Kind, Timestamp};

/// A native file.
#[derive(Debug, Clone)]
pub struct NativeText {
    /// The kind of its records.
    pub kind: Kind,
    /// Its bytes.
    pub text: Vec<u8>,
    /// What they mean.
    pub rows: Vec<Row>,
}

/// What files are made of.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'p> {
    /// Everybody.
    pub people: &'p People,
    /// How addresses become keys.
    pub policy: Policy,
    /// How many contacts there are.
    pub contacts: usize,
    /// The instant of the step.
    pub now: i64,
}

/// How far apart two steps are, in microseconds.
pub const STEP_MICROS: i64 = 1_000_000_000;

/// A cell, quoted when it must be, and now and then when it need not.
pub fn write_cell(dice: &mut Dice<'_>, text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    if text.bytes().any(special) || dice.chance(6) {
        out.push(b'"');
        for (at, part) in text.split('"').enumerate() {
            out.extend_from_slice(if at > 0 { b"\"\"" } else { b"" });
            out.extend_from_slice(part.as_bytes());
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The people that most changes and many rows are about, so that they meet: the first so many keys.
#[must_use]
pub fn hot(keys: usize) -> usize {
    keys.min(20 + keys / 50)
}

/// The word of a record's class, and what it stands for where none stands for `default`.
fn class_word(dice: &mut Dice<'_>, default: Classes) -> (&'static str, Classes) {
    match dice.below(10) {
        0 => ("bulk", BULK),
        1 => ("transactional", TRANSACTIONAL),
        2 => ("all", ALL),
        3 => ("Transactional", TRANSACTIONAL),
        _ => ("", default),
    }
}

fn a_list(dice: &mut Dice<'_>) -> usize {
    dice.below(LISTS.len())
}

/// Some time that means nothing to any decision.
fn at(dice: &mut Dice<'_>) -> String {
    const TIMES: [&str; 6] = [
        "",
        "2024-03-01T09:30:00Z",
        "2024-03-01 09:30",
        "1709285400",
        "Fri, 01 Mar 2024 09:30:00 +0000",
        "2024-03-01",
    ];
    (*dice.pick(&TIMES)).to_owned()
}

impl Maker<'_> {
    /// A key, one that much happens to more often than not.
    pub fn key(&self, dice: &mut Dice<'_>) -> u32 {
        let keys = self.people.keys.len();
        let among = if dice.chance(60) { hot(keys) } else { keys };
        dice.below(among) as u32
    }

    fn spelled(&self, dice: &mut Dice<'_>, key: u32) -> String {
        let spelling = self.people.spelling_of(dice, key);
        self.people.spellings[spelling as usize].text.clone()
    }

    /// When a suppression ends: often within some steps, and at the very instant of one.
    fn expiry(&self, dice: &mut Dice<'_>) -> (String, Option<i64>) {
        if dice.chance(50) {
            return (String::new(), None);
        }
        let steps = dice.below(30) as i64 - 4;
        let beside = [-1, 0, 0, 1, 1_000_000][dice.below(5)];
        let micros = self.now + steps * STEP_MICROS + beside;
        let text = if micros % 1_000_000 == 0 && dice.chance(50) {
            (micros / 1_000_000).to_string()
        } else {
            Timestamp::from_micros(micros).to_string()
        };
        (text, Some(micros))
    }

    /// A file of `kind` with `count` rows.
    #[must_use]
    pub fn file(&self, dice: &mut Dice<'_>, kind: Kind, count: usize) -> NativeText {
        let header: &[&str] = match kind {
            Kind::Contacts => &["contact_id", "email", "bulk_email", "email_allowed", "at"],
            Kind::Unsubscribes => &["email", "list", "state", "class", "at", "source"],
            Kind::Preferences => &["email", "list", "preference", "at", "source"],
            Kind::Suppressions => &["email", "reason", "class", "at", "expires_at", "source"],
            Kind::Domains => &["domain", "subdomains", "at", "source"],
            Kind::Digests => &["digest", "algorithm", "list", "class", "source"],
        };
        let mut order: Vec<usize> = (0..header.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        let delimiter = [b',', b',', b',', b',', b';', b'\t'][dice.below(6)];
        let extra = dice.chance(20);
        let mut text = Vec::new();
        let mut line = |dice: &mut Dice<'_>, cells: &[String], more: &str| {
            for (place, column) in order.iter().enumerate() {
                if place > 0 {
                    text.push(delimiter);
                }
                write_cell(dice, &cells[*column], delimiter, &mut text);
            }
            if extra {
                text.push(delimiter);
                text.extend_from_slice(more.as_bytes());
            }
            text.push(b'\n');
        };
        let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        line(dice, &names, "note");
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let (cells, row) = self.row(dice, kind);
            line(dice, &cells, "anything");
            rows.push(row);
        }
        NativeText { kind, text, rows }
    }

    fn row(&self, dice: &mut Dice<'_>, kind: Kind) -> (Vec<String>, Row) {
        let source = if dice.chance(20) { "crm" } else { "" }.to_owned();
        match kind {
            Kind::Contacts => self.contact(dice),
            Kind::Unsubscribes => {
                let key = self.key(dice);
                let list = dice.chance(50).then(|| a_list(dice));
                let (word, classes) = class_word(dice, BULK);
                let state = ["", "active", "inactive"][dice.below(3)].to_owned();
                let name = list.map_or("", |list| LISTS[list]).to_owned();
                let text = self.spelled(dice, key);
                let cells = vec![text, name, state, word.to_owned(), at(dice), source];
                (cells, Row::Unsubscribe { key, list, classes })
            }
            Kind::Preferences => {
                let (key, list, out) = (self.key(dice), a_list(dice), dice.chance(50));
                let word = if out { "Out" } else { "In" }.to_owned();
                let text = self.spelled(dice, key);
                let cells = vec![text, LISTS[list].to_owned(), word, at(dice), source];
                (cells, Row::Preference { key, list, out })
            }
            Kind::Suppressions => {
                let key = self.key(dice);
                let (reason_word, reason) = *dice.pick(&SUPPRESSION_REASONS);
                let (word, classes) = class_word(dice, ALL);
                let (expires_text, expires) = self.expiry(dice);
                let (text, at) = (self.spelled(dice, key), at(dice));
                let cells =
                    vec![text, reason_word.to_owned(), word.to_owned(), at, expires_text, source];
                (cells, Row::Suppression { key, reason, classes, expires })
            }
            Kind::Domains => {
                let (text, domains) = rule_domain(dice, self.policy);
                // Of the few domains that many are below, hardly ever: everybody would be covered.
                let dots = domains[0].matches('.').count();
                let subdomains = dice.chance(if dots > 1 { 50 } else { 4 });
                let word = match subdomains {
                    true => ["true", "1"][dice.below(2)],
                    false => ["", "false", "0"][dice.below(3)],
                };
                let cells = vec![text, word.to_owned(), at(dice), source];
                (cells, Row::Domain { domains, subdomains })
            }
            Kind::Digests => self.digest(dice, source),
        }
    }

    fn contact(&self, dice: &mut Dice<'_>) -> (Vec<String>, Row) {
        let among = if dice.chance(50) { hot(self.contacts) } else { self.contacts };
        let number = dice.below(among);
        // Most contacts stay where they are: the key is made of the number.
        let home = Dice::of_part(number as u64, 1).below(self.people.keys.len()) as u32;
        let key = if dice.chance(6) { self.key(dice) } else { home };
        let mut flag = || match dice.below(10) {
            0..=3 => (["Allow", "true", "1"][dice.below(3)], Some(false)),
            4 | 5 => (["Do Not Allow", "false", "0"][dice.below(3)], Some(true)),
            _ => ("", None),
        };
        let ((bulk, bulk_denied), (email, email_denied)) = (flag(), flag());
        let text = self.spelled(dice, key);
        let cells = vec![format!("C{number}"), text, bulk.to_owned(), email.to_owned(), at(dice)];
        (cells, Row::Contact { contact: number as u32, key, bulk_denied, email_denied })
    }

    fn digest(&self, dice: &mut Dice<'_>, source: String) -> (Vec<String>, Row) {
        let (form, text) = match dice.below(12) {
            // Of nobody, and with something around it that no list takes off.
            0 => (None, "nobody@nowhere.test".to_owned()),
            // Not of the empty text, which is refused.
            1 => {
                let form = self.people.invalid[1 + dice.below(self.people.invalid.len() - 1)];
                (Some(form), self.people.forms[form as usize].clone())
            }
            _ => {
                let key = self.key(dice);
                let spelling = self.people.spelling_of(dice, key);
                let form = *dice.pick(&self.people.spellings[spelling as usize].forms);
                (Some(form), self.people.forms[form as usize].clone())
            }
        };
        let (algorithm, digest) = digest_of(dice.below(4), text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let standard = base64::engine::general_purpose::STANDARD.encode(&digest);
        let written = match dice.below(8) {
            0 => hex.to_uppercase(),
            1 => format!("{algorithm}:{hex}"),
            2 => format!("0x{hex}"),
            3 => standard,
            4 => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest),
            _ => hex,
        };
        let named = if dice.chance(50) { algorithm.to_owned() } else { String::new() };
        let list = dice.chance(50).then(|| a_list(dice));
        let name = list.map_or("", |list| LISTS[list]).to_owned();
        let (word, classes) = class_word(dice, BULK);
        let cells = vec![written, named, name, word.to_owned(), source];
        (cells, Row::Digest { form, list, classes })
    }
}

fn digest_of(algorithm: usize, text: &[u8]) -> (&'static str, Vec<u8>) {
    use sha2::Digest as _;
    match algorithm {
        0 => ("md5", md5::Md5::digest(text).to_vec()),
        1 => ("sha1", sha1::Sha1::digest(text).to_vec()),
        2 => ("sha256", sha2::Sha256::digest(text).to_vec()),
        _ => ("sha512", sha2::Sha512::digest(text).to_vec()),
    }
}
