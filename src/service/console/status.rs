//! The state of the index: what answers, how far it is, how old.

use super::layout::{Grouped, Page, Place, When, html};
use crate::record::Timestamp;
use crate::service::access::Caller;
use crate::service::answer::blocking;
use crate::service::{Problem, State};
use askama::Template;
use axum::Extension;
use axum::extract::{self, Query as Asked};
use axum::response::Response;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "console/state.html")]
struct StatePage {
    page: Page,
    generation: Grouped,
    cursor: Grouped,
    lag: Grouped,
    behind: Grouped,
    in_memory: Grouped,
    segments: usize,
    entries: Grouped,
    bytes: String,
    compiled_at: When,
    compiled_ago: String,
    created_at: When,
    erased: Grouped,
    events: Grouped,
    head: String,
    policy: String,
    records: Vec<(&'static str, Grouped)>,
    now: When,
    next_look: Option<u32>,
}

/// The page asks again by itself so many times, ten minutes long: a session that nobody uses has to end.
const LOOKS_MAX: u32 = 120;

/// How often the page asked already.
#[derive(Deserialize)]
pub(super) struct Looks {
    #[serde(default)]
    look: u32,
}

/// `GET /console/state`.
pub(super) async fn state(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Asked(Looks { look }): Asked<Looks>,
) -> Result<Response, Problem> {
    let page = Page::new(Place::State, &caller);
    let told = blocking(&state, move |state| {
        let answers = state.live().answers()?;
        let status = answers.store().status()?;
        let now = state.now();
        let counts = status.records;
        let records = [
            ("Contacts", counts.contacts),
            ("Unsubscribes", counts.unsubscribes),
            ("Preferences", counts.preferences),
            ("Suppressions", counts.suppressions),
            ("Domain rules", counts.domains),
            ("Digests", counts.digests),
        ];
        Ok(StatePage {
            page,
            generation: Grouped(answers.generation()),
            cursor: Grouped(status.cursor),
            lag: Grouped(state.live().lag()),
            behind: Grouped(status.behind),
            in_memory: Grouped(answers.snapshot().overlay_len() as u64),
            segments: status.index.segments,
            entries: Grouped(status.index.entries),
            bytes: bytes(status.index.bytes),
            compiled_at: When(status.compiled_at),
            compiled_ago: ago(status.compiled_at, now),
            created_at: When(status.created_at),
            erased: Grouped(status.erased),
            events: Grouped(status.history.events),
            head: status.history.link_hex(),
            policy: answers.policy().to_string(),
            records: records.into_iter().map(|(name, count)| (name, Grouped(count))).collect(),
            now: When(now),
            next_look: (look < LOOKS_MAX).then_some(look + 1),
        })
    })
    .await?;
    Ok(html(&told))
}

/// A size as people read it: `12.3 MB`.
fn bytes(bytes: u64) -> String {
    let mut unit = 1;
    for (name, next) in [("bytes", 1_000), ("kB", 1_000_000), ("MB", 1_000_000_000)] {
        if bytes < next {
            return tenths(bytes, unit, name);
        }
        unit = next;
    }
    tenths(bytes, unit, "GB")
}

fn tenths(bytes: u64, unit: u64, name: &str) -> String {
    if unit == 1 {
        return format!("{bytes} {name}");
    }
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// How long ago something was, roughly.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_micros().saturating_sub(at.as_micros()).max(0) / 1_000_000;
    match seconds {
        0..=59 => "less than a minute ago".into(),
        60..=5_399 => format!("{} min ago", seconds / 60),
        5_400..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        for (size, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_500, "1.5 kB"),
            (12_345_678, "12.3 MB"),
            (5_000_000_000, "5.0 GB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn ages_are_rough() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(ago(at(0), at(59)), "less than a minute ago");
        assert_eq!(ago(at(0), at(600)), "10 min ago");
        assert_eq!(ago(at(0), at(7_200)), "2 h ago");
        assert_eq!(ago(at(0), at(864_000)), "10 days ago");
        assert_eq!(ago(at(10), at(0)), "less than a minute ago", "of a clock that went back");
    }
}
