//! What quell promises, stated once more: contract sections 2 and 4, from their text and not from the code.
//!
//! Plain on purpose. Every record ever taken in is a value here, and a decision reads all of them that
//! concern the row. Addresses are never parsed: [`People`] knows whose each spelling is.

use crate::people::People;
use std::collections::HashMap;

/// The reasons of contract section 2 in their order, and `duplicate` behind them.
pub const REASONS: [&str; 12] = [
    "invalid_address",
    "email_denied",
    "complaint",
    "bounce",
    "invalid",
    "manual",
    "domain",
    "bulk_email_denied",
    "unsubscribed",
    "opted_out",
    "digest",
    "duplicate",
];

/// A set of reasons: a bit each, in the order of [`REASONS`].
pub type Reasons = u16;

const INVALID_ADDRESS: Reasons = 1;
const EMAIL_DENIED: Reasons = 1 << 1;
const DOMAIN: Reasons = 1 << 6;
const MANUAL: usize = 5;
const BULK_EMAIL_DENIED: Reasons = 1 << 7;
const UNSUBSCRIBED: Reasons = 1 << 8;
const OPTED_OUT: Reasons = 1 << 9;
const DIGEST: Reasons = 1 << 10;
const DUPLICATE: Reasons = 1 << 11;

/// What a suppression may be for, and its place among [`REASONS`].
pub const SUPPRESSION_REASONS: [(&str, usize); 4] =
    [("complaint", 2), ("bounce", 3), ("invalid", 4), ("manual", 5)];

/// The lists there are. Their names are no trouble to nobody but whoever forgets to quote.
pub const LISTS: [&str; 5] = ["news", "offers", "événements", "a, \"quoted\" list", "x"];

/// A set of lists: a bit each, in the order of [`LISTS`].
pub type Lists = u8;

/// A set of kinds of send.
pub type Classes = u8;

/// The kind of send *bulk*.
pub const BULK: Classes = 1;
/// The kind of send *transactional*.
pub const TRANSACTIONAL: Classes = 2;
/// Both kinds.
pub const ALL: Classes = BULK | TRANSACTIONAL;

/// A contact's flags where it is, or where it was: what is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Denied {
    /// *Bulk Email* is Do Not Allow.
    pub bulk: bool,
    /// *Email* is Do Not Allow.
    pub email: bool,
}

impl Denied {
    fn and(self, other: Self) -> Self {
        Self { bulk: self.bulk || other.bulk, email: self.email || other.email }
    }

    fn reasons(self) -> Reasons {
        let bulk = if self.bulk { BULK_EMAIL_DENIED } else { 0 };
        bulk | if self.email { EMAIL_DENIED } else { 0 }
    }
}

/// A contact and the key of the address it has.
#[derive(Debug, Clone, Copy)]
struct Contact {
    key: u32,
    denied: Denied,
}

/// Every record of one key, but for the contacts that have it.
#[derive(Debug, Clone, Default)]
struct Records {
    /// Contacts that have the key now.
    contacts: Vec<u32>,
    /// What contacts that have another address since left behind here.
    former: Denied,
    /// The kinds of send that unsubscribes from everything block.
    everywhere: Classes,
    /// The kinds of send that unsubscribes block, by list.
    lists: [Classes; LISTS.len()],
    /// The lists with a preference *Out*.
    out: Lists,
    /// The person had the address erased: it is withheld from everything, for this one reason, and what was and
    /// is recorded of it waits until that is lifted.
    erased: bool,
    /// Reason (its place among [`REASONS`]), kinds of send, and since when it counts no more.
    suppressions: Vec<(usize, Classes, Option<i64>)>,
}

