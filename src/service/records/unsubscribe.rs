//! `POST /v1/unsubscribes`: never again, everywhere or for one list.

use crate::action;
use crate::error::Error;
use crate::record::RecordClass;
use crate::service::access::Caller;
use crate::service::answer::changing;
use crate::service::extract::JsonBody;
use crate::service::{Problem, State, change};
use axum::http::StatusCode;
use axum::{Extension, Json, extract};
use serde::{Deserialize, Serialize};

/// Who is not to be mailed any more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"address": "ann@example.com", "list": "news", "source": "reply to a mail"})))]
pub(in crate::service) struct UnsubscribeRequest {
    /// The address, in any spelling.
    #[schema(format = "email")]
    address: String,
    /// One list; without it, everything.
    #[serde(default)]
    #[schema(value_type = Option<super::schema::List>)]
    list: Option<String>,
    /// What kinds of send it stops: `bulk` if nothing is said.
    #[serde(default)]
    #[schema(value_type = Option<super::schema::RecordClass>)]
    class: Option<String>,
    /// Where it comes from.
    #[serde(default)]
    source: Option<String>,
}

/// The opt-out is durable, and in every answer from now on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({"generation": 17})))]
pub(in crate::service) struct Unsubscribed {
    /// The generation that holds it.
    generation: u64,
}

/// Records an opt-out.
///
/// Answered once it is durable and in every later answer of this service. Repeating it changes nothing and is answered
/// alike, so a client that got no answer asks again.
#[utoipa::path(post, path = "/v1/unsubscribes", tag = "records", request_body = UnsubscribeRequest, responses(
    (status = 201, description = "Recorded, or recorded already", body = Unsubscribed),
))]
pub(in crate::service) async fn unsubscribe(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<UnsubscribeRequest>,
) -> Result<(StatusCode, Json<Unsubscribed>), Problem> {
    changing(&state, move |state| {
        let class = match request.class.as_deref().map(str::parse) {
            None => RecordClass::Bulk,
            Some(class) => class.map_err(|error| Error::usage(format!("{error}")))?,
        };
        let request = action::unsubscribe::Request {
            address: &request.address,
            list: request.list.as_deref(),
            class,
            source: request.source.as_deref(),
            by: Some(&caller.name),
        };
        let store = change::store(state)?;
        let done = action::unsubscribe::unsubscribe(&store, request, state.now(), |generation| {
            change::follow(state, &store, generation)
        })?;
        if done.changed {
            state.metrics().opted_out(done.list.as_deref());
            tracing::info!(generation = done.generation, "an address was unsubscribed");
        }
        Ok((StatusCode::CREATED, Json(Unsubscribed { generation: done.generation })))
    })
    .await
}
