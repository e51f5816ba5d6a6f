//! `POST /v1/check`: may these addresses be mailed?

use super::json::{self, Few};
use crate::action::check::{Answer, Judge, Judged, answer_of_many};
use crate::action::words;
use crate::error::Result;
use crate::record::{Cause, Class, Query, Reason};
use crate::service::answer::blocking;
use crate::service::extract::{require_json, without_query};
use crate::service::{Problem, State};
use crate::store::{Answers, Reader};
use axum::body::Bytes;
use axum::extract;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Instant;

/// How many addresses may be asked about at once.
const ADDRESSES_MAX: usize = 10_000;
/// For how many lists the mail may be sent: each is looked up for each address that any list knows.
const LISTS_MAX: usize = 1_000;
/// How long a body may be: addresses at their longest, with a contact each.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;
/// Up to so long a body is understood where it came in: handing it to another thread costs as much.
const INLINE_BYTES_MAX: usize = 4 << 10;

/// What is asked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"addresses": ["ann@example.com", "bob@example.com"], "lists": ["news"]}))]
pub(in crate::service) struct CheckRequest<'a> {
    /// The addresses.
    #[serde(borrow)]
    #[schema(max_items = 10_000, value_type = Vec<String>)]
    addresses: Few<Word<'a>, ADDRESSES_MAX>,
    /// The lists the mail is sent for.
    #[serde(default)]
    #[schema(max_items = 1_000, value_type = Vec<String>)]
    lists: Few<String, LISTS_MAX>,
    /// The kind of send: `bulk`, if nothing is said, or `transactional`.
    #[serde(default, borrow)]
    #[schema(value_type = Option<ClassWord>)]
    class: Option<Word<'a>>,
    /// The contact behind each address, by its id, so that its own flags count: as many as there are addresses, `null`
    /// for one without.
    #[serde(default, borrow)]
    #[schema(max_items = 10_000, value_type = Option<Vec<Option<String>>>)]
    contacts: Option<Few<Option<Word<'a>>, ADDRESSES_MAX>>,
}

/// A kind of send.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "names the words in the description")]
pub(in crate::service) enum ClassWord {
    Bulk,
    Transactional,
}

/// A text of the request, borrowed from it where nothing in it is escaped.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Word<'a>(#[serde(borrow)] Cow<'a, str>);

/// What is answered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::service) struct CheckResponse<'a> {
    /// The index state that all results are of.
    generation: u64,
    /// One result an address, in order.
    results: Vec<CheckResult<'a>>,
}

/// What is said of one address.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::service) struct CheckResult<'a> {
    /// The address as it was asked about.
    address: &'a str,
    /// Its key; `null` for a text that is no address.
    key: Option<&'a str>,
    /// `clear`, `suppressed` or `invalid`.
    #[schema(value_type = VerdictWord)]
    verdict: &'static str,
    /// What withholds mail to it, in the order of importance.
    reasons: Vec<CheckReason<'a>>,
    /// The index state.
    generation: u64,
}

/// A verdict.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "names the words in the description")]
pub(in crate::service) enum VerdictWord {
    Clear,
    Suppressed,
    Invalid,
}

/// Why mail to an address is withheld.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::service) struct CheckReason<'a> {
    /// `email_denied`, `complaint`, `bounce`, `unsubscribed`, …
    reason: &'static str,
    /// `global`, `list:NAME`, `domain:NAME` or `contact:ID`.
    scope: String,
    /// `bulk`, `transactional` or `all`.
    class: &'static str,
    /// Since when, in RFC 3339, if that is known.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Who recorded it, if that is known.
    source: Option<&'a str>,
}