/// A row of an import, as far as it matters.
#[derive(Debug, Clone)]
pub enum Row {
    /// A contact; a flag is `None` to leave it as it is, else whether it is denied.
    Contact {
        /// Its number.
        contact: u32,
        /// The key of its address.
        key: u32,
        /// What *Bulk Email* says.
        bulk_denied: Option<bool>,
        /// What *Email* says.
        email_denied: Option<bool>,
    },
    /// An unsubscribe, from a list or everything.
    Unsubscribe {
        /// Whose.
        key: u32,
        /// From which list; from everything without one.
        list: Option<usize>,
        /// The kinds of send.
        classes: Classes,
    },
    /// A preference.
    Preference {
        /// Whose.
        key: u32,
        /// For which list.
        list: usize,
        /// Whether it is *Out*.
        out: bool,
    },
    /// A suppression.
    Suppression {
        /// Whose.
        key: u32,
        /// Its place among [`REASONS`].
        reason: usize,
        /// The kinds of send.
        classes: Classes,
        /// When it stops counting.
        expires: Option<i64>,
    },
    /// A domain rule: the domain named first, and what the policy calls it besides.
    Domain {
        /// The domains as in keys.
        domains: Vec<String>,
        /// Whether subdomains are covered: of the first alone.
        subdomains: bool,
    },
    /// A digest of a form.
    Digest {
        /// What was digested, among [`People::forms`]; `None` for something no cell holds.
        form: Option<u32>,
        /// For which list; for everything without one.
        list: Option<usize>,
        /// The kinds of send.
        classes: Classes,
    },
}

/// What stands in a cell for addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// A spelling, among [`People::spellings`].
    Address(u32),
    /// Two of them in one cell.
    Two(u32, u32),
    /// Nothing that could be an address, with what a digest of it is of.
    Invalid(u32),
    /// No cell at all, in a row that is too short.
    Missing,
}

/// A row of a batch, as far as it matters.
#[derive(Debug, Clone, Copy)]
pub struct Recipient {
    /// The address cells; the second is [`Cell::Missing`] and does not count in batches of one column.
    pub cells: [Cell; 2],
    /// The contact's number, which may be nobody's.
    pub contact: Option<u32>,
    /// The lists the row names.
    pub lists: Lists,
}

/// What is asked for all rows of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// One kind of send.
    pub class: Classes,
    /// The lists of the batch.
    pub lists: Lists,
    /// The instant.
    pub now: i64,
    /// How many address columns there are.
    pub columns: usize,
    /// Whether unusable addresses withhold nothing.
    pub keep_invalid: bool,
    /// Whether a key already kept withholds.
    pub dedupe: bool,
}

/// Why a row is withheld; not at all when both are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// The reasons.
    pub reasons: Reasons,
    /// The lists opted out of, of those the row is sent for.
    pub lists: Lists,
    /// Reasons that hold without withholding the row; whether they are named is left open.
    pub silent: Reasons,
}

/// Every record of a sender.
#[derive(Debug, Clone, Default)]
pub struct World {
    records: Vec<Records>,
    contacts: HashMap<u32, Contact>,
    /// Whether the rule of a domain covers its subdomains.
    rules: HashMap<String, bool>,
    /// Whether a rule covers a domain of [`People::domains`].
    covered: Vec<bool>,
    /// What digests of a form block: of everything or of a list.
    digests: HashMap<u32, Vec<(Option<usize>, Classes)>>,
}

impl World {
    /// Nothing is known of anybody.
    #[must_use]
    pub fn new(people: &People) -> Self {
        Self {
            records: vec![Records::default(); people.keys.len()],
            covered: vec![false; people.domains.len()],
            ..Self::default()
        }
    }

    /// Applies an import's rows, in their order.
    pub fn import(&mut self, people: &People, rows: &[Row]) {
        self.import_contacts(rows);
        for row in rows {
            match row {
                Row::Contact { .. } => {}
                Row::Unsubscribe { key, list, classes } => self.block(*key, *list, *classes),
                Row::Preference { key, list, out } => {
                    if *out {
                        self.records[*key as usize].out |= 1 << list;
                    }
                }
                Row::Suppression { key, reason, classes, expires } => {
                    let suppressions = &mut self.records[*key as usize].suppressions;
                    let record = (*reason, *classes, *expires);
                    if !suppressions.contains(&record) {
                        suppressions.push(record);
                    }
                }
                Row::Domain { domains, subdomains } => {
                    for (at, domain) in domains.iter().enumerate() {
                        let covers = self.rules.entry(domain.clone()).or_insert(false);
                        *covers |= *subdomains && at == 0;
                    }
                    self.covered = people.domains.iter().map(|name| self.covers(name)).collect();
                }
                Row::Digest { form: Some(form), list, classes } => {
                    self.digests.entry(*form).or_default().push((*list, *classes));
                }
                Row::Digest { form: None, .. } => {}
            }
        }
    }

