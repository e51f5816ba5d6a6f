//! Every route with every role, and with what is no token.

use super::{Served, get, named_token, revoke, signed_in};
use crate::sandbox::Sandbox;
use serde_json::Value;

const ROLES: [&str; 4] = ["decide", "write", "operator", "admin"];

/// What each route of the API needs, as the documents say it; written down a second time on purpose.
const API: [(&str, &str, &str); 6] = [
    ("POST", "/v1/check", "decide"),
    ("POST", "/v1/filter", "decide"),
    ("POST", "/v1/unsubscribes", "write"),
    ("POST", "/v1/resubscribes", "operator"),
    ("GET", "/v1/records", "operator"),
    ("GET", "/v1/history", "operator"),
];

/// Routes that anybody may ask.
const OPEN: [&str; 6] =
    ["/healthz", "/readyz", "/metrics", "/openapi.json", "/u/{token}", "/p/{token}"];

/// Pages of the console.
const PAGES: [(&str, &str); 4] = [
    ("/console/", "operator"),
    ("/console", "operator"),
    ("/console/no/such/page", "operator"),
    ("/console/access", "admin"),
];

fn rank(role: &str) -> usize {
    ROLES.iter().position(|known| *known == role).unwrap()
}

/// The routes of the description: method and path.
fn described(served: &Served) -> Vec<(String, String)> {
    let description: Value = served.get("/openapi.json", "").expect(200).json();
    let mut routes = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if matches!(method.as_str(), "get" | "put" | "post" | "delete" | "patch" | "head") {
                routes.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(!routes.is_empty());
    routes
}

/// What is no token: nothing, of the right form, of none.
fn no_tokens(sandbox: &Sandbox, served: &Served) -> Vec<String> {
    let revoked = named_token(sandbox, "admin", "was an admin");
    revoke(sandbox, "was an admin");
    served.within_100_ms(|| served.get("/v1/check", &revoked).status == 401);
    let real = served.token("admin");
    let (_, rest) = real.split_at(6);
    let made_up = format!("quell_{}", "A".repeat(43));
    vec![
        String::new(),
        revoked,
        made_up,
        "x".to_owned(),
        "quell_".to_owned(),
        rest.to_owned(),
        real.to_uppercase(),
        format!("{real}x"),
        format!("{real}="),
        format!("x{real}"),
        real[..real.len() - 1].to_owned(),
        format!("{real} {real}"),
        format!("{real},"),
        format!("\"{real}\""),
        format!("{}\u{e9}", &real[..real.len() - 1]),
        "null".to_owned(),
        "*".to_owned(),
        "%".to_owned(),
        "' OR 1=1 --".to_owned(),
        "admin".to_owned(),
        "x".repeat(8_000),
    ]
}

#[test]
fn every_route_of_the_description_is_in_the_table() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let admin = served.token("admin");
    for (method, path) in described(&served) {
        let known = API.iter().any(|(m, p, _)| *m == method && *p == path)
            || OPEN.contains(&path.as_str())
            || PAGES.iter().any(|(p, _)| *p == path);
        assert!(known, "{method} {path} is in no table of this test");
        // A route that the service's own table lacks says 403 to everybody.
        let answer = served.request(&method, &path.replace("{token}", "x"), &admin, &[], b"");
        assert!(!matches!(answer.status, 401 | 403), "{method} {path}: {}", answer.text());
    }
}

#[test]
fn each_role_may_do_what_those_before_it_may() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let described = described(&served);
    for (method, path, needs) in API {
        if !described.contains(&(method.to_owned(), path.to_owned())) {
            continue;
        }
        for role in ROLES {
            let token = served.token(role);
            let status = served.request(method, path, &token, &[], b"").status;
            if rank(role) < rank(needs) {
                assert_eq!(status, 403, "{method} {path} as {role}");
            } else {
                assert!(!matches!(status, 0 | 401 | 403 | 500..), "{path} as {role}: {status}");
            }
        }
    }
}

#[test]
fn what_is_no_token_opens_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let described = described(&served);
    let none = no_tokens(&sandbox, &served);
    for (method, path, _) in API {
        if !described.contains(&(method.to_owned(), path.to_owned())) {
            continue;
        }
        for token in &none {
            let answer = served.request(method, path, token, &[], b"").expect(401);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"quell\""));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            // What was sent is not sent back.
            assert!(token.len() < 5 || !answer.text().contains(token.as_str()), "{token}");
        }
    }
    for (path, _) in PAGES {
        for token in &none {
            let answer = served.get(path, token);
            match token.is_empty() {
                true => assert_eq!(answer.status, 303, "{path}"),
                false => assert_eq!(answer.status, 401, "{path} {token}"),
            }
            assert!(answer.header("set-cookie").is_none());
        }
    }
}

#[test]
fn the_console_is_for_operators_and_its_page_of_tokens_for_admins() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    for role in ROLES {
        let token = served.token(role);
        // With the token itself, and with a session where there is one for the role.
        let session = (rank(role) >= 2).then(|| signed_in(&served, &token));
        for (path, needs) in PAGES {
            let mut statuses = vec![served.get(path, &token).status];
            statuses.extend(session.as_ref().map(|session| get(&served, path, session).status));
            for status in statuses {
                if rank(role) < rank(needs) {
                    assert_eq!(status, 403, "{path} as {role}");
                } else {
                    assert!(matches!(status, 200 | 303 | 404), "{path} as {role}: {status}");
                }
            }
        }
    }
}

#[test]
fn what_anybody_may_ask_needs_no_token_and_minds_none() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        served.get(path, "").expect(200);
        served.get(path, "nonsense").expect(200);
    }
    served.get("/console/sign-in", "").expect(200);
    served.get("/", "").expect(404);
    served.get("/v1/nothing", "").expect(404);
}

#[test]
fn a_token_is_of_use_at_once_and_of_none_once_it_is_revoked() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let body = serde_json::json!({"addresses": ["ann@example.com"]});
    let token = named_token(&sandbox, "decide", "sender");
    served.post("/v1/check", &token, &body).expect(200);
    revoke(&sandbox, "sender");
    served.within_100_ms(|| served.post("/v1/check", &token, &body).status == 401);
    // One of the same name is another one.
    let again = named_token(&sandbox, "decide", "sender");
    served.post("/v1/check", &again, &body).expect(200);
    served.post("/v1/check", &token, &body).expect(401);
}

#[test]
fn tokens_are_known_while_the_index_is_not_to_be_trusted() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let manifest = sandbox.path("store/index/manifest");
    let away = sandbox.path("manifest");
    std::fs::rename(&manifest, &away).unwrap();
    served.within(2_000, || served.get("/readyz", "").status == 503);
    let body = serde_json::json!({"addresses": ["ann@example.com"]});
    // It was never seen while the index could be trusted.
    let token = named_token(&sandbox, "decide", "late");
    served.post("/v1/check", &token, &body).expect(503);
    served.post("/v1/check", "quell_", &body).expect(401);
    served.post("/v1/check", "", &body).expect(401);
    served.get("/v1/records", &token);
    revoke(&sandbox, "late");
    served.within(5_000, || served.post("/v1/check", &token, &body).status == 401);
}
