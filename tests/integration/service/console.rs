//! The operator's console, asked as a browser without scripts asks it.

mod foresee;

use super::{Answer, Served};
use crate::sandbox::Sandbox;
use serde_json::json;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A service over a store with one person who is blocked in every way.
fn blocked() -> (Sandbox, Served, String) {
    let sandbox = Sandbox::new();
    let contacts = "contact_id,email,bulk_email,email_allowed\n\
                    c1,ann@example.com,Do Not Allow,Allow\nc2,Ann@Example.com,Allow,Allow\n";
    sandbox.write("contacts.csv", contacts);
    let unsubscribes = "email,list,state,source\nann@example.com,,inactive,crm\n\
                        ANN@example.com,,active,one-click\nann@example.com,news,active,page\n";
    sandbox.write("unsubscribes.csv", unsubscribes);
    sandbox.write("suppressions.csv", "email,reason,source\nann@example.com,complaint,feedback\n");
    for kind in ["contacts", "unsubscribes", "suppressions"] {
        sandbox.quell(["import", kind, &format!("{kind}.csv")]).expect(0);
    }
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    (sandbox, served, token)
}

/// A text as a form or a query holds it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn body(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn post(served: &Served, token: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    served.request("POST", path, token, &[FORM], body(fields).as_bytes())
}

