//! The pages behind a link, as a person and as a scanner of mails sees them.

use super::{events, is_rfc_8058s, path, reasons};
use crate::sandbox::Sandbox;
use crate::service::{Answer, Served};

/// What browsers say they take.
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn page(served: &Served, path: &str) -> Answer {
    is_page(served.request("GET", path, "", &[HTML], b"").expect(200))
}

/// Presses a button of the page.
fn pressed(served: &Served, token: &str, field: &str) -> Answer {
    let path = format!("/p/{token}");
    is_page(served.request("POST", &path, "", &[HTML, FORM], field.as_bytes()).expect(200))
}

/// A page that runs no script, sets no cookie, and is in no search engine.
fn is_page(answer: Answer) -> Answer {
    let text = answer.text();
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(answer.header("x-robots-tag").is_some_and(|value| value.contains("noindex")));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for no in ["<script", "style=", "onclick", "http-equiv"] {
        assert!(!text.contains(no), "{no}: {text}");
    }
    assert!(text.contains("name=\"robots\" content=\"noindex"), "{text}");
    answer
}

#[test]
fn the_page_has_one_button_and_looking_at_it_changes_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com", "--list", "news & offers"]);
    for _ in 0..3 {
        let text = page(&served, &path).text();
        assert_eq!(text.matches("<form").count(), 1, "{text}");
        assert_eq!(text.matches("<button").count(), 1, "{text}");
        assert!(text.contains("method=\"post\""), "{text}");
        assert!(text.contains("a***@example.com") && !text.contains("ann@example.com"), "{text}");
        assert!(text.contains("news &#38; offers") || text.contains("news &amp; offers"), "{text}");
        let head = served.request("HEAD", &path, "", &[HTML], b"");
        assert_eq!((head.status, head.body.len()), (200, 0));
        page(&served, &path.replace("/u/", "/p/"));
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(served.request(method, &path, "", &[], b"").status, 405, "{method}");
    }
    assert_eq!(events(&sandbox, "ann@example.com"), 0);
    let style = served.get("/u/quell.css", "").expect(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
}

#[test]
fn the_page_speaks_the_readers_language() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com"]);
    for (asked, language, button) in [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Abmelden"),
        ("fr", "fr", "Se désabonner"),
        ("es-MX", "es", "Darse de baja"),
        ("it", "it", "Annulla l’iscrizione"),
        ("nl-BE", "nl", "Afmelden"),
        ("ja", "en", "Unsubscribe"),
    ] {
        let answer = served.request("GET", &path, "", &[HTML, ("accept-language", asked)], b"");
        assert_eq!(answer.header("content-language"), Some(language));
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("accept-language")));
        let text = is_page(answer).text();
        assert!(text.contains(&format!("<html lang=\"{language}\">")), "{text}");
        assert!(text.contains(&format!("<button type=\"submit\">{button}</button>")), "{text}");
    }
    let broken = served.request("GET", "/u/AAAA", "", &[HTML, ("accept-language", "de")], b"");
    assert_eq!(broken.status, 404);
    assert!(is_page(broken).text().contains("Dieser Link funktioniert nicht"));
}

#[test]
fn the_button_opts_out_of_what_the_link_says() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let decide = served.token("decide");
    let path = path(&sandbox, &["ann@example.com", "--list", "news"]);
    let token = path.strip_prefix("/u/").unwrap();
    assert!(page(&served, &path).text().contains(&format!("action=\"../p/{token}\"")));
    let text = pressed(&served, token, "leave=this").text();
    assert!(text.contains("a***@example.com") && text.contains("news"), "{text}");
    assert_eq!(reasons(&served, &decide, "ann@example.com", "news"), ["opted_out list:news"]);
    assert!(reasons(&served, &decide, "ann@example.com", "other").is_empty());
    let records = sandbox.quell(["search", "ann@example.com", "--json"]).expect(0).text();
    assert!(records.contains("unsubscribe-page"), "{records}");
}

#[test]
fn the_preference_page_leaves_one_list_or_all() {
    let sandbox = Sandbox::new();
    for list in ["weekly", "offers"] {
        let file = format!("email,list,preference\nann@example.com,{list},In\n");
        sandbox.write("in.csv", file);
        sandbox.quell(["import", "preferences", "in.csv"]).expect(0);
    }
    sandbox.quell(["unsubscribe", "bob@example.com", "--list", "secret"]).expect(0);
    let served = Served::start(&sandbox);
    let decide = served.token("decide");
    let path = path(&sandbox, &["ann@example.com", "--list", "news"]);
    let token = path.strip_prefix("/u/").unwrap();
    let choose = || page(&served, &format!("/p/{token}")).text();
    let buttons = |text: &str| text.matches("<button").count();
    let text = choose();
    assert_eq!(buttons(&text), 4, "three lists and everything: {text}");
    assert!(!text.contains("secret") && !text.contains("ann@"), "{text}");
    pressed(&served, token, "leave=list%3Aoffers");
    assert_eq!(reasons(&served, &decide, "ann@example.com", "offers"), ["opted_out list:offers"]);
    assert!(reasons(&served, &decide, "ann@example.com", "weekly").is_empty());
    let text = choose();
    assert_eq!(buttons(&text), 3, "{text}");
    for field in
        ["", "leave=", "leave=list:", "leave=list:secret", "leave=none", "other=1", "leave=%ff"]
    {
        let form = [FORM];
        served.request("POST", &format!("/p/{token}"), "", &form, field.as_bytes()).expect(400);
    }
    served.request("POST", &format!("/p/{token}"), "", &[], &vec![b'x'; 100_000]).expect(400);
    pressed(&served, token, "leave=all");
    assert_eq!(reasons(&served, &decide, "ann@example.com", "weekly"), ["unsubscribed global"]);
    assert_eq!(buttons(&choose()), 0, "nothing is left to leave, and there is no way back");
    let records = sandbox.quell(["search", "ann@example.com", "--json"]).expect(0).text();
    assert!(records.contains("preference-page"), "{records}");
}

#[test]
fn a_link_for_receipts_leaves_more_than_receipts_on_the_preference_page() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let path = path(&sandbox, &["ann@example.com", "--class", "transactional"]);
    pressed(&served, path.strip_prefix("/u/").unwrap(), "leave=all");
    for class in ["bulk", "transactional"] {
        assert_eq!(sandbox.reasons("ann@example.com", &["--class", class]), ["unsubscribed"]);
    }
    is_rfc_8058s(&served.request("POST", &path, "", &[], b""));
}

/// Who left the receipts of a list still gets its bulk mail, and has to see that.
#[test]
fn a_list_whose_bulk_mail_goes_on_is_not_called_left() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let decide = served.token("decide");
    let options = ["ann@example.com", "--list", "receipts", "--class", "transactional"];
    let path = path(&sandbox, &options);
    let token = path.strip_prefix("/u/").unwrap();
    is_rfc_8058s(&served.request("POST", &path, "", &[], b""));
    assert!(reasons(&served, &decide, "ann@example.com", "receipts").is_empty());
    let choose = || page(&served, &format!("/p/{token}")).text();
    let text = choose();
    assert_eq!(text.matches("<button").count(), 2, "the list, and everything: {text}");
    pressed(&served, token, "leave=list%3Areceipts");
    let left = reasons(&served, &decide, "ann@example.com", "receipts");
    assert_eq!(left, ["opted_out list:receipts"]);
    assert_eq!(choose().matches("<button").count(), 1, "everything");
}
