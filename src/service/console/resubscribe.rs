//! Reachable again: the form is previewed, confirmed, done, and told. And its opposite.
//!
//! ```text
//! person ── POST resubscribe ──► preview ── POST resubscribe/confirm ──► 303 resubscribed
//!    ▲  ◄── 422, what is missing     │ ◄── 409, the records changed meanwhile
//!    └────────── POST resubscribe/edit
//! ```

use super::fields::{LiftFields, Pairs, Stop, StopFields, channel_words};
use super::layout::{Grouped, Page, Place, html, html_with, see_other};
use super::person::{Shown, show};
use super::tell::{EventView, WhyView, flags};
use crate::action::describe::describe;
use crate::action::foresee::{Foreseen, foresee};
use crate::action::resubscribe::{resubscribe_as_foreseen, still_blocked_by};
use crate::action::unsubscribe::{Request, unsubscribe};
use crate::action::words;
use crate::address::KeyBuffer;
use crate::ledger::{EventKind, ResubscribeRequest};
use crate::service::access::Caller;
use crate::service::answer::{blocking, changing};
use crate::service::extract::Fields;
use crate::service::{Problem, State, change};
use askama::Template;
use axum::Extension;
use axum::extract::{self, Query as Asked};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::fmt::Display;

#[derive(Template)]
#[template(path = "console/preview.html")]
struct Preview {
    page: Page,
    key: String,
    lift: LiftFields,
    channel: &'static str,
    erased: Option<super::layout::When>,
    deleted: Vec<String>,
    changed: Vec<String>,
    blocks: Vec<WhyView>,
    /// Whether the records changed since the last preview.
    is_stale: bool,
}

impl Preview {
    fn lifts_nothing(&self) -> bool {
        self.deleted.is_empty() && self.changed.is_empty() && self.erased.is_none()
    }
}

#[derive(Template)]
#[template(path = "console/resubscribed.html")]
struct Done {
    page: Page,
    key: String,
    address: String,
    generation: Grouped,
    event: Option<EventView>,
    blocks: Vec<WhyView>,
}

/// `POST /console/resubscribe`: what would be done. Changes nothing.
pub(super) async fn preview(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Fields(pairs): Fields,
) -> Result<Response, Problem> {
    let mut lift = LiftFields::sent(pairs);
    let Some(request) = lift.request() else { return wrong(&state, &caller, lift).await };
    let address = lift.address.clone();
    let foreseen = blocking(&state, move |state| {
        let now = state.now();
        state.live().read(now, |reader| foresee(reader, address.trim(), &request, now))
    })
    .await;
    told(&state, &caller, lift, foreseen, false).await
}

/// `POST /console/resubscribe/edit`: back to the form, as it was filled in.
pub(super) async fn edit(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Fields(pairs): Fields,
) -> Result<Response, Problem> {
    let (lift, address) = filled(pairs);
    let shown = Shown { lift, stop: StopFields::default(), recorded: None, status: StatusCode::OK };
    show(&state, &caller, address, shown).await
}

fn filled(pairs: Pairs) -> (LiftFields, String) {
    let lift = LiftFields::sent(pairs);
    let address = lift.address.clone();
    (lift, address)
}

/// What a confirmed form came to.
enum Outcome {
    Done(u64),
    Stale(Box<Foreseen>),
}

/// `POST /console/resubscribe/confirm`: does what was previewed; previews again when the records changed since.
pub(super) async fn confirm(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Fields(pairs): Fields,
) -> Result<Response, Problem> {
    let mut lift = LiftFields::sent(pairs);
    let Some(request) = lift.request() else { return wrong(&state, &caller, lift).await };
    let request = ResubscribeRequest { recorded_by: Some(caller.name.clone()), ..request };
    let (address, basis) = (lift.address.trim().to_owned(), lift.basis.clone());
    let outcome = changing(&state, move |state| {
        let now = state.now();
        let live = state.live();
        let answers = live.answers()?;
        let store = answers.store();
        let follow = |generation| live.follow(store, generation, now);
        let done = resubscribe_as_foreseen(store, &basis, &address, &request, now, follow)?;
        let Some(done) = done else {
            let foreseen = live.read(now, |reader| foresee(reader, &address, &request, now))?;
            return Ok(Outcome::Stale(Box::new(foreseen)));
        };
        state.metrics().resubscribed();
        Ok(Outcome::Done(done.did.generation))
    })
    .await;
    match outcome {
        Ok(Outcome::Done(generation)) => {
            let by = caller.logged();
            tracing::info!(generation, %by, "an address was resubscribed");
            let address = encoded(lift.address.trim());
            let path = format!("/console/resubscribed?address={address}&generation={generation}");
            Ok(see_other(&path))
        }
        Ok(Outcome::Stale(foreseen)) => told(&state, &caller, lift, Ok(*foreseen), true).await,
        Err(problem) => told(&state, &caller, lift, Err(problem), false).await,
    }
}