/// May these addresses be mailed, and if not, why?
#[utoipa::path(post, path = "/v1/check", tag = "decisions",
    request_body = CheckRequest,
    responses(
        (status = 200, description = "A verdict for each address, in order", body = CheckResponse),
        (status = 400, description = "Not JSON, not as many contacts as addresses, or a query", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "A body over 8 MiB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not `application/json`", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "JSON of another form, or over 10,000 addresses", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The index can't be trusted", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub(in crate::service) async fn check(
    extract::State(state): extract::State<State>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    require_json(&headers)?;
    without_query(&uri)?;
    let body = body.map_err(json::unread)?;
    let began = Instant::now();
    let answers = state.live().answers()?;
    if body.len() <= INLINE_BYTES_MAX
        && let Some(text) = without_ledger(&state, &answers, &body)?
    {
        state.metrics().checked(began.elapsed());
        return Ok(sent(text));
    }
    blocking(&state, move |state| Ok(with_ledger(state, &answers, &body))).await?.map(|text| {
        state.metrics().checked(began.elapsed());
        sent(text)
    })
}

/// Answers from the index alone; nothing when the ledger has to say more.
fn without_ledger(
    state: &State,
    answers: &Answers,
    body: &Bytes,
) -> Result<Option<Vec<u8>>, Problem> {
    let asked = Asked::of(body)?;
    let query = Query { now: state.now(), class: asked.class, lists: &asked.lists };
    let judged = asked.judge(&Judge::of(answers), &query);
    if judged.withheld().next().is_some() {
        return Ok(None);
    }
    count(state, &judged, &[]);
    Ok(Some(written(answers.generation(), &asked, &judged, &[])))
}

/// Answers from the index, and lets the ledger say why of what is withheld.
fn with_ledger(state: &State, answers: &Answers, body: &Bytes) -> Result<Vec<u8>, Problem> {
    let asked = Asked::of(body)?;
    let query = Query { now: state.now(), class: asked.class, lists: &asked.lists };
    let judged = asked.judge(&Judge::of(answers), &query);
    if judged.withheld().next().is_none() {
        count(state, &judged, &[]);
        return Ok(written(answers.generation(), &asked, &judged, &[]));
    }
    let explained = state.live().read(query.now, |reader| {
        // Something changed since: of what was clear a moment ago another is withheld, perhaps.
        let judged = if reader.snapshot().is(answers.snapshot()) {
            judged
        } else {
            asked.judge(&Judge::of_reader(reader), &query)
        };
        let explained = asked.explain(reader, &judged, &query)?;
        count(state, &judged, &explained);
        Ok(written(reader.snapshot().generation(), &asked, &judged, &explained))
    });
    Ok(explained?)
}

/// What is asked, understood.
struct Asked<'a> {
    addresses: Vec<Word<'a>>,
    contacts: Vec<Option<Word<'a>>>,
    lists: Vec<String>,
    class: Class,
}

impl<'a> Asked<'a> {
    fn of(body: &'a [u8]) -> Result<Self, Problem> {
        let request: CheckRequest<'a> = json::parse(body)?;
        let CheckRequest { addresses, lists, class, contacts } = request;
        let too_many = |what: &str, most: usize| {
            let detail = format!("more than {most} {what} at once");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                .with_hint("ask in parts, or send the whole batch to /v1/filter")
        };
        let many = || too_many("addresses", ADDRESSES_MAX);
        let addresses = addresses.0.ok_or_else(many)?;
        let lists = lists.0.ok_or_else(|| too_many("lists", LISTS_MAX))?;
        let contacts = contacts.map(|contacts| contacts.0.ok_or_else(many)).transpose()?;
        let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
        if let Some(contacts) = &contacts
            && contacts.len() != addresses.len()
        {
            let detail = format!("{} contacts for {} addresses", contacts.len(), addresses.len());
            return Err(
                bad(detail).with_hint("name one for each address, `null` where there is none")
            );
        }
        let class = match class.as_ref().map(|word| word.0.parse()) {
            None => Class::Bulk,
            Some(Ok(class)) => class,
            Some(Err(_)) => return Err(bad("class is `bulk` or `transactional`".to_owned())),
        };
        // What was given may be an address in the wrong place: it is not told.
        let mut lists = words::lists(&lists).map_err(|_| {
            bad("a list's name is empty, or holds a `;`, which parts lists".to_owned())
        })?;
        let mut named = HashSet::new();
        lists.retain(|list| named.insert(list.clone()));
        Ok(Self { addresses, contacts: contacts.unwrap_or_default(), lists, class })
    }

