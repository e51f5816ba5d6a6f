//! Looking somebody up.

use super::changes::ChangeView;
use super::layout::{Grouped, Page, Place, html, see_other, so_many};
use super::resubscribe::encoded;
use crate::action::check::answer;
use crate::action::describe::describe;
use crate::address::KeyBuffer;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::record::{Class, Query, Timestamp};
use crate::service::access::Caller;
use crate::service::answer::blocking;
use crate::service::{Problem, State};
use crate::store::Reader;
use askama::Template;
use axum::Extension;
use axum::extract::{self, Query as Asked};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

/// So many addresses are listed.
const SHOWN_MAX: usize = 200;
/// So many events are on the first page.
const RECENT: usize = 8;
/// Live results of less would be half of all addresses, or a look at every one of them for each letter typed.
const LIVE_CHARS_MIN: usize = 3;

#[derive(Template)]
#[template(path = "console/start.html")]
struct Start {
    page: Page,
    pattern: String,
    autofocus: bool,
    found: Option<Found>,
    generation: Grouped,
    records: Vec<(&'static str, Grouped)>,
    recent: Vec<ChangeView>,
}

/// What a pattern found.
#[derive(Default)]
struct Found {
    /// What was looked for, when it is not what was typed.
    pattern: String,
    keys: Vec<FoundKey>,
    has_more: bool,
    outside: Vec<(String, Vec<String>)>,
    /// Why the text is no address, if it looks like one.
    fault: Option<String>,
}

struct FoundKey {
    key: String,
    href: String,
    records: String,
    is_bulk_clear: bool,
    is_transactional_clear: bool,
}

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
}

/// `GET /console/`: where the console begins.
pub(super) async fn start(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    page(&state, &caller, String::new(), None).await
}

/// `GET /console/search`: an address leads to its person, a pattern to a list.
pub(super) async fn search(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let pattern = wanted.q.trim().to_owned();
    let is_live = headers.contains_key("hx-request");
    let begins = pattern.split('*').next().unwrap_or_default();
    if pattern.is_empty() || is_live && begins.chars().count() < LIVE_CHARS_MIN {
        return page(&state, &caller, pattern, None).await;
    }
    let looked_for = pattern.clone();
    let found = blocking(&state, move |state| {
        let now = state.now();
        state.live().read(now, |reader| {
            if !is_live && is_address(reader, &looked_for) {
                return Ok(None);
            }
            Found::look_up(reader, &looked_for, now).map(Some)
        })
    })
    .await?;
    match found {
        Some(found) => page(&state, &caller, pattern, Some(found)).await,
        None => Ok(see_other(&href(&pattern))),
    }
}

async fn page(
    state: &State,
    caller: &Caller,
    pattern: String,
    found: Option<Found>,
) -> Result<Response, Problem> {
    let page = Page::new(Place::Search, caller);
    let start = blocking(state, move |state| {
        let answers = state.live().answers()?;
        let view = answers.store().ledger().view()?;
        let counts = view.counts()?;
        let recent = view.recent_events(None, if found.is_none() { RECENT } else { 0 })?;
        let records = [
            ("contacts", counts.contacts),
            ("unsubscribes", counts.unsubscribes),
            ("preferences", counts.preferences),
            ("suppressions", counts.suppressions),
            ("domain rules", counts.domains),
            ("digests", counts.digests),
        ];
        let records = records.into_iter().map(|(name, count)| (name, Grouped(count))).collect();
        let autofocus = found.is_none();
        let generation = Grouped(answers.generation());
        let recent = recent.into_iter().map(ChangeView::of).collect();
        Ok(Start { page, pattern, autofocus, found, generation, records, recent })
    })
    .await?;
    Ok(html(&start))
}

fn href(address: &str) -> String {
    format!("/console/person?address={}", encoded(address))
}

fn is_address(reader: &Reader<'_>, text: &str) -> bool {
    key_of(reader, text).is_some()
}

/// The key of what is the text of an address, and no pattern.
fn key_of(reader: &Reader<'_>, text: &str) -> Option<String> {
    let mut buffer = KeyBuffer::default();
    let key = reader.policy().key(text.as_bytes(), &mut buffer).ok();
    key.filter(|_| !text.contains('*')).map(|key| key.as_str().to_owned())
}

impl Found {
    fn look_up(reader: &Reader<'_>, text: &str, now: Timestamp) -> Result<Self> {
        let address = key_of(reader, text);
        // What somebody begins to type is the beginning of an address, also where it could be a whole one.
        let pattern = match (&address, text) {
            (Some(key), _) => format!("{key}*"),
            (None, text) if text.contains(['*', ':']) || text.starts_with('@') => text.to_owned(),
            (None, text) => format!("{text}*"),
        };
        let mut found = Self { pattern: pattern.clone(), ..Self::default() };
        let mut keys = reader.search_first(&pattern, SHOWN_MAX + 1)?;
        found.has_more = keys.len() > SHOWN_MAX;
        keys.truncate(SHOWN_MAX);
        if let Some(key) = address.filter(|_| keys.is_empty()) {
            // Nothing is recorded of it, and it may be covered from outside all the same. That it is not says nothing
            // while it is being typed: one letter more may be somebody who is withheld.
            let unrecorded = FoundKey::of(reader, key.as_bytes(), now)?;
            if !unrecorded.is_bulk_clear || !unrecorded.is_transactional_clear {
                found.keys.push(unrecorded);
            }
        }
        for key in keys {
            found.keys.push(FoundKey::of(reader, &key, now)?);
        }
        let whole = key_of(reader, text).map_or(pattern, |_| text.to_owned());
        for (name, records) in reader.search_outside(&whole)? {
            let records = records.iter().map(|stored| describe(&stored.record)).collect();
            found.outside.push((name, records));
        }
        if text.contains('@') && !text.contains('*') && !text.starts_with('@') {
            let fault = reader.policy().key(text.as_bytes(), &mut KeyBuffer::default()).err();
            found.fault = fault.map(|fault| fault.to_string());
        }
        Ok(found)
    }

    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.outside.is_empty()
    }

    fn heading(&self) -> String {
        match (self.keys.len(), self.has_more) {
            (count, true) => format!("The first {count} addresses"),
            (count, false) => so_many(count, "address").replace("addresss", "addresses"),
        }
    }
}

impl FoundKey {
    fn of(reader: &Reader<'_>, key: &[u8], now: Timestamp) -> Result<Self> {
        let text = String::from_utf8_lossy(key).into_owned();
        let is_clear = |class| -> Result<bool> {
            let query = Query { now, class, lists: &[] };
            Ok(answer(reader, &text, None, &query)?.causes.is_empty())
        };
        let (is_bulk_clear, is_transactional_clear) =
            (is_clear(Class::Bulk)?, is_clear(Class::Transactional)?);
        let records = reader.view().records_of(key)?.len();
        Ok(Self {
            href: href(&text),
            records: if records == 0 { "none".into() } else { so_many(records, "record") },
            key: text,
            is_bulk_clear,
            is_transactional_clear,
        })
    }
}
