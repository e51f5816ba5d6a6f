//! The OpenAPI description: what the routes say of themselves, and what holds for all of them.

use super::Problem;
use super::access::Need;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "quell",
        description = "The last gate before an e-mail campaign leaves.\n\nErrors are problem documents (RFC 9457), \
            which quote no address. Members that are not known are refused."
    ),
    components(schemas(Problem))
)]
struct Description;

/// What is not said by any route: paths without parameters, how to sign in, the problems that they share.
const SHARED: &str = include_str!("openapi/shared.json");
/// What any path below `/v1/` may answer besides its own.
const OF_V1: [(&str, &str); 5] = [
    ("401", "Unknown"),
    ("403", "Forbidden"),
    ("408", "Slow"),
    ("429", "TooMany"),
    ("503", "Untrusted"),
];
/// What a path that takes something may answer besides.
const OF_A_BODY: [(&str, &str); 3] = [("400", "Wrong"), ("413", "TooLarge"), ("415", "WrongType")];
const PROBLEM_SCHEMA: &str = "#/components/schemas/Problem";

/// What the description begins with, for the routes to add themselves to.
pub(super) fn begun() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// The description as it is sent.
pub(super) fn text(of_routes: &utoipa::openapi::OpenApi) -> String {
    let mut description = serde_json::to_value(of_routes).unwrap_or_default();
    let shared = serde_json::from_str(SHARED).unwrap_or_default();
    let paths = description.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(path, operation);
        }
    }
    merge(&mut description, shared);
    description.to_string()
}

/// Adds to an operation what it shares with others and does not say itself.
fn complete(path: &str, operation: &mut Value) {
    let is_of_v1 = path.starts_with("/v1/");
    let mut shared: Vec<(&str, &str)> = Vec::new();
    if is_of_v1 {
        shared.extend(OF_V1);
    }
    if is_of_v1 && operation.get("requestBody").is_some() {
        shared.extend(OF_A_BODY);
    }
    if operation.get("parameters").is_some() {
        shared.push(("400", "Wrong"));
    }
    if !is_of_v1 {
        shared.extend([("408", "Slow"), ("413", "TooLarge"), ("429", "TooMany")]);
    }
    operation["security"] = match Need::of(path) {
        Some(Need::Role(role)) => {
            json!([{"token": [role.as_str()]}, {"session": [role.as_str()]}])
        }
        _ => json!([]),
    };
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, name) in shared {
        let reference = || json!({"$ref": format!("#/components/responses/{name}")});
        responses.entry(status).or_insert_with(reference);
    }
    for response in responses.values_mut() {
        say_it_is_a_problem(response);
    }
}

/// A problem is of a media type of its own.
fn say_it_is_a_problem(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else { return };
    let is_problem = content
        .get("application/json")
        .is_some_and(|media| media["schema"]["$ref"] == PROBLEM_SCHEMA);
    if is_problem && let Some(media) = content.remove("application/json") {
        content.insert("application/problem+json".to_owned(), media);
    }
}

/// Puts `more` into `value`, member by member.
fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Object(value), Value::Object(more)) => {
            for (name, more) in more {
                merge(value.entry(name).or_insert(Value::Null), more);
            }
        }
        (value, more) => *value = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_json() {
        let shared: Value = serde_json::from_str(SHARED).unwrap();
        let responses = shared["components"]["responses"].as_object().unwrap();
        for (status, name) in OF_V1.into_iter().chain(OF_A_BODY) {
            assert!(responses.contains_key(name), "{status}");
        }
    }

    #[test]
    fn a_route_says_what_it_answers_and_shares_the_rest() {
        let mut operation = json!({
            "requestBody": {},
            "responses": {
                "200": {"description": "fine"},
                "503": {
                    "description": "its own",
                    "content": {"application/json": {"schema": {"$ref": PROBLEM_SCHEMA}}},
                },
            },
        });
        complete("/v1/check", &mut operation);
        let responses = operation["responses"].as_object().unwrap();
        let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["200", "400", "401", "403", "408", "413", "415", "429", "503"]);
        assert_eq!(responses["503"]["description"], "its own");
        assert!(responses["503"]["content"].get("application/problem+json").is_some());
        assert_eq!(responses["401"]["$ref"], "#/components/responses/Unknown");
        assert_eq!(operation["security"][0]["token"], json!(["decide"]));
    }
}
