//! `POST /v1/filter`: a batch streamed through, the rows that may be mailed streamed back.
//!
//! ```text
//! request's body ──► pieces ──► the filter, on threads of its own ──► spool ──► answer's body
//!                    (a few)                                  (memory, then a file)
//! ```
//!
//! The answer begins with the first kept rows: what is wrong before them is a problem document. Its end is truthful: a
//! trailer says that the run came to its end, or the connection is broken off.

mod input;
mod parameters;
mod spares;
mod spool;

use crate::action::batch::parted;
use crate::delimited::Dialect;
use crate::error::{Error, Result};
use crate::filter::{Filter, Options, Summary};
use crate::record::Reason;
use crate::service::{Problem, State};
use crate::source::{Ahead, Compression, Packer, UnpackLimits, unpack};
use crate::store::Answers;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use input::{Input, Stalled};
use parameters::{Kind, Parameters, is_gzip, problem, takes_gzip};
use spool::{Ender, Kept, Writer};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long the end is waited for once the first rows are there, if there is room for all that are kept until then: a
/// short batch is answered with a problem, if there is one, wherever in it that is.
const HEAD_PATIENCE: Duration = Duration::from_millis(50);
/// How hard answers are compressed: the network is rarely slower than this.
const GZIP_LEVEL: u32 = 1;

const STATUS: HeaderName = HeaderName::from_static("quell-status");
const READ: HeaderName = HeaderName::from_static("quell-read");
const KEPT: HeaderName = HeaderName::from_static("quell-kept");
const WITHHELD: HeaderName = HeaderName::from_static("quell-withheld");
const GENERATION: HeaderName = HeaderName::from_static("quell-generation");
const TRAILERS: HeaderValue = HeaderValue::from_static(
    "quell-status, quell-read, quell-kept, quell-withheld, quell-generation",
);

/// What batches may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// How many batches are filtered at once; more wait.
    pub runs: usize,
    /// How many threads a batch is filtered by.
    pub threads: usize,
    /// How many bytes of kept rows may wait on disk for a client that sends all before it reads any.
    pub spool_bytes: u64,
    /// How long a client may send nothing.
    pub patience: Duration,
    /// How long it waits for its turn.
    pub turn: Duration,
}

impl Default for BatchLimits {
    /// Two batches a processor, 8 GiB, a minute, half a minute.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            runs: 2 * processors,
            threads: processors,
            spool_bytes: 8 << 30,
            patience: Duration::from_secs(60),
            turn: Duration::from_secs(30),
        }
    }
}

/// Whose turn it is to filter a batch.
pub(in crate::service) struct Turns {
    limits: BatchLimits,
    free: Arc<Semaphore>,
}

impl Turns {
    pub(in crate::service) fn new(limits: BatchLimits) -> Self {
        Self { limits, free: Arc::new(Semaphore::new(limits.runs)) }
    }

    async fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let turn = timeout(self.limits.turn, Arc::clone(&self.free).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let detail = format!("{} batches are being filtered already", self.limits.runs);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })
    }
}

