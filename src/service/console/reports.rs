//! What withholds mail, by reason and by day, and every kind of record as a file.

use super::layout::{Grouped, Page, Place, html};
use crate::error::{Error, Result};
use crate::ledger::{Counts, Day, Ledger, Tallies};
use crate::record::{Kind, Reason};
use crate::service::access::Caller;
use crate::service::{Problem, State};
use askama::Template;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, extract};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Days that are told one by one, today among them.
const DAYS: i64 = 90;
/// Counting ten million records takes seconds of a processor: so long it is not done again.
const RESTED: Duration = Duration::from_secs(60);
/// The page waits so long for a count: of most stores it is done by then.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// The routes, which operators may ask.
pub(super) fn routes() -> Router<State> {
    Router::new().route("/console/reports", get(page))
}

/// What was counted last.
#[derive(Default)]
pub(super) struct Reports {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    counted: Option<Counted>,
    is_counting: bool,
}

#[derive(Clone)]
struct Counted {
    /// Or why that could not be done.
    figures: Result<Arc<Figures>, Arc<Error>>,
    generation: u64,
    today: Day,
    /// When it was done.
    at: Instant,
}

/// What a count came to.
struct Figures {
    tallies: Tallies,
    counts: Counts,
    erased: u64,
}

impl Reports {
    /// What was counted last; begins to count when that is not of the store as it is.
    fn ask(&self, state: &State) -> Result<Option<Counted>> {
        let (generation, today) = (state.live().answers()?.generation(), Day::of(state.now()));
        let mut inner = self.lock();
        let is_old = inner.counted.as_ref().is_none_or(|counted| {
            (counted.generation, counted.today) != (generation, today)
                && counted.at.elapsed() >= RESTED
        });
        if is_old && !inner.is_counting {
            let state = state.clone();
            std::thread::Builder::new()
                .name("quell-count".to_owned())
                .spawn(move || {
                    let _counting = Counting(&state);
                    let counted = count(&state, today);
                    state.console().reports.lock().counted = Some(counted);
                })
                .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?;
            inner.is_counting = true;
        }
        Ok(inner.counted.clone())
    }

    /// Waits until nothing is being counted, for `patience` at most.
    async fn settled(&self, patience: Duration) {
        let waited = async {
            loop {
                let changed = self.changed.notified();
                if !self.lock().is_counting {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(patience, waited).await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody counts, until this is dropped.
struct Counting<'s>(&'s State);

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let reports = &self.0.console().reports;
        reports.lock().is_counting = false;
        reports.changed.notify_waiters();
    }
}

fn count(state: &State, today: Day) -> Counted {
    let mut generation = 0;
    let figures = (|| {
        let answers = state.live().answers()?;
        let view = answers.store().ledger().view()?;
        generation = view.position().generation;
        let tallies = view.tallies(Day(today.0 - DAYS + 1), state.now())?;
        let (counts, erased) = (view.counts()?, view.erased_count()?);
        Ok(Arc::new(Figures { tallies, counts, erased }))
    })();
    Counted { figures: figures.map_err(Arc::new), generation, today, at: Instant::now() }
}

#[derive(Template)]
#[template(path = "console/reports.html")]
struct Shown {
    page: Page,
    generation: Grouped,
    report: Option<Report>,
}

/// A count, as the page tells it.
struct Report {
    generation: Grouped,
    reasons: Vec<ReasonRow>,
    total: Grouped,
    /// Erased addresses, if there are any.
    erased: Option<Grouped>,
    days: Days,
    kinds: Vec<(Kind, Grouped)>,
}

/// How many records give a reason.
struct ReasonRow {
    words: &'static str,
    word: &'static str,
    count: Grouped,
    /// Of the longest bar, in thousandths.
    length: u64,
    group: usize,
}

/// The chart of the days, 1,000 units high.
struct Days {
    bars: Vec<Bar>,
    most: Grouped,
    total: Grouped,
    first: String,
    middle: String,
    last: String,
    /// Days with a record, newest first: the day, each group, all.
    table: Vec<(String, [Grouped; GROUPS.len()], Grouped)>,
}

/// A part of a day's bar.
struct Bar {
    x: i64,
    y: u64,
    height: u64,
    group: usize,
}

/// What the colours of the charts mean.
const GROUPS: [&str; 4] = [
    "Unsubscribed or opted out",
    "Do Not Allow on a contact",
    "Complaint, bounce or invalid",
    "By hand, domain or digest",
];

fn group(reason: Reason) -> usize {
    match reason {
        Reason::Unsubscribed | Reason::OptedOut => 0,
        Reason::EmailDenied | Reason::BulkEmailDenied => 1,
        Reason::Complaint | Reason::Bounce | Reason::Invalid | Reason::InvalidAddress => 2,
        Reason::Manual | Reason::Domain | Reason::Digest | Reason::Duplicate => 3,
    }
}

fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::InvalidAddress => "No address",
        Reason::EmailDenied => "Email is Do Not Allow",
        Reason::Complaint => "Spam complaint",
        Reason::Bounce => "Hard bounce",
        Reason::Invalid => "Mailbox does not exist",
        Reason::Manual => "Suppressed by hand",
        Reason::Domain => "Domain rule",
        Reason::BulkEmailDenied => "Bulk Email is Do Not Allow",
        Reason::Unsubscribed => "Unsubscribed everywhere",
        Reason::OptedOut => "Opted out of a list",
        Reason::Digest => "On a third party's hashed list",
        Reason::Duplicate => "Duplicate",
    }
}