/// The value of a hidden field.
#[track_caller]
fn hidden(page: &str, name: &str) -> String {
    let begin = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

fn reasons(served: &Served, token: &str, address: &str, lists: &[&str]) -> Vec<String> {
    let body = json!({"addresses": [address], "lists": lists});
    let answer = served.post("/v1/check", token, &body).expect(200).json();
    let reasons = answer["results"][0]["reasons"].as_array().unwrap().clone();
    reasons.iter().map(|reason| reason["reason"].as_str().unwrap().to_owned()).collect()
}

const LIFT: [(&str, &str); 6] = [
    ("address", "ann@example.com"),
    ("global", "on"),
    ("list", "news"),
    ("channel", "phone"),
    ("evidence", "call of 3 May, ticket 4711"),
    ("by", "support"),
];

#[test]
fn a_person_s_page_says_everything_that_blocks_and_where_it_comes_from() {
    let (_sandbox, served, token) = blocked();
    let page = served.get("/console/person?address=Ann%40example.com", &token).expect(200).text();
    for words in [
        "Bulk: withheld",
        "Transactional: withheld",
        "bulk_email_denied",
        "Bulk Email is Do Not Allow on contact c1",
        "Unsubscribed everywhere",
        "inactive, blocks too",
        "List news",
        "opted_out",
        "Spam complaint",
        "feedback",
        "file suppressions.csv",
        "2 unsubscribes, flags of 1 contact",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("value=\"operator "), "who took it is the signed-in name: {page}");
}

#[test]
fn a_resubscribe_is_previewed_confirmed_done_and_told() {
    let (sandbox, served, token) = blocked();
    let before = served.get("/readyz", "").text();
    let preview = post(&served, &token, "/console/resubscribe", &LIFT).expect(200).text();
    for words in [
        "inactive unsubscribe of ann@example.com, everywhere, source crm",
        "active unsubscribe of ANN@example.com, everywhere, source one-click",
        "active unsubscribe of ann@example.com, list news, source page",
        "contact c1: Bulk Email Do Not Allow → Allow",
        "Spam complaint",
        "call of 3 May, ticket 4711",
    ] {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    assert!(!preview.contains("contact c2:"), "its flags do not change: {preview}");
    assert_eq!(served.get("/readyz", "").text(), before, "a preview changes nothing");

    let basis = hidden(&preview, "basis");
    let mut confirmed = LIFT.to_vec();
    confirmed.push(("basis", &basis));
    let done = post(&served, &token, "/console/resubscribe/confirm", &confirmed).expect(303);
    assert_eq!(reasons(&served, &token, "ann@example.com", &["news"]), ["complaint"]);
    let told = served.get(done.header("location").unwrap(), &token).expect(200).text();
    for words in ["still withholds", "Spam complaint", "Deleted inactive", "taken by support"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let history = sandbox.quell(["history", "ann@example.com", "--json"]).expect(0).json();
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "resubscribed");
    assert_eq!(last["detail"]["permission"]["evidence"], "call of 3 May, ticket 4711");
    // Who took the permission need not be whose session it was.
    let by = last["detail"]["by"].as_str().unwrap();
    assert!(by.starts_with("operator ") && told.contains(&format!("recorded by {by}")), "{by}");
    assert_eq!(last["detail"]["deleted"].as_array().unwrap().len(), 3);
}

#[test]
fn what_changed_since_the_preview_is_previewed_again() {
    let (sandbox, served, token) = blocked();
    let preview = post(&served, &token, "/console/resubscribe", &LIFT).expect(200).text();
    let basis = hidden(&preview, "basis");
    sandbox.write("more.csv", "email,reason\nann@example.com,bounce\n");
    sandbox.quell(["import", "suppressions", "more.csv"]).expect(0);
    served.within_100_ms(|| {
        reasons(&served, &token, "ann@example.com", &[]).contains(&"bounce".into())
    });
    let mut confirmed = LIFT.to_vec();
    confirmed.push(("basis", &basis));
    let again = post(&served, &token, "/console/resubscribe/confirm", &confirmed).expect(409);
    assert!(again.text().contains("Hard bounce"), "{}", again.text());
    let expected = ["complaint", "bounce", "bulk_email_denied", "unsubscribed"];
    assert_eq!(reasons(&served, &token, "ann@example.com", &[]), expected, "nothing was lifted");
    // And without any preview.
    post(&served, &token, "/console/resubscribe/confirm", &LIFT).expect(409);
    assert_eq!(reasons(&served, &token, "ann@example.com", &[]), expected);
    let basis = hidden(&again.text(), "basis");
    let mut confirmed = LIFT.to_vec();
    confirmed.push(("basis", &basis));
    post(&served, &token, "/console/resubscribe/confirm", &confirmed).expect(303);
    assert_eq!(reasons(&served, &token, "ann@example.com", &[]), ["complaint", "bounce"]);
}

#[test]
fn without_permission_nothing_is_lifted_and_the_form_comes_back_as_it_was() {
    let (_sandbox, served, token) = blocked();
    for (missing, words) in [
        ("channel", "Say how the permission was given."),
        ("evidence", "Say where the permission can be found."),
        ("by", "Say who took it."),
    ] {
        for path in ["/console/resubscribe", "/console/resubscribe/confirm"] {
            let fields: Vec<_> = LIFT
                .iter()
                .map(|(name, value)| (*name, if *name == missing { "  " } else { value }))
                .collect();
            let page = post(&served, &token, path, &fields).expect(422).text();
            assert!(page.contains(words), "{path} {missing}: {page}");
            assert!(page.contains("value=\"news\" checked"), "{page}");
        }
    }
    // A complaint is lifted by the person's own act alone.
    let fields = [
        ("address", "ann@example.com"),
        ("include", "complaint"),
        ("channel", "phone"),
        ("evidence", "she said so"),
        ("by", "support"),
    ];
    let page = post(&served, &token, "/console/resubscribe", &fields).expect(422).text();
    assert!(page.contains("own act"), "{page}");
    assert_eq!(reasons(&served, &token, "ann@example.com", &[]).len(), 3);
}

#[test]
fn an_erased_address_needs_to_be_named_as_such() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    sandbox.quell(["erase", "ann@example.com", "--by", "privacy", "--reason", "request"]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let page = served.get("/console/person?address=ann%40example.com", &token).expect(200).text();
    assert!(page.contains("Erased at"), "{page}");
    let refused = post(&served, &token, "/console/resubscribe", &LIFT).expect(422).text();
    assert!(refused.contains("Refused: the address was erased"), "{refused}");
    let mut fields = LIFT.to_vec();
    fields.push(("include", "manual"));
    let preview = post(&served, &token, "/console/resubscribe", &fields).expect(200).text();
    let basis = hidden(&preview, "basis");
    fields.push(("basis", &basis));
    post(&served, &token, "/console/resubscribe/confirm", &fields).expect(303);
    assert!(reasons(&served, &token, "ann@example.com", &[]).is_empty());
}

#[test]
fn an_unsubscribe_is_in_the_next_answer_with_its_source_and_who_recorded_it() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let fields = [("address", "Ann@example.com"), ("list", " news "), ("source", "letter")];
    let done = post(&served, &token, "/console/unsubscribe", &fields).expect(303);
    assert_eq!(reasons(&served, &token, "ann@example.com", &["news"]), ["opted_out"]);
    assert!(reasons(&served, &token, "ann@example.com", &[]).is_empty());
    let page = served.get(done.header("location").unwrap(), &token).expect(200).text();
    assert!(page.contains("Recorded."), "{page}");
    assert!(page.contains("source letter, recorded by operator "), "{page}");
    let fields = [("address", "Ann@example.com"), ("source", " ")];
    let page = post(&served, &token, "/console/unsubscribe", &fields).expect(422).text();
    assert!(page.contains("Say where the wish comes from."), "{page}");
    assert!(reasons(&served, &token, "ann@example.com", &[]).is_empty());
}

#[test]
fn an_address_leads_to_its_page_and_a_pattern_to_a_list() {
    let (sandbox, served, token) = blocked();
    let rows: String =
        (0..205).map(|number| format!("many{number}@example.org,bounce\n")).collect();
    sandbox.write("many.csv", format!("email,reason\n{rows}"));
    sandbox.quell(["import", "suppressions", "many.csv"]).expect(0);
    served.within_100_ms(|| !reasons(&served, &token, "many7@example.org", &[]).is_empty());
    let get = |path: &str| served.get(path, &token);
    let exact = get("/console/search?q=Ann%40Example.com").expect(303);
    assert_eq!(exact.header("location"), Some("/console/person?address=Ann@Example.com"));
    let list = get("/console/search?q=*%40example.com").expect(200).text();
    assert!(list.contains("1 address<") && list.contains(">ann@example.com</a>"), "{list}");
    // What is typed is the beginning of an address.
    let list = get("/console/search?q=many").expect(200).text();
    assert!(list.contains("The first 200 addresses"), "{list}");
    let none = get("/console/search?q=nobody*").expect(200).text();
    assert!(none.contains("Nothing is recorded that matches."), "{none}");
    let fault = get("/console/search?q=ann%40%40example.com").expect(200).text();
    assert!(fault.contains("That is no address:"), "{fault}");
    let live = [("hx-request", "true")];
    let live = served.request("GET", "/console/search?q=ann%40example.com", &token, &live, b"");
    assert!(live.expect(200).text().contains("/console/person?address=ann@example.com"));
}

#[test]
fn what_is_typed_so_far_is_never_called_clear_for_somebody_else() {
    let (sandbox, served, token) = blocked();
    sandbox.write("domains.csv", "domain\nblocked.example\n");
    sandbox.quell(["import", "domains", "domains.csv"]).expect(0);
    served.within_100_ms(|| !reasons(&served, &token, "eve@blocked.example", &[]).is_empty());
    let live = |text: &str| {
        let path = format!("/console/search?q={}", encoded(text));
        served.request("GET", &path, &token, &[("hx-request", "true")], b"").expect(200).text()
    };
    for part in ["ann@exa", "ANN@EXAMPLE.C", "ann@example.com"] {
        let page = live(part);
        assert!(page.contains("ann@example.com") && page.contains("withheld"), "{part}: {page}");
        assert!(!page.contains("</span> clear"), "{part}: {page}");
    }
    let page = live("eve@example.com");
    assert!(!page.contains("</span> clear") && page.contains("Nothing is recorded"), "{page}");
    let page = live("eve@blocked.example");
    assert!(page.contains("withheld") && page.contains("@blocked.example"), "{page}");
}

#[test]
fn a_preview_that_lifts_nothing_has_nothing_to_confirm() {
    let (_sandbox, served, token) = blocked();
    let button = "<button type=\"submit\">Resubscribe</button>";
    let preview = |fields: &[(&str, &str)]| {
        post(&served, &token, "/console/resubscribe", fields).expect(200).text()
    };
    assert!(preview(&LIFT).contains(button));
    let mut of_nobody = LIFT.to_vec();
    of_nobody[0].1 = "eve@example.com";
    let page = preview(&of_nobody);
    assert!(page.contains("This lifts nothing") && !page.contains(button), "{page}");
}

/// A form that is no UTF-8 would be about somebody else.
#[test]
fn a_form_in_another_encoding_is_refused() {
    let (_sandbox, served, token) = blocked();
    for path in ["/console/unsubscribe", "/console/resubscribe", "/console/resubscribe/confirm"] {
        let body = b"address=j%F6rg@example.com&source=letter&class=bulk";
        let answer = served.request("POST", path, &token, &[FORM], body).expect(400);
        assert!(answer.text().contains("UTF-8"), "{}", answer.text());
    }
}

#[test]
fn recent_changes_are_newest_first_and_paged() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    for number in 0..60 {
        let body = json!({"address": format!("person{number}@example.com"), "source": "test"});
        served.post("/v1/unsubscribes", &token, &body).expect(201);
    }
    let first = served.get("/console/changes", &token).expect(200).text();
    assert!(first.contains("person59@") && first.contains("person10@"), "{first}");
    assert!(!first.contains("person9@"), "{first}");
    assert!(first.find("person59@") < first.find("person58@"));
    let (_, older) = first.split_once("/console/changes?before=").unwrap();
    let older = older.split('"').next().unwrap();
    let second = served.get(&format!("/console/changes?before={older}"), &token).expect(200).text();
    assert!(second.contains("person9@") && second.contains("person0@"), "{second}");
    assert!(!second.contains("person10@"), "{second}");
    let start = served.get("/console/", &token).expect(200).text();
    assert!(start.contains("person59@"), "{start}");
}

