//! One person: everything that is recorded of an address, what follows from it, and what happened.

use super::fields::{LiftFields, StopFields};
use super::layout::{Page, Place, When, html_with};
use super::tell::{EventView, WhyView, stops, suppression};
use crate::action::check::answer;
use crate::action::words;
use crate::address::KeyBuffer;
use crate::error::Result;
use crate::ledger::{Record, StoredRecord};
use crate::record::{Choice, Class, Contact, Flag, Query, Timestamp, UnsubscribeState};
use crate::service::access::Caller;
use crate::service::answer::blocking;
use crate::service::{Problem, State};
use crate::store::Reader;
use askama::Template;
use axum::Extension;
use axum::extract::{self, Query as Asked};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeSet;

/// So many lists that the person has no record of are told of; the others are like bulk mail without a list.
const OTHER_LISTS_MAX: usize = 40;
/// So many names of lists are offered in the form to unsubscribe.
const OFFERED_LISTS_MAX: usize = 200;

/// Whom a page is about, and what was just done.
#[derive(Deserialize)]
pub(super) struct Whom {
    address: String,
    /// The generation that holds an unsubscribe that was just recorded.
    #[serde(default)]
    recorded: Option<u64>,
}

/// A kind of send and whether it may go out.
pub(super) struct SendView {
    name: String,
    is_list: bool,
    why: Vec<WhyView>,
}

struct ContactView {
    id: String,
    address: String,
    bulk_email: Flag,
    email_allowed: Flag,
    at: Option<When>,
    former: bool,
}

/// An unsubscribe, a preference, a suppression, or what covers the address from outside.
struct RecordView {
    what: String,
    note: Option<&'static str>,
    blocks: bool,
    stops: &'static str,
    at: Option<When>,
    until: Option<When>,
    source: Option<String>,
    recorded_at: Option<When>,
    spelling: Option<String>,
}

/// What a look at the store gave.
pub(super) struct Person {
    address: String,
    key: String,
    erased: Option<When>,
    sends: Vec<SendView>,
    other_lists: Vec<SendView>,
    more_lists: usize,
    contacts: Vec<ContactView>,
    records: Vec<RecordView>,
    outside: Vec<RecordView>,
    history: Vec<EventView>,
    /// What there is to lift.
    liftable: Liftable,
    known_lists: Vec<String>,
    generation: u64,
}

/// What a resubscribe could lift here.
#[derive(Default)]
struct Liftable {
    contacts: usize,
    unsubscribes: usize,
    lists: BTreeSet<String>,
    suppressions: BTreeSet<SuppressionReasonView>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SuppressionReasonView {
    word: &'static str,
    words: &'static str,
    own_act: bool,
}

#[derive(Template)]
#[template(path = "console/person.html")]
struct PersonPage {
    page: Page,
    person: Person,
    lift: LiftFields,
    stop: StopFields,
    recorded: Option<u64>,
}

/// `GET /console/person`.
pub(super) async fn person(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Asked(whom): Asked<Whom>,
) -> Result<Response, Problem> {
    let lift = LiftFields::new(&whom.address, &caller.name);
    let stop = StopFields::default();
    let shown = Shown { lift, stop, recorded: whom.recorded, status: StatusCode::OK };
    show(&state, &caller, whom.address, shown).await
}

/// What a page shows besides what is recorded: forms as they were filled in.
pub(super) struct Shown {
    pub lift: LiftFields,
    pub stop: StopFields,
    pub recorded: Option<u64>,
    pub status: StatusCode,
}

/// The page of a person.
pub(super) async fn show(
    state: &State,
    caller: &Caller,
    address: String,
    shown: Shown,
) -> Result<Response, Problem> {
    let person = blocking(state, move |state| {
        let now = state.now();
        state.live().read(now, |reader| Person::look_up(reader, &address, now))
    })
    .await?;
    let page = Page::new(Place::Search, caller);
    let Shown { mut lift, stop, recorded, status } = shown;
    if lift.is_untouched() {
        lift.global = person.liftable.contacts + person.liftable.unsubscribes > 0;
    }
    Ok(html_with(status, &PersonPage { page, person, lift, stop, recorded }))
}

impl Person {
    fn look_up(reader: &Reader<'_>, address: &str, now: Timestamp) -> Result<Self> {
        let address = address.trim();
        let mut buffer = KeyBuffer::default();
        let key = words::key(reader.policy(), address, &mut buffer)?;
        let view = reader.view();
        let records = view.records_of(key.as_bytes())?;
        let mut person = Self {
            address: address.to_owned(),
            key: key.as_str().to_owned(),
            erased: view.erased_since(key.as_bytes())?.map(When),
            sends: Vec::new(),
            other_lists: Vec::new(),
            more_lists: 0,
            contacts: Vec::new(),
            records: Vec::new(),
            outside: Vec::new(),
            history: view.history(key.as_bytes())?.iter().rev().map(EventView::of).collect(),
            liftable: Liftable::default(),
            known_lists: view.lists()?,
            generation: view.position().generation,
        };
        for stored in &records {
            person.add(stored, now);
        }
        let rules = view.rules_covering(key.domain())?;
        let digests = reader.search_outside(address)?;
        let digests = digests.into_iter().flat_map(|(_, records)| records);
        let digests = digests.filter(|stored| matches!(stored.record, Record::Digest(_)));
        for stored in rules.into_iter().chain(digests) {
            person.outside.extend(outside(&stored));
        }
        person.add_sends(reader, now)?;
        person.known_lists.truncate(OFFERED_LISTS_MAX);
        Ok(person)
    }

