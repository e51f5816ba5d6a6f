//! `POST /v1/resubscribes`: reachable again, with permission and proof.

use super::schema::{Channel as ChannelWord, Resubscribed, SuppressionReason as Suppression};
use crate::action::{self, words};
use crate::error::{Error, ErrorKind};
use crate::ledger::ResubscribeRequest;
use crate::record::{Channel, Permission, SuppressionReason};
use crate::service::access::Caller;
use crate::service::answer::changing;
use crate::service::extract::JsonBody;
use crate::service::{Problem, State};
use axum::{Extension, Json, extract};
use serde::Deserialize;
use serde_json::Value;

/// Who is to be reachable again, and by which permission.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResubscribeRequest, examples(json!({
    "address": "ann@example.com",
    "permission": {"channel": "phone", "evidence": "call of 3 May, ticket 4711", "by": "support"},
})))]
pub(in crate::service) struct Body {
    /// The address, in any spelling.
    #[schema(format = "email")]
    address: String,
    /// The lists to lift; without any, what blocks everywhere is lifted.
    #[serde(default)]
    #[schema(value_type = Option<Vec<super::schema::List>>)]
    lists: Option<Vec<String>>,
    /// What blocks everywhere, and every list.
    #[serde(default)]
    all_lists: Option<bool>,
    /// Suppressions to lift as well, which stay otherwise.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Suppression>>)]
    include: Option<Vec<String>>,
    /// The proof. Without it nothing is changed.
    #[schema(required, value_type = PermissionGiven)]
    permission: Option<PermissionGiven>,
}

/// How the person gave permission, what shows it, and who took it.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with channel, evidence and by")]
pub(in crate::service) struct PermissionGiven {
    /// How it was given.
    #[schema(required, value_type = ChannelWord)]
    channel: Option<String>,
    /// What shows it: a date, a ticket, a place. For a complaint it holds a number, unless the person wrote.
    #[schema(required, value_type = String, pattern = r"\S")]
    evidence: Option<String>,
    /// Who took it.
    #[schema(required, value_type = String, pattern = r"\S")]
    by: Option<String>,
}

/// Makes an address reachable again.
///
/// Needs the person's explicit permission, which is stored with everything it deletes and changes. What still blocks
/// afterwards is told.
#[utoipa::path(post, path = "/v1/resubscribes", tag = "records", request_body = Body, responses(
    (status = 200, description = "Done, and in every answer from now on", body = Resubscribed),
    (status = 422, description = "No permission, or not enough of one: nothing was changed", body = Problem),
))]
pub(in crate::service) async fn resubscribe(
    extract::State(state): extract::State<State>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Value>, Problem> {
    changing(&state, move |state| {
        let request = ResubscribeRequest { recorded_by: Some(caller.name), ..body.request()? };
        let (now, live) = (state.now(), state.live());
        let answers = live.answers()?;
        let store = answers.store();
        let follow = |generation| live.follow(store, generation, now);
        let done = action::resubscribe::resubscribe(store, &body.address, &request, now, follow)
            .map_err(in_words_of_the_interface)?;
        state.metrics().resubscribed();
        tracing::info!(generation = done.did.generation, "an address was resubscribed");
        Ok(Json(done.to_json()))
    })
    .await
}

impl Body {
    fn request(&self) -> Result<ResubscribeRequest, Error> {
        let lists = words::lists(self.lists.as_deref().unwrap_or_default())?;
        let all_lists = self.all_lists.unwrap_or_default();
        let include = self.include.as_deref().unwrap_or_default().iter();
        let include =
            include.map(|word| word.parse().map_err(|error| Error::usage(format!("{error}"))));
        Ok(ResubscribeRequest {
            global: lists.is_empty() || all_lists,
            lists,
            all_lists,
            include: include.collect::<Result<Vec<SuppressionReason>, Error>>()?,
            permission: self
                .permission
                .as_ref()
                .unwrap_or(&PermissionGiven::default())
                .permission()?,
            recorded_by: None,
        })
    }
}

impl PermissionGiven {
    /// The permission, or a refusal that names what is missing.
    fn permission(&self) -> Result<Permission, Error> {
        let parts = [("channel", &self.channel), ("evidence", &self.evidence), ("by", &self.by)];
        let is_blank =
            |part: &Option<String>| part.as_ref().is_none_or(|text| text.trim().is_empty());
        let missing = parts.iter().filter(|(_, part)| is_blank(part)).map(|(name, _)| *name);
        let missing: Vec<&str> = missing.collect();
        let none = |why: String| {
            Error::refused(format!("no permission, nothing was changed: {why}")).with_hint(
                "only the person's explicit permission makes an address reachable again: send \
                 `permission` with `channel`, `evidence` and `by`",
            )
        };
        if !missing.is_empty() {
            return Err(none(format!("{} missing", missing.join(", "))));
        }
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let channel: Result<Channel, _> = text(&self.channel).trim().parse();
        let channel = channel.map_err(|error| none(error.to_string()))?;
        Permission::new(channel, &text(&self.evidence), &text(&self.by))
            .ok_or_else(|| none("a part of it is blank".to_owned()))
    }
}

/// The ledger's refusals say what to do in words of the command line.
fn in_words_of_the_interface(error: Error) -> Error {
    if error.kind() != ErrorKind::Refused {
        return error;
    }
    Error::refused(error.to_string()).with_hint(
        "a complaint is lifted when `evidence` says when the permission was given or where it is kept (`call of 3 May \
         2026`, `ticket 4711`); an erased address needs `manual` in `include`, which brings back what blocked it and \
         then lifts what the request names",
    )
}