#[test]
fn what_people_wrote_is_shown_as_text_and_no_page_has_a_script_or_a_style_in_it() {
    let sandbox = Sandbox::new();
    let evil = "<script>alert(1)</script>\"' onload=x";
    sandbox.quell(["unsubscribe", "ann@example.com", "--list", evil, "--source", evil]).expect(0);
    let quoted = "\"<b>\"@example.com";
    sandbox.quell(["unsubscribe", quoted]).expect(0);
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let quoted = encoded(quoted);
    let pattern = encoded(&format!("{evil}*"));
    let address = "/console/person?address=ann%40example.com";
    for path in [
        "/console/",
        address,
        &format!("/console/person?address={quoted}"),
        &format!("/console/search?q={pattern}"),
        "/console/search?q=*",
        "/console/changes",
        "/console/state",
        "/console/nowhere",
        "/console/person",
        &format!("/console/resubscribed?address={quoted}&generation=1"),
    ] {
        let page = served.get(path, &token);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let page = page.text();
        assert!(page.contains("<main id=\"main\""), "{path}: {page}");
        for raw in ["<script>", "<b>", "<style", " style=", "\"' onload", " onclick=", "hx-on"] {
            assert!(!page.contains(raw), "{path}: {raw} in {page}");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}: htmx and nothing else");
    }
}

