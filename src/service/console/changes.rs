//! What changed of late, of all addresses.

use super::layout::{Page, Place, html};
use super::resubscribe::encoded;
use super::tell::EventView;
use crate::ledger::{Ledger, RecentEvent};
use crate::service::access::Caller;
use crate::service::answer::blocking;
use crate::service::{Problem, State};
use askama::Template;
use axum::Extension;
use axum::extract::{self, Query as Asked};
use axum::response::Response;
use serde::Deserialize;

/// So many events are on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "console/changes.html")]
struct Changes {
    page: Page,
    events: Vec<ChangeView>,
    /// The number of the last event shown, when there are older ones.
    older: Option<u64>,
    is_first: bool,
}

/// An event, whomever it is of.
pub(super) struct ChangeView {
    pub event: EventView,
    /// Whom it is about, and where more of them stands.
    pub about: Option<(String, Option<String>)>,
}

impl ChangeView {
    /// Of an event.
    pub fn of(event: RecentEvent) -> Self {
        let is_address = |about: &&String| about.contains('@') && !about.starts_with('@');
        let link = event.about.as_ref().filter(is_address);
        let href = link.map(|about| format!("/console/person?address={}", encoded(about)));
        let about = event.about.map(|about| (about, href));
        Self { event: EventView::of(&event.entry), about }
    }
}

/// Where a page begins.
#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    before: Option<u64>,
}

/// `GET /console/changes`.
pub(super) async fn changes(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Asked(From { before }): Asked<From>,
) -> Result<Response, Problem> {
    let page = Page::new(Place::Changes, &caller);
    let changes = blocking(&state, move |state| {
        let answers = state.live().answers()?;
        let mut events = answers.store().ledger().view()?.recent_events(before, PAGE + 1)?;
        let has_more = events.len() > PAGE;
        events.truncate(PAGE);
        let older = events.last().filter(|_| has_more).map(|event| event.number);
        let events = events.into_iter().map(ChangeView::of).collect();
        Ok(Changes { page, events, older, is_first: before.is_none() })
    })
    .await?;
    Ok(html(&changes))
}
