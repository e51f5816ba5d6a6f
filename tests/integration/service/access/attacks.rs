//! What somebody tries who has no token, or one of too small a role: by the path, the method, headers, cookies, pages of
//! other sites. Each test has a way in that works, to see that the others fail for the right reason.

use super::{Answer, Served, cookie, form, get, named_token, sign_in, signed_in};
use crate::sandbox::Sandbox;
use serde_json::json;

/// What nobody below `operator` may see.
const SECRET: &str = "complaint";
const ASK: &str = "/v1/records?address=ann@example.com";

/// A service over a store with something to be seen.
fn served() -> (Sandbox, Served) {
    let sandbox = Sandbox::new();
    let file = sandbox.write("s.csv", "email,reason\nann@example.com,complaint\n");
    sandbox.quell(["import", "suppressions", file]).expect(0);
    let served = Served::start(&sandbox);
    let seen = served.get(ASK, &served.token("operator")).expect(200);
    assert!(seen.text().contains(SECRET), "{}", seen.text());
    (sandbox, served)
}

/// Fails if the answer gives anything.
#[track_caller]
fn refused(answer: &Answer, what: &str) {
    assert!(
        matches!(answer.status, 303 | 400 | 401 | 403 | 404 | 405 | 414 | 415 | 431),
        "{what}: {} {}",
        answer.status,
        answer.text()
    );
    let location = answer.header("location").unwrap_or("/console/sign-in");
    assert!(location.starts_with("/console/"), "{what}: {location}");
    assert!(!answer.text().contains(SECRET), "{what}: {}", answer.text());
    assert!(answer.header("set-cookie").is_none(), "{what}");
}

/// The head of a request as it is written, without a body.
fn sent(served: &Served, head: &str) -> Answer {
    let host = served.address;
    let bytes = format!("{head}\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    Answer::parse(&served.raw(bytes.as_bytes()))
}

#[test]
fn no_way_to_write_a_path_gets_past_the_door() {
    let (_sandbox, served) = served();
    let decide = served.token("decide");
    let query = "?address=ann@example.com";
    for path in [
        "/v1/records",
        "//v1/records",
        "/v1//records",
        "/v1/records/",
        "/v1/./records",
        "/./v1/records",
        "/v1/x/../records",
        "/v1/check/../records",
        "/healthz/../v1/records",
        "/u/../v1/records",
        "/u/%2e%2e/v1/records",
        "/u/x/../../v1/records",
        "/console/assets/../../v1/records",
        "/console/sign-in/../../v1/records",
        "/v1/%72ecords",
        "/%76%31/records",
        "/v1%2frecords",
        "/v1%252frecords",
        "/V1/Records",
        "/v1/records%00",
        "/v1/records%20",
        "/v1/records.json",
        "/v1/records;role=admin",
        "/v1/records%3b",
        "/v1/records%23",
        "/v1/records?x=/u/&",
        "/v1/r\u{e9}cords",
        "/v1/\u{ff52}ecords",
        "v1/records",
        "\\v1\\records",
        "/v1\\records",
        "*",
        "http://example.org/v1/records",
        "http://example.org//v1/records",
        "http://admin:admin@example.org/v1/records",
        "http://example.org/u/../v1/records",
    ] {
        let path = match path.contains('?') {
            true => format!("{path}address=ann@example.com"),
            false => format!("{path}{query}"),
        };
        refused(&sent(&served, &format!("GET {path} HTTP/1.1")), &path);
        let with = format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {decide}");
        refused(&sent(&served, &with), &path);
    }
}

#[test]
fn no_way_to_write_a_page_s_path_opens_it() {
    let (sandbox, served) = served();
    let operator = signed_in(&served, &named_token(&sandbox, "operator", "oscar"));
    for path in [
        "/console",
        "/console/",
        "/console/person?address=ann@example.com",
        "/console//person?address=ann@example.com",
        "/console/assets/../person?address=ann@example.com",
        "/console/assets/..%2fperson?address=ann@example.com",
        "/console/sign-in/../person?address=ann@example.com",
        "/console/sign-in/?address=ann@example.com",
        "/console/sign-in%2f..%2fperson?address=ann@example.com",
        "/console/Person?address=ann@example.com",
        "/console/download/suppressions.csv",
        "/console/access",
    ] {
        refused(&sent(&served, &format!("GET {path} HTTP/1.1")), path);
    }
    // A page for admins, by an operator.
    for path in [
        "/console/access",
        "/console/access/",
        "/console//access",
        "/console/./access",
        "/console/x/../access",
        "/console/assets/../access",
        "/console/Access",
        "/console/acces%73",
        "/console/access%2f",
        "/console/access;x",
        "/console/access/x",
    ] {
        let answer = get(&served, path, &operator);
        assert!(matches!(answer.status, 403 | 404), "{path}: {}", answer.status);
        assert!(!answer.text().contains("Revoke"), "{path}");
    }
}

#[test]
fn no_method_does_what_it_is_not_for() {
    let (sandbox, served) = served();
    let decide = served.token("decide");
    for method in [
        "HEAD", "OPTIONS", "TRACE", "PUT", "POST", "DELETE", "PATCH", "PROPFIND", "QUERY", "get",
        "Get", "X", "CONNECT",
    ] {
        let head = format!("{method} {ASK} HTTP/1.1");
        refused(&sent(&served, &head), method);
        refused(&sent(&served, &format!("{head}\r\nauthorization: Bearer {decide}")), method);
    }
    // A method that is told in another way is not taken for one.
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let body = br#"{"address":"bob@example.com"}"#;
        let headers = [("content-type", "application/json"), (header, "POST")];
        let answer = served.request("GET", "/v1/unsubscribes", &decide, &headers, body);
        refused(&answer, header);
    }
    // What changes something is not done by following a link.
    let session = signed_in(&served, &named_token(&sandbox, "admin", "ada"));
    for path in
        ["/console/sign-out", "/console/access/revoke?name=ada", "/console/access/end?session=0"]
    {
        for method in ["GET", "HEAD"] {
            let answer = served.request(method, path, "", &[("cookie", &session)], b"");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").is_some());
        }
    }
    get(&served, "/console/access", &session).expect(200);
    assert!(sandbox.quell(["token", "list"]).expect(0).text().contains("ada"));
}