    /// The verdict for each kind of send: what the index says, which the ledger explains.
    fn add_sends(&mut self, reader: &Reader<'_>, now: Timestamp) -> Result<()> {
        let ask = |name: &str, class: Class, lists: &[String]| -> Result<SendView> {
            let answer = answer(reader, &self.address, None, &Query { now, class, lists })?;
            let why = answer.causes.iter().map(|cause| WhyView::of(cause, None)).collect();
            Ok(SendView { name: name.to_owned(), is_list: !lists.is_empty(), why })
        };
        let mut sends =
            vec![ask("Bulk", Class::Bulk, &[])?, ask("Transactional", Class::Transactional, &[])?];
        let (own, others): (Vec<&String>, Vec<&String>) =
            self.known_lists.iter().partition(|list| self.liftable.lists.contains(*list));
        let of_lists = |lists: &[&String]| -> Result<Vec<SendView>> {
            let one = |list: &&String| ask(list, Class::Bulk, std::slice::from_ref(*list));
            lists.iter().map(one).collect()
        };
        sends.extend(of_lists(&own)?);
        let shown = others.len().min(OTHER_LISTS_MAX);
        let other_lists = of_lists(&others[..shown])?;
        self.more_lists = others.len() - shown;
        (self.sends, self.other_lists) = (sends, other_lists);
        Ok(())
    }

    fn add(&mut self, stored: &StoredRecord, now: Timestamp) {
        self.liftable.count(&stored.record);
        match &stored.record {
            Record::Contact(contact) => self.contacts.push(contact_view(contact)),
            _ => self.records.extend(own(stored, &self.key, now)),
        }
    }

    fn is_unknown(&self) -> bool {
        self.contacts.is_empty() && self.records.is_empty() && self.history.is_empty()
    }

    fn has_something_to_lift(&self) -> bool {
        let Liftable { contacts, unsubscribes, lists, suppressions } = &self.liftable;
        contacts + unsubscribes + lists.len() + suppressions.len() > 0 || self.erased.is_some()
    }
}

impl Liftable {
    fn count(&mut self, record: &Record) {
        match record {
            Record::Contact(contact) => {
                let is_denied = contact.bulk_email.is_denied() || contact.email_allowed.is_denied();
                self.contacts += usize::from(is_denied);
            }
            Record::Unsubscribe(record) => match &record.list {
                Some(list) => _ = self.lists.insert(list.clone()),
                None => self.unsubscribes += 1,
            },
            Record::Preference(record) if record.choice == Choice::Out => {
                self.lists.insert(record.list.clone());
            }
            Record::Suppression(record) => {
                self.suppressions.insert(SuppressionReasonView {
                    word: record.reason.as_str(),
                    words: suppression(record.reason),
                    own_act: record.reason.lifting().own_act,
                });
            }
            Record::Preference(_) | Record::Domain(_) | Record::Digest(_) => {}
        }
    }