    fn judge(&self, judge: &Judge<'_>, query: &Query<'_>) -> Judged {
        let addresses = self.addresses.iter().map(|address| &*address.0);
        judge.judge(addresses, (0..self.contacts.len()).map(|at| self.contact(at)), query)
    }

    fn contact(&self, at: usize) -> Option<&str> {
        let id = self.contacts.get(at)?.as_ref()?.0.trim();
        (!id.is_empty()).then_some(id)
    }

    /// What the ledger says of each address that is withheld, with its place.
    fn explain(
        &self,
        reader: &Reader<'_>,
        judged: &Judged,
        query: &Query<'_>,
    ) -> Result<Vec<(usize, Answer<'_>)>> {
        let explained = judged.withheld().filter_map(|at| {
            let address = self.addresses.get(at)?;
            let answer = answer_of_many(reader, &address.0, self.contact(at), query);
            Some(answer.map(|answer| (at, answer)))
        });
        explained.collect()
    }
}

/// Counts what is decided.
fn count(state: &State, judged: &Judged, explained: &[(usize, Answer<'_>)]) {
    let invalid = (0..judged.len()).filter(|at| judged.key(*at).is_none()).count() as u64;
    let mut withheld = invalid;
    for (_, answer) in explained {
        if let (Ok(_), Some(cause)) = (&answer.key, answer.causes.first()) {
            state.metrics().decided(Some(cause.reason), 1);
            withheld += 1;
        }
    }
    if invalid > 0 {
        state.metrics().decided(Some(Reason::InvalidAddress), invalid);
    }
    state.metrics().decided(None, judged.len() as u64 - withheld);
}

/// The answer's bytes; `explained` has what the ledger says, in the order of the addresses.
fn written(
    generation: u64,
    asked: &Asked<'_>,
    judged: &Judged,
    explained: &[(usize, Answer<'_>)],
) -> Vec<u8> {
    let mut explained = explained.iter().peekable();
    let results = asked.addresses.iter().enumerate().map(|(at, address)| {
        let told = explained.next_if(|(of, _)| *of == at).map(|(_, answer)| answer);
        let key = judged.key(at);
        let mut reasons = Vec::new();
        if key.is_none() {
            reasons.push(invalid());
        }
        let causes = told.map(|told| told.causes.as_slice()).unwrap_or_default();
        reasons.extend(causes.iter().map(reason));
        let verdict = match (key, reasons.is_empty()) {
            (None, _) => "invalid",
            (Some(_), true) => "clear",
            (Some(_), false) => "suppressed",
        };
        CheckResult { address: &address.0, key, verdict, reasons, generation }
    });
    let response = CheckResponse { generation, results: results.collect() };
    let mut text = Vec::with_capacity(64 + response.results.len() * 128);
    // Texts and numbers, written to memory: nothing of it can fail.
    let _ = serde_json::to_writer(&mut text, &response);
    text
}

fn invalid() -> CheckReason<'static> {
    let reason = Reason::InvalidAddress.as_str();
    CheckReason { reason, scope: "global".to_owned(), class: "all", since: None, source: None }
}

fn reason(cause: &Cause) -> CheckReason<'_> {
    CheckReason {
        reason: cause.reason.as_str(),
        scope: cause.scope.to_string(),
        class: cause.class.as_str(),
        since: cause.since.map(|since| since.to_string()),
        source: cause.source.as_deref(),
    }
}

fn sent(text: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], text).into_response()
}