/// Streams the rows of a batch back that may be mailed, byte for byte as they came.
///
/// The answer is chunked. Its trailer `quell-status: ok` says that it is whole; without it, or when the connection
/// breaks off, nothing of it may be mailed. `quell-read`, `quell-kept` and `quell-withheld` count rows.
#[utoipa::path(post, path = "/v1/filter", tag = "decisions",
    params(
        ("list" = Option<Vec<String>>, Query, description = "A list the batch is sent for; repeatable"),
        ("class" = Option<String>, Query, description = "`bulk`, if nothing is said, or `transactional`"),
        ("invalid" = Option<String>, Query,
            description = "What an unusable address does: `withhold` its row, if nothing is said, `keep` it, or `fail`"),
        ("email_column" = Option<Vec<String>>, Query,
            description = "An address column, by name or number from 1; repeatable. Without it, the one header that means an address"),
        ("contact_column" = Option<String>, Query, description = "The contact id's column, so that its own flags count"),
        ("list_column" = Option<String>, Query, description = "The column of each row's list, `a;b` for several"),
        ("dedupe" = Option<bool>, Query, description = "Withhold rows whose address was kept already"),
        ("no_header" = Option<bool>, Query, description = "The first row is a recipient"),
        ("delimiter" = Option<String>, Query, description = "One character, or `tab`; if not given, what the header tells"),
    ),
    request_body(description = "CSV or NDJSON, plain or compressed by gzip", content(
        (String = "text/csv"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "The kept rows, verbatim; whole only with the trailer `quell-status: ok`", content(
            (String = "text/csv"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"),
        ), headers(("quell-generation" = u64, description = "The index state that decided"))),
        (status = 400, description = "A column that is not there, an unknown option, a body that can't be read",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "Nothing came for a minute", body = Problem,
            content_type = "application/problem+json"),
        (status = 415, description = "Neither CSV nor NDJSON, or coded otherwise than by gzip", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "The index can't be trusted, or too many batches are under way", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
pub(in crate::service) async fn filter(
    extract::State(state): extract::State<State>,
    version: Version,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let unread = |_| Problem::new(StatusCode::BAD_REQUEST, "the query can't be understood");
    let Query(query) = query.map_err(unread)?;
    let parameters = Parameters::of(&query).map_err(|error| problem(&error))?;
    let kind = Kind::of(&headers)?;
    parameters.fit(kind).map_err(|error| problem(&error))?;
    let said_gzip = is_gzip(&headers)?;
    let limits = state.turns().limits;
    let turn = state.turns().take().await?;
    let answers = state.live().answers()?;
    let generation = answers.generation();
    let packed = takes_gzip(&headers);
    let input = Input::of(body, limits.patience);
    let (writer, ender, kept) = spool::spool(limits.spool_bytes);
    let mut options = parameters.options;
    (options.now, options.threads) = (state.now(), limits.threads);
    let delimiter = parameters.delimiter;
    let batch = Batch { answers, options, kind, delimiter, said_gzip, packed };
    start(state, batch, input, writer, ender, turn)?;
    kept.begun().await;
    let mut head = HeaderMap::new();
    head.insert(header::CONTENT_TYPE, kind.content_type());
    head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    head.insert(GENERATION, HeaderValue::from(generation));
    if packed {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if version < Version::HTTP_11 {
        return whole(head, kept).await;
    }
    let _ = timeout(HEAD_PATIENCE, kept.ended_or_full()).await;
    if let Some(Err(problem)) = kept.end() {
        return Err(problem);
    }
    head.insert(header::TRAILER, TRAILERS);
    Ok((head, Body::new(kept)).into_response())
}

/// An answer to a client that knows neither chunks nor trailers: with its length, once all of it is there.
async fn whole(mut head: HeaderMap, kept: Kept) -> Result<Response, Problem> {
    kept.ended().await;
    let told = kept.end().unwrap_or_else(|| Ok(HeaderMap::new()))?;
    head.extend(told);
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(kept.unread()));
    Ok((head, Body::new(kept.without_trailers())).into_response())
}

/// A batch to be filtered.
struct Batch {
    answers: Arc<Answers>,
    options: Options,
    kind: Kind,
    delimiter: Option<Dialect>,
    said_gzip: bool,
    packed: bool,
}

fn start(
    state: State,
    batch: Batch,
    input: Input,
    writer: Writer,
    ender: Ender,
    turn: OwnedSemaphorePermit,
) -> Result<(), Problem> {
    let work = move || {
        let stalled = input.stalled();
        let generation = batch.answers.generation();
        let ran = batch.run(input, writer);
        ender.end(match ran {
            Ok(summary) => {
                count(&state, &summary);
                Ok(told(&summary, generation))
            }
            Err(error) => Err(told_of(&error, &stalled)),
        });
        drop(turn);
    };
    let started = std::thread::Builder::new().name("quell-filter-0".to_owned()).spawn(work);
    started.map(drop).map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no thread is left to filter the batch")
    })
}

/// Counts what is decided.
fn count(state: &State, summary: &Summary) {
    let tally = &summary.tally;
    state.metrics().decided(None, tally.kept);
    for reason in Reason::all() {
        state.metrics().decided(Some(reason), tally.withheld_for(reason));
    }
}

/// What is told of a run that came to its end.
fn told(summary: &Summary, generation: u64) -> HeaderMap {
    let tally = &summary.tally;
    let mut told = HeaderMap::new();
    told.insert(STATUS, HeaderValue::from_static("ok"));
    told.insert(READ, HeaderValue::from(tally.read));
    told.insert(KEPT, HeaderValue::from(tally.kept));
    told.insert(WITHHELD, HeaderValue::from(tally.withheld));
    told.insert(GENERATION, HeaderValue::from(generation));
    told
}

fn told_of(error: &Error, stalled: &Stalled) -> Problem {
    if stalled.is_set() {
        return Problem::new(StatusCode::REQUEST_TIMEOUT, "nothing came for too long");
    }
    problem(error)
}

impl Batch {
    /// Filters `input` to `writer`.
    fn run(&self, input: Input, writer: Writer) -> Result<Summary> {
        let unpacked = unpack(input, &self.options.input_name, &UnpackLimits::default())?;
        let compression = unpacked.compression();
        if self.said_gzip && compression != Compression::Gzip {
            return Err(Error::input("the body is said to be gzip, and is not"));
        }
        let (start, is_whole) = (unpacked.start(), unpacked.is_whole());
        let mut options = self.options.clone();
        if self.kind != Kind::Ndjson {
            let asked = self.delimiter.or((self.kind == Kind::Tsv).then_some(Dialect::TSV));
            let parted = parted(start, is_whole, asked, options.header);
            (options.dialect, options.preamble_bytes) = (parted.dialect, parted.preamble_bytes);
        }
        let coding = if self.packed { Compression::Gzip } else { Compression::None };
        let no_thread = |error| Error::untrusted(format!("cannot start a thread: {error}"));
        let mut out = Packer::with_gzip_level(writer, coding, GZIP_LEVEL).map_err(no_thread)?;
        let summary = if compression == Compression::None {
            self.filtered(&options, unpacked, &mut out)?
        } else {
            let ahead = Ahead::new(unpacked).map_err(no_thread)?;
            self.filtered(&options, ahead, &mut out)?
        };
        let failed = |error| Error::writing(std::path::Path::new("the answer"), error);
        out.finish().map_err(failed)?;
        Ok(summary)
    }

    fn filtered(
        &self,
        options: &Options,
        input: impl Read + Send,
        out: &mut Packer<Writer>,
    ) -> Result<Summary> {
        let filter = Filter {
            snapshot: self.answers.snapshot(),
            hasher: self.answers.hasher(),
            policy: self.answers.policy(),
            options,
        };
        let withheld = None::<&mut io::Sink>;
        let ran = match self.kind {
            Kind::Ndjson => filter.run_ndjson(input, out, withheld, &|_| ()),
            Kind::Csv | Kind::Tsv => filter.run(input, out, withheld, &|_| ()),
        };
        ran.map(|(summary, _)| summary)
    }
}