    /// Contacts: a flag that says Allow changes nothing, and a contact takes its flags along.
    fn import_contacts(&mut self, rows: &[Row]) {
        let mut of_contact: HashMap<u32, (Vec<u32>, Denied)> = HashMap::new();
        for row in rows {
            if let Row::Contact { contact, key, bulk_denied, email_denied } = row {
                let (keys, denied) = of_contact.entry(*contact).or_default();
                keys.push(*key);
                let said =
                    Denied { bulk: *bulk_denied == Some(true), email: *email_denied == Some(true) };
                *denied = denied.and(said);
            }
        }
        for (contact, (keys, said)) in of_contact {
            let Some(&key) = keys.last() else { continue };
            let old = self.contacts.get(&contact).copied();
            let denied = old.map_or(said, |old| old.denied.and(said));
            // Other addresses of the file count as left, with the flags the contact ends with.
            for left in keys.iter().filter(|left| **left != key) {
                let former = &mut self.records[*left as usize].former;
                *former = former.and(denied);
            }
            if let Some(old) = old
                && old.key != key
            {
                let left = &mut self.records[old.key as usize];
                left.contacts.retain(|other| *other != contact);
                left.former = left.former.and(old.denied);
            }
            let there = &mut self.records[key as usize].contacts;
            if !there.contains(&contact) {
                there.push(contact);
            }
            self.contacts.insert(contact, Contact { key, denied });
        }
    }

    fn block(&mut self, key: u32, list: Option<usize>, classes: Classes) {
        let records = &mut self.records[key as usize];
        match list {
            None => records.everywhere |= classes,
            Some(list) => records.lists[list] |= classes,
        }
    }

    /// One unsubscribe, which denies bulk mail to every contact with the key when it is from everything.
    pub fn unsubscribe(&mut self, key: u32, list: Option<usize>, classes: Classes) {
        self.block(key, list, classes);
        if list.is_none() && classes & BULK != 0 {
            for contact in &self.records[key as usize].contacts {
                if let Some(contact) = self.contacts.get_mut(contact) {
                    contact.denied.bulk = true;
                }
            }
        }
    }

    /// An erasure.
    pub fn erase(&mut self, key: u32) {
        self.records[key as usize].erased = true;
    }

    /// A resubscribe with permission: everything asked for is gone. Of an erased address it must name `manual`;
    /// it is refused otherwise, and this is `false`.
    pub fn resubscribe(
        &mut self,
        key: u32,
        lists: Lists,
        all_lists: bool,
        include: &[usize],
    ) -> bool {
        let records = &mut self.records[key as usize];
        if records.erased && !include.contains(&MANUAL) {
            return false;
        }
        records.erased = false;
        if lists == 0 || all_lists {
            records.everywhere = 0;
            records.former = Denied::default();
            for contact in &records.contacts {
                if let Some(contact) = self.contacts.get_mut(contact) {
                    contact.denied = Denied::default();
                }
            }
        }
        for list in 0..LISTS.len() {
            if all_lists || lists & 1 << list != 0 {
                records.lists[list] = 0;
                records.out &= !(1 << list);
            }
        }
        records.suppressions.retain(|(reason, ..)| !include.contains(reason));
        true
    }

    /// Whether a rule covers a domain: its own, or one of a parent that covers subdomains.
    fn covers(&self, domain: &str) -> bool {
        if self.rules.contains_key(domain) {
            return true;
        }
        let mut parent = domain;
        while let Some((_, rest)) = parent.split_once('.') {
            if domain.starts_with('[') {
                return false;
            }
            parent = rest;
            if self.rules.get(parent) == Some(&true) {
                return true;
            }
        }
        false
    }

    /// Why mail to one address is withheld, apart from the row's contact.
    fn of_address(&self, people: &People, spelling: u32, ask: &Question, lists: Lists) -> Verdict {
        let spelling = &people.spellings[spelling as usize];
        let key = &people.keys[spelling.key as usize];
        let records = &self.records[spelling.key as usize];
        let mut verdict = Verdict::default();
        if self.covered[key.domain as usize] {
            verdict.reasons |= DOMAIN;
        }
        if spelling.forms.iter().any(|form| self.is_digested(*form, ask, lists)) {
            verdict.reasons |= DIGEST;
        }
        if records.erased {
            verdict.reasons |= 1 << MANUAL;
            return verdict;
        }
        let mut denied = records.former;
        for contact in &records.contacts {
            denied = denied.and(self.contacts.get(contact).map(|c| c.denied).unwrap_or_default());
        }
        verdict.reasons |= denied.reasons();
        for (reason, classes, expires) in &records.suppressions {
            if classes & ask.class != 0 && expires.is_none_or(|expires| ask.now < expires) {
                verdict.reasons |= 1 << reason;
            }
        }
        if records.everywhere & ask.class != 0 {
            verdict.reasons |= UNSUBSCRIBED;
        }
        for list in (0..LISTS.len()).filter(|list| lists & 1 << list != 0) {
            let out = ask.class == BULK && records.out & 1 << list != 0;
            if out || records.lists[list] & ask.class != 0 {
                verdict.reasons |= OPTED_OUT;
                verdict.lists |= 1 << list;
            }
        }
        verdict
    }

