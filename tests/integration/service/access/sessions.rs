//! Signing in, what a session may do, and its end.

use super::{Served, cookie, form, get, named_token, revoke, sign_in, signed_in};
use crate::sandbox::Sandbox;
use serde_json::json;

#[test]
fn a_person_signs_in_works_and_signs_out() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    // Whoever is not signed in is led to where one does, and then on to what was asked for.
    let led = served.get("/console/access?x=a%20b", "").expect(303);
    let place = "/console/sign-in?next=%2Fconsole%2Faccess%3Fx%3Da%2520b";
    assert_eq!(led.header("location"), Some(place));
    let page = served.get(place, "").expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.text().contains("value=\"/console/access?x=a%20b\""), "{}", page.text());
    let fields = format!("token={token}&next=/console/access?x=a%2520b");
    let begun = form(&served, "/console/sign-in", &fields, &[]).expect(303);
    assert_eq!(begun.header("location"), Some("/console/access?x=a%20b"));
    let line = begun.header("set-cookie").unwrap();
    assert!(
        line.starts_with("quell_session=")
            && line.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"),
        "{line}"
    );
    let session = cookie(&begun);
    assert!(!line.contains(&token));
    let home = get(&served, "/console/", &session).expect(200);
    assert!(home.text().contains("Sign out"), "{}", home.text());
    // The page to sign in on has nothing for those who are.
    get(&served, "/console/sign-in", &session).expect(303);
    let over = form(&served, "/console/sign-out", "", &[("cookie", &session)]).expect(303);
    assert_eq!(over.header("location"), Some("/console/sign-in"));
    assert!(over.header("set-cookie").unwrap().starts_with("quell_session=; "));
    assert!(over.header("set-cookie").unwrap().contains("Max-Age=0"));
    // Over here as well, not in the browser only.
    get(&served, "/console/", &session).expect(303);
    // Once more does no harm.
    form(&served, "/console/sign-out", "", &[("cookie", &session)]).expect(303);
    form(&served, "/console/sign-out", "", &[]).expect(303);
}

#[test]
fn a_session_is_as_good_as_its_token_for_the_api() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let session = signed_in(&served, &served.token("operator"));
    let body = serde_json::to_vec(&json!({"addresses": ["ann@example.com"]})).unwrap();
    let own = format!("http://{}", served.address);
    let check = |cookie: &str, origin: &str, site: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("cookie", cookie),
            ("origin", origin),
            ("sec-fetch-site", site),
        ];
        served.request("POST", "/v1/check", "", &headers, &body).status
    };
    assert_eq!(check(&session, &own, "same-origin"), 200);
    assert_eq!(check(&session, "https://example.org", "cross-site"), 403);
    assert_eq!(check(&session, "https://example.org", ""), 403);
    assert_eq!(check("quell_session=x", &own, "same-origin"), 401);
}

#[test]
fn no_session_begins_with_what_is_no_token_or_one_that_may_not() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    for role in ["decide", "write"] {
        let refused = sign_in(&served, &served.token(role), &[]).expect(403);
        assert!(refused.header("set-cookie").is_none());
        assert!(refused.text().contains(&format!("role of this token is {role}")));
    }
    for wrong in ["", "x", "quell_", "%00", "ann@example.com", "<script>alert(1)</script>"] {
        let refused = sign_in(&served, wrong, &[]).expect(401);
        assert!(refused.header("set-cookie").is_none());
        assert!(wrong.len() < 3 || !refused.text().contains(wrong), "{}", refused.text());
    }
    // No form, no form of this page, and one that is too long.
    served.request("POST", "/console/sign-in", "", &[], b"").expect(415);
    form(&served, "/console/sign-in", "next=/console/", &[]).expect(422);
    form(&served, "/console/sign-in", &format!("token={}", "x".repeat(10_000)), &[]).expect(413);
    let both = format!("token={0}&token={0}", served.token("operator"));
    assert!(form(&served, "/console/sign-in", &both, &[]).header("set-cookie").is_none());
}

#[test]
fn a_token_that_is_revoked_ends_its_sessions() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let gone = signed_in(&served, &named_token(&sandbox, "operator", "gone"));
    let kept = signed_in(&served, &named_token(&sandbox, "operator", "kept"));
    get(&served, "/console/", &gone).expect(200);
    revoke(&sandbox, "gone");
    served.within_100_ms(|| get(&served, "/console/", &gone).status == 303);
    get(&served, "/console/", &kept).expect(200);
    // A token of the same name does not bring them back.
    named_token(&sandbox, "admin", "gone");
    get(&served, "/console/", &gone).expect(303);
}

#[test]
fn an_admin_sees_and_revokes() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let admin = signed_in(&served, &named_token(&sandbox, "admin", "ada <b>"));
    let operator = signed_in(&served, &named_token(&sandbox, "operator", "oscar"));
    let page = get(&served, "/console/access", &admin).expect(200).text();
    assert!(page.contains("oscar") && page.contains("ada &#60;b&#62;"), "{page}");
    assert!(!page.contains(&admin) && !page.contains(&operator));
    // An operator may not, by the page or past it.
    let own = ("cookie", operator.as_str());
    get(&served, "/console/access", &operator).expect(403);
    form(&served, "/console/access/revoke", "name=oscar", &[own]).expect(403);
    form(&served, "/console/access/end", "session=0", &[own]).expect(403);
    form(&served, "/console/access/revoke", "name=oscar", &[]).expect(401);
    get(&served, "/console/", &operator).expect(200);
    // The session is called something that it is not shown by.
    let row = page.split("<tr>").find(|row| row.contains("/end") && row.contains("oscar")).unwrap();
    let (_, rest) = row.split_once("name=\"session\" value=\"").unwrap();
    let id = rest.split('"').next().unwrap();
    get(&served, "/console/", &format!("quell_session={id}")).expect(303);
    let by = ("cookie", admin.as_str());
    let did = form(&served, "/console/access/end", &format!("session={id}"), &[by]).expect(303);
    assert_eq!(did.header("location"), Some("/console/access?done=ended"));
    get(&served, "/console/", &operator).expect(303);
    let token = named_token(&sandbox, "operator", "otto");
    let operator = signed_in(&served, &token);
    let did = form(&served, "/console/access/revoke", "name=otto", &[by]).expect(303);
    assert_eq!(did.header("location"), Some("/console/access?done=revoked"));
    // At once, without any wait.
    get(&served, "/console/", &operator).expect(303);
    served.get("/console/", &token).expect(401);
    let left = sandbox.quell(["token", "list"]).expect(0).text();
    assert!(left.contains("oscar") && !left.contains("otto"), "{left}");
    let did = form(&served, "/console/access/revoke", "name=otto", &[by]).expect(303);
    assert_eq!(did.header("location"), Some("/console/access?done=gone"));
}

#[test]
fn parts_of_a_page_lead_the_whole_page_to_the_sign_in() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let headers = [("hx-request", "true")];
    let part = served.request("GET", "/console/", "", &headers, b"").expect(401);
    assert_eq!(part.header("hx-redirect"), Some("/console/sign-in"));
    // What was sent with a session that is over is not done, and says so.
    let sent = form(&served, "/console/access/end", "session=0", &[]).expect(401);
    assert!(sent.text().contains("What you sent was not done"), "{}", sent.text());
}
