//! What every page of the console has: its frame, who looks at it, and how it becomes an answer.
//!
//! A page is a template that extends `layout.html` and has a field `page`: [`Page`].

use super::assets::{HTMX, ICON, STYLE};
use crate::ledger::Role;
use crate::record::Timestamp;
use crate::service::Problem;
use crate::service::access::Caller;
use crate::service::problem::every_error;
use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use std::fmt;

/// A place that the head of every page leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Place {
    /// Look somebody up.
    Search,
    /// What changed of late.
    Changes,
    /// Take a file in.
    Import,
    /// The index.
    State,
    /// Charts and downloads.
    Reports,
    /// Tokens and sessions; for admins.
    Access,
}

impl Place {
    const ALL: [Self; 6] =
        [Self::Search, Self::Changes, Self::Import, Self::State, Self::Reports, Self::Access];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "Search",
            Self::Changes => "Changes",
            Self::Import => "Import",
            Self::State => "State",
            Self::Reports => "Reports",
            Self::Access => "Access",
        }
    }

    /// Where it is.
    pub fn path(self) -> &'static str {
        match self {
            Self::Search => "/console/",
            Self::Changes => "/console/changes",
            Self::Import => "/console/import",
            Self::State => "/console/state",
            Self::Reports => "/console/reports",
            Self::Access => "/console/access",
        }
    }
}

/// The frame of a page: where it is, and who looks at it.
#[derive(Debug, Clone)]
pub(in crate::service) struct Page {
    place: Option<Place>,
    caller: Option<Caller>,
}

impl Page {
    /// The frame of a page at `place` that `caller` looks at.
    pub fn new(place: Place, caller: &Caller) -> Self {
        Self { place: Some(place), caller: Some(caller.clone()) }
    }

    /// The frame of a page that anybody may look at.
    pub fn of_nobody() -> Self {
        Self { place: None, caller: None }
    }

    /// Who looks at it.
    pub fn who(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Where the head leads.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let is_admin = self.caller.as_ref().is_some_and(|caller| caller.role >= Role::Admin);
        Place::ALL.into_iter().filter(move |place| *place != Place::Access || is_admin)
    }

    /// Says whether the page is at a place.
    pub fn is_at(&self, place: &Place) -> bool {
        self.place == Some(*place)
    }

    /// The path of the style sheet.
    pub fn css(&self) -> &'static str {
        &STYLE.path
    }

    /// The path of htmx.
    pub fn htmx(&self) -> &'static str {
        &HTMX.path
    }

    /// The path of the picture in the tab.
    pub fn icon(&self) -> &'static str {
        &ICON.path
    }
}

/// A page as an answer.
pub(in crate::service) fn html(template: &impl Template) -> Response {
    html_with(StatusCode::OK, template)
}

/// A page as an answer of this status.
pub(in crate::service) fn html_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")
            .into_response(),
    }
}

/// Leads a browser on to a path of this service, with a GET.
pub(in crate::service) fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response
}

#[derive(Template)]
#[template(path = "console/fault.html")]
struct Fault<'a> {
    page: Page,
    problem: &'a Problem,
    heading: &'static str,
    is_store: bool,
}

/// The middleware that makes pages of problems, with the words and the status of the problem: an operator reads pages.
pub(in crate::service) async fn problems_as_pages(request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned();
    let mut response = every_error(next.run(request).await);
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let status = problem.status();
    let is_store = status == StatusCode::SERVICE_UNAVAILABLE;
    let heading = match status {
        StatusCode::SERVICE_UNAVAILABLE => "The index can't be trusted",
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::UNPROCESSABLE_ENTITY => "That was refused",
        status if status.is_client_error() => "That can't be done",
        _ => "That went wrong",
    };
    let page = Page { place: None, caller };
    let mut told = html_with(status, &Fault { page, problem: &problem, heading, is_store });
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = response.headers_mut().remove(&name) {
            told.headers_mut().insert(name, value);
        }
    }
    told
}

/// An instant as a page shows it: to the second, in UTC, exact for machines. One at midnight is a day: most sources
/// give no more.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct When(pub Timestamp);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.0.to_string();
        let plain = exact.split('.').next().unwrap_or_default().trim_end_matches('Z');
        let plain = plain.trim_end_matches("T00:00:00").replacen('T', " ", 1);
        write!(f, "<time datetime=\"{exact}\" title=\"{exact}\">{plain}</time>")
    }
}

/// Digits and letters of an instant, and nothing else.
impl askama::filters::HtmlSafe for When {}

/// A number as people read it: `1,234,567`.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (position, digit) in digits.char_indices() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// So many of a thing: `1 record`, `2 records`.
pub(in crate::service) fn so_many(count: usize, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", Grouped(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(so_many(1, "record"), "1 record");
        assert_eq!(so_many(2_000, "record"), "2,000 records");
    }

    #[test]
    fn an_instant_is_shown_to_the_second_and_midnight_as_a_day() {
        let shown = When(Timestamp::from_micros(1_767_225_600_250_000)).to_string();
        assert!(shown.contains("datetime=\"2026-01-01T00:00:00.25Z\""), "{shown}");
        assert!(shown.ends_with(">2026-01-01</time>"), "{shown}");
        let shown = When(Timestamp::from_micros(1_767_225_661_000_000)).to_string();
        assert!(shown.ends_with(">2026-01-01 00:01:01</time>"), "{shown}");
    }
}