    /// What lifting the global block touches, in words.
    fn global_words(&self) -> String {
        let of = super::layout::so_many;
        match (self.contacts, self.unsubscribes) {
            (0, 0) => "nothing to lift there".into(),
            (0, records) => of(records, "unsubscribe"),
            (contacts, 0) => format!("flags of {}", of(contacts, "contact")),
            (contacts, records) => {
                format!("{}, flags of {}", of(records, "unsubscribe"), of(contacts, "contact"))
            }
        }
    }
}

impl SendView {
    fn is_clear(&self) -> bool {
        self.why.is_empty()
    }
}

fn contact_view(contact: &Contact) -> ContactView {
    ContactView {
        id: contact.contact_id.clone(),
        address: contact.address.clone(),
        bulk_email: contact.bulk_email,
        email_allowed: contact.email_allowed,
        at: contact.at.map(When),
        former: contact.former,
    }
}

/// A record of the address itself; none for a contact, a rule or a digest.
fn own(stored: &StoredRecord, key: &str, now: Timestamp) -> Option<RecordView> {
    let (address, at, until) = match &stored.record {
        Record::Unsubscribe(record) => (&record.address, record.at, None),
        Record::Preference(record) => (&record.address, record.at, None),
        Record::Suppression(record) => (&record.address, record.at, record.expires_at),
        Record::Contact(_) | Record::Domain(_) | Record::Digest(_) => return None,
    };
    let (what, note, stops) = match &stored.record {
        Record::Unsubscribe(record) => {
            let from =
                record.list.as_ref().map_or("everywhere".into(), |list| format!("from {list}"));
            let is_inactive = record.state == UnsubscribeState::Inactive;
            let note = is_inactive.then_some("inactive, blocks too");
            (format!("Unsubscribed {from}"), note, stops(record.class))
        }
        Record::Preference(record) => {
            let stops = if record.choice == Choice::Out { "bulk mail" } else { "nothing" };
            (format!("Preference {}, {}", record.choice.as_str(), record.list), None, stops)
        }
        Record::Suppression(record) => {
            let is_over = record.expires_at.is_some_and(|at| at <= now);
            let note = is_over.then_some("expired, blocks no more");
            (suppression(record.reason).to_owned(), note, stops(record.class))
        }
        Record::Contact(_) | Record::Domain(_) | Record::Digest(_) => return None,
    };
    Some(RecordView {
        what,
        note,
        blocks: stops != "nothing" && until.is_none_or(|at| now < at),
        stops,
        at: at.map(When),
        until: until.map(When),
        source: stored.record.source().map(str::to_owned),
        recorded_at: Some(When(stored.recorded_at)),
        spelling: (address != key).then(|| address.clone()),
    })
}

/// A rule or a digest; none for a record of the address itself.
fn outside(stored: &StoredRecord) -> Option<RecordView> {
    let (what, stops, at, source) = match &stored.record {
        Record::Domain(rule) => {
            let more = if rule.subdomains { " and its subdomains" } else { "" };
            (format!("Domain {}{more}", rule.domain), "all mail", rule.at, &rule.source)
        }
        Record::Digest(record) => {
            let list = record.list.as_ref().map(|list| format!(", for {list}"));
            let what = format!("{} digest{}", record.algorithm, list.unwrap_or_default());
            (what, stops(record.class), record.at, &record.source)
        }
        _ => return None,
    };
    Some(RecordView {
        what,
        note: None,
        blocks: true,
        stops,
        at: at.map(When),
        until: None,
        source: source.clone(),
        recorded_at: Some(When(stored.recorded_at)),
        spelling: None,
    })
}
