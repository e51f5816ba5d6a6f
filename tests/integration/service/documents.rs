//! Every request of docs/api.md is sent and its answer compared.

use super::Served;
use crate::readme::{Step, blocks, run};
use crate::sandbox::{Sandbox, root};

#[test]
fn every_request_of_the_interface_s_page_is_answered_as_it_shows() {
    let page = std::fs::read_to_string(root().join("docs/api.md")).expect("docs/api.md");
    let steps: Vec<Step> = blocks(&page, &["curl "]).into_iter().flatten().collect();
    let sandbox = Sandbox::with_samples();
    let served = Served::start(&sandbox);
    let (url, store) = (format!("http://{}", served.address), sandbox.path("store"));
    let store = store.to_str().expect("a path");
    let token = served.token("operator");
    let environment = [("QUELL", url.as_str()), ("QUELL_STORE", store), ("TOKEN", token.as_str())];
    run("docs/api.md", &steps, &sandbox, &environment);
    // A route that is not on the page is not explained.
    let description = served.get("/openapi.json", "").expect(200).json();
    for path in description["paths"].as_object().expect("paths").keys() {
        let is_of_people = path == "/console/" || path.contains("{token}");
        let is_shown = steps.iter().any(|step| step.command.contains(path.as_str()));
        assert!(is_of_people || is_shown, "docs/api.md has no request to {path}");
    }
}