    fn is_digested(&self, form: u32, ask: &Question, lists: Lists) -> bool {
        !self.digests.is_empty()
            && self.digests.get(&form).is_some_and(|blocks| {
                blocks.iter().any(|(list, classes)| {
                    classes & ask.class != 0 && list.is_none_or(|list| lists & 1 << list != 0)
                })
            })
    }

    /// Why a row is withheld, before what was kept already counts.
    #[must_use]
    pub fn judge(&self, people: &People, row: &Recipient, ask: &Question) -> Verdict {
        let lists = ask.lists | row.lists;
        let mut verdict = Verdict::default();
        let mut add = |more: Verdict| {
            verdict.reasons |= more.reasons;
            verdict.lists |= more.lists;
        };
        for cell in row.cells.iter().take(ask.columns) {
            match *cell {
                Cell::Address(spelling) => add(self.of_address(people, spelling, ask, lists)),
                Cell::Two(one, other) => {
                    add(self.of_address(people, one, ask, lists));
                    add(self.of_address(people, other, ask, lists));
                }
                Cell::Invalid(form) => {
                    let digested = if self.is_digested(form, ask, lists) { DIGEST } else { 0 };
                    add(Verdict { reasons: INVALID_ADDRESS | digested, ..Verdict::default() });
                }
                Cell::Missing => add(Verdict { reasons: INVALID_ADDRESS, ..Verdict::default() }),
            }
        }
        if let Some(contact) = row.contact.and_then(|contact| self.contacts.get(&contact)) {
            verdict.reasons |= contact.denied.reasons();
        }
        if ask.class == TRANSACTIONAL {
            verdict.reasons &= !BULK_EMAIL_DENIED;
        }
        if ask.keep_invalid && verdict.reasons & INVALID_ADDRESS != 0 {
            verdict.reasons &= !INVALID_ADDRESS;
            verdict.silent |= INVALID_ADDRESS;
        }
        verdict
    }

    /// How many keys have a record that blocks something, roughly: for a report.
    #[must_use]
    pub fn blocked_keys(&self) -> usize {
        let blocks = |records: &&Records| {
            records.everywhere != 0
                || records.former != Denied::default()
                || records.lists.iter().any(|classes| *classes != 0)
                || records.out != 0
                || !records.suppressions.is_empty()
        };
        self.records.iter().filter(blocks).count()
    }
}

/// The keys that were kept, when each may be kept but once.
#[derive(Debug)]
pub struct Kept {
    keys: Vec<bool>,
}

impl Kept {
    /// Nothing was kept yet.
    #[must_use]
    pub fn new(people: &People) -> Self {
        Self { keys: vec![false; people.keys.len()] }
    }

    /// Applies what was kept before to the verdict of the next row, and remembers the row if it is kept.
    pub fn see(&mut self, people: &People, row: &Recipient, columns: usize, verdict: &mut Verdict) {
        let keys = row.cells.iter().take(columns).flat_map(|cell| match *cell {
            Cell::Address(one) => [Some(one), None],
            Cell::Two(one, other) => [Some(one), Some(other)],
            Cell::Invalid(_) | Cell::Missing => [None, None],
        });
        let keys: Vec<usize> = keys
            .flatten()
            .map(|spelling| people.spellings[spelling as usize].key as usize)
            .collect();
        if keys.iter().any(|key| self.keys[*key]) {
            if verdict.reasons == 0 {
                verdict.reasons = DUPLICATE;
            } else {
                verdict.silent |= DUPLICATE;
            }
        }
        if verdict.reasons == 0 {
            keys.iter().for_each(|key| self.keys[*key] = true);
        }
    }
}
