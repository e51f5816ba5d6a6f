//! How often somebody may do something, who a client is, and what changes where browsers come by HTTPS.

use super::{Served, cookie, form, get, named_token, sign_in, signed_in};
use crate::sandbox::Sandbox;
use serde_json::json;

/// The path that a new link for this address leads to.
fn link(sandbox: &Sandbox, address: &str) -> String {
    let base = ["--base-url", "https://example.org"];
    let lines = sandbox.quell([&["link", address][..], &base].concat()).expect(0).text();
    let (_, rest) = lines.split_once("https://example.org").unwrap();
    rest.split('>').next().unwrap().to_owned()
}

#[test]
fn a_token_is_used_so_often_a_second() {
    let sandbox = Sandbox::new();
    // One a second: the burst is one as well.
    let served = Served::start_with(&sandbox, &["--rate-per-token", "1"]);
    let body = json!({"addresses": ["ann@example.com"]});
    let (one, other) = (served.token("decide"), served.token("decide"));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = served.post("/v1/check", &one, &body);
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    // That is no affair of another one.
    served.post("/v1/check", &other, &body).expect(200);
    served.get("/healthz", "").expect(200);
    served.within(5_000, || served.post("/v1/check", &one, &body).status == 200);
}

#[test]
fn a_session_is_used_as_often_as_its_token() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--rate-per-token", "2"]);
    let session = signed_in(&served, &named_token(&sandbox, "operator", "oscar"));
    let pages: Vec<_> = (0..6).map(|_| get(&served, "/console/", &session)).collect();
    let refused = pages.iter().find(|page| page.status == 429).expect("one too many");
    assert!(refused.header("retry-after").is_some());
    assert!(refused.header("content-type").unwrap().starts_with("text/html"));
    assert!(pages.iter().all(|page| matches!(page.status, 200 | 429)));
}

#[test]
fn opt_outs_by_links_are_limited_all_together_and_made_up_links_take_no_share() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--rate-one-click", "1"]);
    let press = |path: &str| served.request("POST", path, "", &[], b"");
    let links: Vec<String> = ["ann", "bob", "cy", "di"]
        .iter()
        .map(|name| link(&sandbox, &format!("{name}@example.com")))
        .collect();
    for number in 0..20 {
        press(&format!("/u/AAAA{number}")).expect(404);
    }
    press(&links[0]).expect(200);
    let answers: Vec<_> = links[1..].iter().map(|path| press(path)).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one too many");
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Whoever comes back is heard, and only then told so.
    for path in &links {
        served.within(5_000, || press(path).status == 200);
    }
    let body = json!({"addresses": ["di@example.com"]});
    let answer = served.post("/v1/check", &served.token("decide"), &body).expect(200).json();
    assert_eq!(answer["results"][0]["verdict"], "suppressed");
}

#[test]
fn made_up_links_are_limited_and_real_ones_are_not() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let real = link(&sandbox, "ann@example.com");
    let mut refused = None;
    for number in 0..3_000 {
        let answer = served.request("POST", &format!("/u/AAAA{number}"), "", &[], b"");
        if answer.status == 429 {
            refused = Some((number, answer));
            break;
        }
        assert_eq!(answer.status, 404);
    }
    let (number, answer) = refused.expect("too many");
    assert!(number >= 1_000, "{number}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    served.request("POST", &real, "", &[], b"").expect(200);
}

#[test]
fn a_trusted_proxy_tells_who_a_client_is() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--trusted-proxy", "10.0.0.0/8,127.0.0.1"]);
    let wrong =
        |forwarded: &str| sign_in(&served, "wrong", &[("x-forwarded-for", forwarded)]).status;
    for _ in 0..10 {
        assert_eq!(wrong("192.0.2.1"), 401);
    }
    assert_eq!(wrong("192.0.2.1"), 429);
    // What the client wrote before it came to the proxy makes it nobody else.
    assert_eq!(wrong("198.51.100.7, 192.0.2.1"), 429);
    assert_eq!(wrong("192.0.2.1, 10.1.1.1"), 429);
    assert_eq!(wrong("192.0.2.2"), 401);
    assert_eq!(wrong("192.0.2.1, 192.0.2.2"), 401);
    for wrong in ["10.0.0.0/33", "proxy.example.com", ""] {
        sandbox.quell(["serve", "--listen", "127.0.0.1:0", "--trusted-proxy", wrong]).expect(2);
    }
}

#[test]
fn where_browsers_come_by_https_cookies_are_for_https_and_this_host_alone() {
    let sandbox = Sandbox::new();
    let served = Served::start_with(&sandbox, &["--secure-cookies"]);
    let begun = sign_in(&served, &named_token(&sandbox, "operator", "oscar"), &[]).expect(303);
    let line = begun.header("set-cookie").unwrap();
    assert!(line.starts_with("__Host-quell_session=") && line.ends_with("; Secure"), "{line}");
    assert!(line.contains("; Path=/;") && !line.contains("Domain"), "{line}");
    let year = Some("max-age=31536000");
    assert_eq!(begun.header("strict-transport-security"), year);
    let session = cookie(&begun);
    get(&served, "/console/", &session).expect(200);
    // A cookie that another host of the domain may have set is none.
    let planted = session.replace("__Host-", "");
    get(&served, "/console/", &planted).expect(303);
    get(&served, "/console/", &format!("{planted}; {session}")).expect(200);
    let over = form(&served, "/console/sign-out", "", &[("cookie", &session)]).expect(303);
    assert!(over.header("set-cookie").unwrap().starts_with("__Host-quell_session=; "));
    get(&served, "/console/", &session).expect(303);
}