async fn page(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let reports = &state.console().reports;
    reports.ask(&state)?;
    reports.settled(PATIENCE).await;
    let generation = Grouped(state.live().answers()?.generation());
    let report = match reports.ask(&state)? {
        None => None,
        Some(counted) => match &counted.figures {
            Ok(figures) => Some(Report::of(&counted, figures)),
            Err(error) => return Err(Problem::from(error.again())),
        },
    };
    Ok(html(&Shown { page: Page::new(Place::Reports, &caller), generation, report }))
}

impl Report {
    fn of(counted: &Counted, figures: &Figures) -> Self {
        let by_reason = &figures.tallies.by_reason;
        let most = by_reason.values().copied().max().unwrap_or_default().max(1);
        let reasons = by_reason.iter().map(|(reason, count)| ReasonRow {
            words: words(*reason),
            word: reason.as_str(),
            count: Grouped(*count),
            length: share(*count, most),
            group: group(*reason),
        });
        Self {
            generation: Grouped(counted.generation),
            reasons: reasons.collect(),
            total: Grouped(by_reason.values().sum()),
            erased: (figures.erased > 0).then_some(Grouped(figures.erased)),
            days: Days::of(&figures.tallies, counted.today),
            kinds: Kind::ALL.map(|kind| (kind, Grouped(figures.counts.of(kind)))).to_vec(),
        }
    }
}

impl Days {
    fn of(tallies: &Tallies, today: Day) -> Self {
        let first = Day(today.0 - DAYS + 1);
        let mut days = vec![[0_u64; GROUPS.len()]; usize::try_from(DAYS).unwrap_or_default()];
        for ((day, reason), count) in &tallies.by_day {
            // What says that it is of tomorrow is not in the chart.
            let place = usize::try_from(day.0 - first.0).ok().and_then(|at| days.get_mut(at));
            if let Some(groups) = place {
                groups[group(*reason)] += count;
            }
        }
        let sum = |groups: &[u64; GROUPS.len()]| groups.iter().sum::<u64>();
        let most = days.iter().map(sum).max().unwrap_or_default();
        let (mut bars, mut table) = (Vec::new(), Vec::new());
        for (at, groups) in (0..).zip(&days) {
            let mut below = 0;
            for (group, count) in groups.iter().enumerate().filter(|(_, count)| **count > 0) {
                // From sums, so that the parts of a bar meet whatever is rounded.
                let (low, high) = (share(below, most.max(1)), share(below + count, most.max(1)));
                bars.push(Bar { x: at * 10, y: 1_000 - high, height: high - low, group });
                below += count;
            }
            if below > 0 {
                table.push((date(Day(first.0 + at)), groups.map(Grouped), Grouped(below)));
            }
        }
        table.reverse();
        Self {
            bars,
            most: Grouped(most),
            total: Grouped(days.iter().map(sum).sum()),
            first: date(first),
            middle: date(Day(today.0 - DAYS / 2)),
            last: date(today),
            table,
        }
    }
}

/// A count of the greatest one, in thousandths; what is there is seen.
fn share(count: u64, most: u64) -> u64 {
    let thousandths = u128::from(count) * 1_000 / u128::from(most.max(1));
    u64::try_from(thousandths).unwrap_or(1_000).max(u64::from(count > 0) * 4)
}

/// A day as `2026-03-01`.
fn date(day: Day) -> String {
    day.start().to_string().split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_day_s_bar_meet_and_the_highest_is_full() {
        let today = Day(20_000);
        let mut tallies = Tallies::default();
        for (reason, count) in [(Reason::Unsubscribed, 7), (Reason::Bounce, 3), (Reason::Manual, 1)]
        {
            for _ in 0..count {
                tallies.add(reason, Some(today.start()), Day(0));
            }
        }
        tallies.add(Reason::Bounce, Some(Day(19_990).start()), Day(0));
        // Neither too old ones nor those of tomorrow.
        tallies.add(Reason::Bounce, Some(Day(19_000).start()), Day(0));
        tallies.add(Reason::Bounce, Some(Day(20_001).start()), Day(0));
        let days = Days::of(&tallies, today);
        let (old, of_today): (Vec<_>, Vec<_>) = days.bars.iter().partition(|bar| bar.x < 890);
        assert_eq!(old.len(), 1);
        assert_eq!(of_today.len(), 3);
        assert_eq!(of_today[0].y + of_today[0].height, 1_000);
        assert_eq!(of_today[1].y + of_today[1].height, of_today[0].y);
        assert_eq!(of_today[2].y + of_today[2].height, of_today[1].y);
        assert_eq!(of_today[2].y, 0);
        assert_eq!((days.most.0, days.total.0), (11, 12));
        assert_eq!(days.table.len(), 2);
        assert_eq!(days.table[0].0, "2024-10-04");
    }

    #[test]
    fn a_store_without_records_has_a_chart_without_bars() {
        let days = Days::of(&Tallies::default(), Day(20_000));
        assert!(days.bars.is_empty() && days.table.is_empty());
        assert_eq!(share(0, 0), 0);
        assert_eq!(share(1, 1_000_000), 4, "what is there is seen");
    }
}