#[test]
fn no_header_stands_in_for_a_token() {
    let (_sandbox, served) = served();
    let token = served.token("operator");
    let two = format!("Bearer {token}");
    for (name, value) in [
        ("x-original-url", "/healthz"),
        ("x-rewrite-url", "/healthz"),
        ("x-forwarded-prefix", "/u"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-user", "admin"),
        ("x-remote-user", "admin"),
        ("x-role", "admin"),
        ("x-api-key", &token),
        ("x-auth-token", &token),
        ("token", &token),
        ("proxy-authorization", &two),
        ("authentication", &two),
        ("authorization ", &two),
        ("x-authorization", &two),
        ("authorization", &token),
        ("authorization", &format!("Token {token}")),
        ("authorization", &format!("Basic {token}")),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
        ("authorization", &format!("Bearer:{token}")),
        ("authorization", &format!("Bearer={token}")),
        ("authorization", &format!("Bearer\t{token}")),
        ("authorization", &format!("Bearer {token}, Bearer {token}")),
        ("authorization", &format!("Bearer token={token}")),
        ("authorization", &format!("Bearer \"{token}\"")),
        ("authorization", &format!("Bearer Bearer {token}")),
        ("authorization", &format!("Bearer {token}\r\nauthorization: Bearer {token}")),
        ("authorization", &format!("Bearer x\r\nauthorization: Bearer {token}")),
        ("authorization", &format!("Basic x\r\nauthorization: Bearer {token}")),
        ("authorization", &format!("Bearer {token}\r\nauthorization:")),
        ("authorization", "Bearer"),
        ("authorization", "Bearer "),
        ("cookie", &format!("authorization=Bearer {token}")),
        ("cookie", &format!("token={token}")),
        ("cookie", &format!("quell_session={token}")),
        ("referer", &format!("http://{}/console/", served.address)),
    ] {
        refused(&sent(&served, &format!("GET {ASK} HTTP/1.1\r\n{name}: {value}")), name);
    }
    // Nor what stands in the path, the query or the body.
    for path in [
        format!("{ASK}&access_token={token}"),
        format!("{ASK}&token={token}"),
        format!("{ASK}&authorization=Bearer%20{token}"),
        format!("{ASK}#{token}"),
    ] {
        refused(&sent(&served, &format!("GET {path} HTTP/1.1")), &path);
    }
    let body = format!("access_token={token}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    refused(&served.request("GET", ASK, "", &headers, body.as_bytes()), "body");
    // The ways that are meant to work, whatever else is sent along.
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER   {token}"),
        format!("  Bearer {token}  "),
        format!("Bearer {token}\r\nconnection: authorization"),
        format!("Bearer {token}\r\ncookie: quell_session=nonsense"),
    ] {
        let answer = sent(&served, &format!("GET {ASK} HTTP/1.1\r\nAuthorization: {value}"));
        assert!(answer.expect(200).text().contains(SECRET), "{value}");
    }
}

#[test]
fn a_token_that_is_sent_counts_alone() {
    let (sandbox, served) = served();
    let session = signed_in(&served, &named_token(&sandbox, "operator", "oscar"));
    let ask = |token: &str| served.request("GET", ASK, token, &[("cookie", &session)], b"");
    ask("").expect(200);
    ask("nonsense").expect(401);
    ask(&served.token("decide")).expect(403);
    // What a proxy in front asks a password for is not for the service.
    let headers = [("cookie", session.as_str()), ("authorization", "Basic YTpi")];
    served.request("GET", ASK, "", &headers, b"").expect(200);
}

#[test]
fn no_cookie_is_a_session_but_the_one_given_out() {
    let (sandbox, served) = served();
    let session = signed_in(&served, &named_token(&sandbox, "operator", "oscar"));
    let value = session.strip_prefix("quell_session=").unwrap().to_owned();
    get(&served, ASK, &format!("a=b; {session}; c=d")).expect(200);
    for cookie in [
        "quell_session=".to_owned(),
        "quell_session".to_owned(),
        format!("quell_session = {value}x"),
        format!("QUELL_SESSION={value}"),
        format!("quell_session={}", value.to_uppercase()),
        format!("quell_session=\"{value}\""),
        format!("quell_session={value}="),
        format!("quell_session={}", &value[1..]),
        format!("quell_session={value}; quell_session={value}"),
        format!("quell_session=x; quell_session={value}"),
        format!("quell_session={value}\r\ncookie: quell_session=x"),
        format!("__Host-quell_session={value}"),
        format!("$Version=1; quell_session2={value}"),
        format!("quell_session={}", "A".repeat(43)),
        format!("quell_session={}", "A".repeat(20_000)),
    ] {
        let head = format!("GET {ASK} HTTP/1.1\r\ncookie: {cookie}");
        refused(&sent(&served, &head), &cookie);
    }
}

#[test]
fn nobody_is_given_a_session_that_somebody_else_knows() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "operator", "oscar");
    let planted = "quell_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let begun = sign_in(&served, &token, &[("cookie", planted)]).expect(303);
    let own = cookie(&begun);
    assert_ne!(own, planted);
    get(&served, "/console/", planted).expect(303);
    get(&served, "/console/", &own).expect(200);
    // Who signs in again has left the session they had.
    let next = cookie(&sign_in(&served, &token, &[("cookie", &own)]).expect(303));
    assert_ne!(own, next);
    get(&served, "/console/", &own).expect(303);
    get(&served, "/console/", &next).expect(200);
}