/// The form again, with what is wrong.
async fn wrong(state: &State, caller: &Caller, lift: LiftFields) -> Result<Response, Problem> {
    let (address, status) = (lift.address.clone(), StatusCode::UNPROCESSABLE_ENTITY);
    let shown = Shown { lift, stop: StopFields::default(), recorded: None, status };
    show(state, caller, address, shown).await
}

/// The preview, or the form again when it is refused.
async fn told(
    state: &State,
    caller: &Caller,
    mut lift: LiftFields,
    foreseen: Result<Foreseen, Problem>,
    is_stale: bool,
) -> Result<Response, Problem> {
    let foreseen = match foreseen {
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let fault = format!("Refused: {}.", problem.detail());
            lift.faults.push(("scope", fault));
            return wrong(state, caller, lift).await;
        }
        foreseen => foreseen?,
    };
    lift.basis.clone_from(&foreseen.basis);
    let who = |who: &Option<String>| {
        who.as_ref().map_or_else(String::new, |who| format!(", set by {who}"))
    };
    let deleted = foreseen.deleted.iter().zip(&foreseen.who.deleted);
    let deleted = deleted.map(|(stored, set)| format!("{}{}", describe(&stored.record), who(set)));
    let blocks = foreseen.blocks.iter();
    let preview = Preview {
        page: Page::new(Place::Search, caller),
        channel: lift.channel.parse().map_or("", channel_words),
        erased: foreseen.erased.map(super::layout::When),
        deleted: deleted.collect(),
        changed: foreseen.changed.iter().map(flags).collect(),
        blocks: blocks.map(|cause| WhyView::of(cause, foreseen.who.set(cause))).collect(),
        key: foreseen.key,
        lift,
        is_stale,
    };
    Ok(html_with(if is_stale { StatusCode::CONFLICT } else { StatusCode::OK }, &preview))
}

/// Which resubscribe is told.
#[derive(Deserialize)]
pub(super) struct Which {
    address: String,
    generation: u64,
}

/// `GET /console/resubscribed`: what a resubscribe did, as the history has it, and what blocks now.
pub(super) async fn resubscribed(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Asked(which): Asked<Which>,
) -> Result<Response, Problem> {
    let page = Page::new(Place::Search, &caller);
    let done = blocking(&state, move |state| {
        let now = state.now();
        state.live().read(now, |reader| {
            let mut buffer = KeyBuffer::default();
            let key = words::key(reader.policy(), which.address.trim(), &mut buffer)?;
            let view = reader.view();
            let history = view.history(key.as_bytes())?;
            let event = history.iter().rev().find(|entry| {
                entry.kind == EventKind::Resubscribed && entry.generation <= which.generation
            });
            let blocks = still_blocked_by(view, which.address.trim(), key, now)?;
            Ok(Done {
                page,
                key: key.as_str().to_owned(),
                address: which.address.trim().to_owned(),
                generation: Grouped(which.generation),
                event: event.map(EventView::of),
                blocks: blocks.iter().map(|cause| WhyView::of(cause, None)).collect(),
            })
        })
    })
    .await?;
    Ok(html(&done))
}

/// `POST /console/unsubscribe`.
pub(super) async fn stop(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Fields(pairs): Fields,
) -> Result<Response, Problem> {
    let mut fields = StopFields::sent(pairs);
    let address = fields.address.trim().to_owned();
    let Some(Stop { list, class, source }) = fields.stop() else {
        let lift = LiftFields::new(&address, &caller.name);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let shown = Shown { lift, stop: fields, recorded: None, status };
        return show(&state, &caller, address, shown).await;
    };
    let by = caller.name.clone();
    let whom = address.clone();
    let done = changing(&state, move |state| {
        // Also while no question can be answered: the person is on the telephone.
        let store = change::store(state)?;
        let request = Request {
            address: &whom,
            list: list.as_deref(),
            class,
            source: Some(&source),
            by: Some(&by),
        };
        let follow = |generation| change::follow(state, &store, generation);
        let done = unsubscribe(&store, request, state.now(), follow)?;
        state.metrics().opted_out(list.as_deref());
        Ok(done)
    })
    .await?;
    let (generation, by) = (done.generation, caller.logged());
    tracing::info!(generation, %by, "an address was unsubscribed");
    let address = encoded(&address);
    Ok(see_other(&format!("/console/person?address={address}&recorded={generation}")))
}

/// What may stand in a query as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A text as a value in a query.
pub(super) fn encoded(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, PLAIN)
}
