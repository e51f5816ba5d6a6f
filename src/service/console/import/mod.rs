//! A file taken in: uploaded, shown as it is understood, then applied whole or not at all.

mod job;
mod pages;
mod said;
mod upload;

pub(super) use job::Jobs;

use crate::error::{Error, Result};
use crate::service::access::Caller;
use crate::service::answer::blocking;
use crate::service::console::layout::see_other;
use crate::service::console::spill;
use crate::service::extract::Fields;
use crate::service::{Problem, State};
use axum::extract::multipart::MultipartRejection;
use axum::extract::{self, DefaultBodyLimit, Multipart, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use job::{Job, SWEPT_AFTER, Status};
use said::Wanted;
use std::sync::Arc;
use std::time::Duration;

/// A page waits so long for a file that is being read: most are done by then, and nobody has to look again.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// How many files are received at once.
pub(super) const UPLOADS: usize = 4;

/// The routes, which operators may ask.
pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/console/import", get(start).post(receive))
        // The file is bounded as it comes.
        .route_layer(DefaultBodyLimit::disable())
        .route("/console/import/{id}", get(show))
        .route("/console/import/{id}/read", post(read))
        .route("/console/import/{id}/apply", post(apply))
        .route("/console/import/{id}/discard", post(discard))
        .route("/console/import/{id}/rejects.csv", get(rejects))
}

async fn start(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    blocking(&state, move |state| pages::start(state, &caller)).await
}

/// Takes a file in, and begins to read it. Nothing is applied.
async fn receive(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let form = form.map_err(|rejection| {
        Problem::new(rejection.status(), "the file has to come in a form")
            .with_hint("send it as multipart/form-data, in a field `file`")
    })?;
    state.console().jobs.require_room(&caller)?;
    let Ok(_slot) = state.console().uploads.try_acquire() else {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{UPLOADS} files are being received already"),
        ));
    };
    let received = upload::receive(&state, form).await?;
    let upload::Received { name, bytes, file, wanted } = received;
    let job = Job::new(id()?, caller, name, bytes, file, wanted.clone());
    let job = Arc::new(job);
    state.console().jobs.put(&job)?;
    job.foresee(&state, wanted)?;
    let (later, waiting) = (state.clone(), Arc::downgrade(&job));
    tokio::spawn(async move {
        while waiting.strong_count() > 0 {
            tokio::time::sleep(SWEPT_AFTER).await;
            later.console().jobs.sweep();
        }
    });
    Ok(see_other(&format!("/console/import/{}", job.id)))
}

async fn show(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = find(&state, &id, &caller)?;
    job.settled(PATIENCE).await;
    Ok(pages::job(&job, &caller))
}

async fn read(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Fields(fields): Fields,
) -> Result<Response, Problem> {
    let job = find(&state, &id, &caller)?;
    let mut wanted = Wanted::default();
    for (name, value) in &fields {
        wanted.take(name, value)?;
    }
    job.foresee(&state, wanted)?;
    Ok(see_other(&format!("/console/import/{id}")))
}

async fn apply(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Fields(fields): Fields,
) -> Result<Response, Problem> {
    let job = find(&state, &id, &caller)?;
    let Status::Foreseen(preview) = job.status() else {
        return Ok(see_other(&format!("/console/import/{id}")));
    };
    let rejected = preview.foreseen.rejected;
    let is_accepted =
        fields.iter().any(|(name, value)| name == "without" && *value == rejected.to_string());
    if rejected > 0 && !is_accepted {
        return Err(Error::refused(format!("{rejected} rows of the file can't be understood"))
            .with_hint("mend them, or say that they may be left out")
            .into());
    }
    job.apply(&state, rejected)?;
    Ok(see_other(&format!("/console/import/{id}")))
}

async fn discard(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    state.console().jobs.let_go(&find(&state, &id, &caller)?)?;
    Ok(see_other("/console/import"))
}

/// The rows that can't be understood, as a file.
async fn rejects(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = find(&state, &id, &caller)?;
    let Status::Foreseen(preview) = job.status() else { return Err(unknown()) };
    let (by, rows) = (caller.logged(), preview.foreseen.rejected);
    tracing::info!(%by, rows, "rejects downloaded");
    Ok(spill::csv("rejects.csv", move |out| spill::copy(&preview.rejects, out)))
}

fn find(state: &State, id: &str, caller: &Caller) -> Result<Arc<Job>, Problem> {
    state.console().jobs.find(id, caller).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such file here, or not any more").with_hint(
        "a file is kept for 15 minutes, and one only of each who sends some: send it again",
    )
}

fn id() -> Result<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