#[test]
fn pages_of_other_sites_make_a_browser_do_nothing() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "admin", "ada");
    let session = signed_in(&served, &token);
    let own = format!("http://{}", served.address);
    let port = format!("http://{}:1", served.address.ip());
    let suffix = format!("{own}.example.org");
    let foreign: [&[(&str, &str)]; 10] = [
        &[("origin", "https://example.org")],
        &[("origin", "null")],
        &[("origin", "file://")],
        &[("origin", &port)],
        &[("origin", &suffix)],
        &[("origin", "https://example.org"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        // Another host of the same domain is another site to us.
        &[("sec-fetch-site", "same-site")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("origin", &own), ("sec-fetch-site", "SAME-ORIGIN")],
    ];
    let json = ("content-type", "application/json");
    let plain = ("content-type", "text/plain");
    let opt_out = json!({"address": "bob@example.com"}).to_string();
    for headers in foreign {
        let mut with = headers.to_vec();
        with.push(("cookie", &session));
        for (path, fields) in [
            ("/console/sign-in", format!("token={token}")),
            ("/console/sign-out", String::new()),
            ("/console/access/revoke", "name=ada".to_owned()),
            ("/console/resubscribe/confirm", "address=ann@example.com".to_owned()),
            ("/console/unsubscribe", "address=bob@example.com&source=x".to_owned()),
        ] {
            let answer = form(&served, path, &fields, &with).expect(403);
            assert!(answer.header("set-cookie").is_none(), "{path} {headers:?}");
        }
        for kind in [json, plain] {
            let mut with = with.clone();
            with.push(kind);
            served.request("POST", "/v1/unsubscribes", "", &with, opt_out.as_bytes()).expect(403);
        }
    }
    get(&served, "/console/access", &session).expect(200);
    let with = [("origin", own.as_str()), ("cookie", &session), json];
    served.request("POST", "/v1/unsubscribes", "", &with, opt_out.as_bytes()).expect(201);
    // The button in a mail is pressed from anywhere.
    let answer = form(&served, "/u/nonsense", "List-Unsubscribe=One-Click", foreign[5]);
    assert_ne!(answer.status, 403, "{}", answer.text());
}

#[test]
fn nobody_is_led_away_and_nothing_is_echoed() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "operator", "oscar");
    for next in [
        "https://example.org/",
        "//example.org/",
        "/%5cexample.org",
        "/console/%0d%0aset-cookie:%20a=b",
        "/console/../u/x",
        "javascript:alert(1)",
        "%22%3e%3cscript%3ealert(1)%3c/script%3e",
    ] {
        let fields = format!("token={token}&next={next}");
        let begun = form(&served, "/console/sign-in", &fields, &[]).expect(303);
        assert_eq!(begun.header("location"), Some("/console/"), "{next}");
        let page = served.get(&format!("/console/sign-in?next={next}"), "").expect(200);
        assert!(page.text().contains("name=\"next\" value=\"/console/\""), "{}", page.text());
        assert!(!page.text().contains("alert(1)"));
    }
    // What is asked for in the console's name is led back to as it was, quoted.
    let led = served.get("/console/x?a=%22%3E%3Cscript%3E", "").expect(303);
    let page = served.get(led.header("location").unwrap(), "").expect(200);
    assert!(!page.text().contains("<script>"), "{}", page.text());
    // A host name of the client's own makes no link.
    let answer = sent(&served, "GET /console/ HTTP/1.1\r\nx-forwarded-host: example.org");
    assert_eq!(answer.header("location"), Some("/console/sign-in"));
}

