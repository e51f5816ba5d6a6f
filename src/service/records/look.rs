//! `GET /v1/records` and `GET /v1/history`: what is recorded of an address, and what happened to it.

use super::schema::{History, Records};
use crate::action;
use crate::service::answer::blocking;
use crate::service::extract::Parameters;
use crate::service::{Problem, State};
use axum::{Json, extract};
use serde::Deserialize;
use serde_json::Value;

/// Who is asked about.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::service) struct Asked {
    /// The address, in any spelling. A `+` in it is written `%2B`.
    #[param(format = "email", example = "ann@example.com")]
    address: String,
}

/// What is recorded of an address.
#[utoipa::path(get, path = "/v1/records", tag = "records", params(Asked), responses(
    (status = 200, description = "Its records, and what covers it without being recorded of it", body = Records),
))]
pub(in crate::service) async fn records(
    extract::State(state): extract::State<State>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>, Problem> {
    let found = blocking(&state, move |state| {
        state.live().read(state.now(), |reader| {
            Ok(action::records::of_address(reader, asked.address.trim())?.to_json())
        })
    });
    found.await.map(Json).map_err(about_the_plus)
}

/// Everything that ever happened to an address, oldest first.
#[utoipa::path(get, path = "/v1/history", tag = "records", params(Asked), responses(
    (status = 200, description = "Its events", body = History),
))]
pub(in crate::service) async fn history(
    extract::State(state): extract::State<State>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>, Problem> {
    let found = blocking(&state, move |state| {
        state.live().read(state.now(), |reader| {
            let (view, policy) = (reader.view(), reader.policy());
            Ok(action::history::of_address(view, policy, asked.address.trim())?.to_json())
        })
    });
    found.await.map(Json).map_err(about_the_plus)
}

/// The usual reason why an address in a query is none.
fn about_the_plus(problem: Problem) -> Problem {
    if problem.status().is_client_error() {
        return problem
            .with_hint("in a query a `+` means a space: write `%2B` for one in an address");
    }
    problem
}
