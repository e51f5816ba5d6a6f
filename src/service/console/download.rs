//! Records of a kind as a file, as `quell export` writes them.

use super::spill;
use crate::action::export::{header, write_row};
use crate::error::Error;
use crate::ledger::{Ledger, View};
use crate::record::Kind;
use crate::service::access::Caller;
use crate::service::{Problem, State};
use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use std::io::Write;

/// The routes, which operators may ask.
pub(super) fn routes() -> Router<State> {
    Router::new().route("/console/download/{file}", get(download))
}

/// Sends every record of a kind, plain addresses included; that is why who took them is logged.
async fn download(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let kind = file.strip_suffix(".csv").and_then(|kind| kind.parse::<Kind>().ok());
    let Some(kind) = kind else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such file"));
    };
    // Before anything is sent: what can't be read must not look like an empty file.
    let answers = state.live().answers()?;
    Ok(spill::csv(&file, move |out| {
        let view = answers.store().ledger().view()?;
        let rows = write(&*view, kind, out)?;
        let (by, kind) = (caller.logged(), kind.as_str());
        tracing::info!(%by, kind, rows, "records downloaded");
        Ok(())
    }))
}

fn write(view: &dyn View, kind: Kind, out: &mut dyn Write) -> crate::Result<u64> {
    let failed = |error| Error::writing("the answer".as_ref(), error);
    writeln!(out, "{}", header(kind)).map_err(failed)?;
    let mut rows = 0;
    view.export(kind, &mut |_, record| {
        rows += 1;
        write_row(record, out).map_err(failed)
    })?;
    Ok(rows)
}