#[test]
fn every_answer_tells_browsers_what_to_refrain_from() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "operator", "oscar");
    let answers = [
        served.get("/healthz", ""),
        served.get("/nothing", ""),
        served.get("/v1/check", &token),
        served.get("/v1/records", ""),
        served.get(ASK, &token),
        served.get("/console/", ""),
        served.get("/console/", &token),
        served.get("/console/sign-in", ""),
        form(&served, "/console/sign-in", "token=x", &[]),
        form(&served, "/console/sign-out", "", &[("origin", "null")]),
        served.get("/u/nonsense", ""),
        served.request("POST", "/u/nonsense", "", &[], b""),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(!policy.contains("unsafe"));
        assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert!(answer.header("permissions-policy").unwrap().contains("camera=()"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // Not said over plain HTTP.
        assert_eq!(answer.header("strict-transport-security"), None);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let page = served.get("/console/sign-in", "").text();
    let (_, style) = page.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
    let style = served.get(style.split('"').next().unwrap(), "").expect(200);
    assert!(style.header("cache-control").unwrap().contains("immutable"));
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" on"));
}

#[test]
fn sign_ins_that_fail_are_slowed_down_and_others_are_not() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "operator", "oscar");
    for number in 0..10 {
        // Another address of the client, by its own account.
        let elsewhere = format!("192.0.2.{number}");
        sign_in(&served, "wrong", &[("x-forwarded-for", &elsewhere)]).expect(401);
    }
    let refused = sign_in(&served, "wrong", &[("x-forwarded-for", "192.0.2.99")]).expect(429);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert!(refused.text().contains("Try again in"), "{}", refused.text());
    // Nobody who is right waits for a neighbour who is wrong.
    signed_in(&served, &token);
    served.get("/v1/records", "wrong").expect(401);
}

#[test]
fn the_log_holds_no_token_no_session_and_no_address() {
    let (sandbox, served) = served();
    let token = named_token(&sandbox, "admin", "ada@example.com");
    let session = signed_in(&served, &token);
    let other = named_token(&sandbox, "operator", "oscar@example.com");
    get(&served, "/console/access", &session).expect(200);
    served.get(ASK, &token).expect(200);
    served.get(ASK, &format!("{token}x")).expect(401);
    served.get(&format!("{ASK}&token={token}"), "").expect(401);
    sign_in(&served, "ann@example.com", &[]).expect(401);
    let by = [("cookie", session.as_str())];
    form(&served, "/console/access/revoke", "name=oscar%40example.com", &by).expect(303);
    sign_in(&served, &other, &[]).expect(401);
    form(&served, "/console/sign-out", "", &by).expect(303);
    let (code, said) = served.stop_and_hear();
    assert_eq!(code, Some(0));
    let value = session.strip_prefix("quell_session=").unwrap();
    for secret in [&*token, &other, value, "ann@", "ada@", "oscar@", "quell_session"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