#[test]
fn a_store_that_can_t_be_trusted_is_no_page_but_its_cure() {
    let (sandbox, served, token) = blocked();
    let manifest = sandbox.path("store/index/manifest");
    let away = sandbox.path("manifest");
    // Known before: without a store nobody new can be.
    served.get("/console/", &token).expect(200);
    std::fs::rename(&manifest, &away).unwrap();
    served.within_100_ms(|| served.get("/readyz", "").status == 503);
    for path in [
        "/console/",
        "/console/search?q=ann*",
        "/console/person?address=ann%40example.com",
        "/console/changes",
        "/console/state",
    ] {
        let page = served.get(path, &token).expect(503);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("The index can&#39;t be trusted"), "{path}: {}", page.text());
        assert!(page.text().contains("quell compile"), "{path}: {}", page.text());
    }
    let refused = post(&served, &token, "/console/resubscribe", &LIFT).expect(503).text();
    assert!(!refused.contains("clear"), "{refused}");
    std::fs::rename(&away, &manifest).unwrap();
    served.within(2_000, || served.get("/console/", &token).status == 200);
}

#[test]
fn assets_may_be_kept_for_good_under_a_name_that_changes_with_them() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let token = served.token("operator");
    let page = served.get("/console/", &token).expect(200).text();
    let mut seen = 0;
    for part in page.split('"').filter(|part| part.starts_with("/console/assets/")) {
        let asset = served.get(part, "").expect(200);
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(asset.body.len() > 100);
        seen += 1;
    }
    assert_eq!(seen, 3, "style, script, icon: {page}");
    served.get("/console/assets/console-000000000000.css", "").expect(404);
}

#[test]
fn the_log_of_the_console_holds_no_address_whoever_is_signed_in() {
    let sandbox = Sandbox::new();
    sandbox.quell(["unsubscribe", "ann@example.com"]).expect(0);
    let create = ["token", "create", "--role", "operator", "--name", "mara@example.com"];
    let made = sandbox.quell(create).expect(0).text();
    let token = made.lines().last().unwrap().to_owned();
    let served = Served::start_with(&sandbox, &["--log", "debug"]);
    for path in [
        "/console/search?q=ann%40example.com",
        "/console/search?q=ann%40example*",
        "/console/person?address=ann%40example.com",
        "/console/person?address=no%20address%40example.com",
        "/console/ann@example.com",
    ] {
        served.get(path, &token);
        served.get(path, "");
    }
    let preview = post(&served, &token, "/console/resubscribe", &LIFT).expect(200).text();
    let basis = hidden(&preview, "basis");
    let mut confirmed = LIFT.to_vec();
    confirmed.push(("basis", &basis));
    post(&served, &token, "/console/resubscribe/confirm", &confirmed).expect(303);
    let fields = [("address", "ann@example.com"), ("source", "letter")];
    post(&served, &token, "/console/unsubscribe", &fields).expect(303);
    let (_, said) = served.stop_and_hear();
    assert!(said.contains("an address was resubscribed"), "{said}");
    assert!(said.contains("an address was unsubscribed"), "{said}");
    assert!(!said.contains("ann@") && !said.contains("ann%40"), "{said}");
    assert!(!said.contains("mara@"), "{said}");
}
