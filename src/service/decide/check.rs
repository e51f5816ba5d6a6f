//! `POST /v1/check`: may these addresses be mailed?

use crate::action;
use crate::record::{Class, Query};
use crate::service::answer::blocking;
use crate::service::{Problem, State};
use axum::{Json, extract};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct CheckRequest {
    /// The addresses.
    #[schema(max_items = 10_000)]
    addresses: Vec<String>,
    /// The lists the mail is sent for.
    #[serde(default)]
    lists: Vec<String>,
    /// `bulk` or `transactional`.
    #[serde(default)]
    class: Option<String>,
}

/// May these addresses be mailed, and if not, why?
#[utoipa::path(post, path = "/v1/check", tag = "decisions", responses(
    (status = 200, description = "A verdict for each address, in order"),
    (status = 503, description = "The index can't be trusted", body = Problem),
))]
pub(in crate::service) async fn check(
    extract::State(state): extract::State<State>,
    Json(request): Json<CheckRequest>,
) -> Result<Json<Value>, Problem> {
    let class: Class = match request.class.as_deref().map(str::parse) {
        None => Class::Bulk,
        Some(Ok(class)) => class,
        Some(Err(error)) => return Err(crate::Error::usage(format!("{error}")).into()),
    };
    blocking(&state, move |state| {
        let lists = action::words::lists(&request.lists)?;
        let query = Query { now: state.now(), class, lists: &lists };
        state.live().read(query.now, |reader| {
            let generation = reader.snapshot().generation();
            let mut results = Vec::with_capacity(request.addresses.len());
            for address in &request.addresses {
                let answer = action::check::answer(reader, address, None, &query)?;
                results.push(answer.to_json(generation));
            }
            Ok(Json(json!({"generation": generation, "results": results})))
        })
    })
    .await
}
