//! `quell status`: counts, generation, sizes, age.

use super::args::Status;
use super::terminal::{print, print_json};
use super::{Context, exit};
use crate::error::Result;
use crate::store::Store;
use serde_json::json;

/// Runs the command.
///
/// # Errors
///
/// As the store says.
pub fn run(context: &Context, arguments: &Status) -> Result<u8> {
    let store = Store::open(&context.store)?;
    let status = store.status()?;
    let records = &status.records;
    if arguments.json {
        print_json(&json!({
            "generation": status.generation,
            "cursor": status.cursor,
            "behind": status.behind,
            "records": {
                "contacts": records.contacts,
                "unsubscribes": records.unsubscribes,
                "preferences": records.preferences,
                "suppressions": records.suppressions,
                "domains": records.domains,
                "digests": records.digests,
            },
            "erased": status.erased,
            "history": {
                "events": status.history.events,
                "head": status.history.link_hex(),
            },
            "index": {
                "segments": status.index.segments,
                "entries": status.index.entries,
                "bytes": status.index.bytes,
            },
            "policy": store.policy().to_string(),
            "created_at": status.created_at.to_string(),
            "compiled_at": status.compiled_at.to_string(),
        }))?;
        return Ok(exit::DONE);
    }
    print(|out| {
        writeln!(out, "store         {}", context.store.display())?;
        writeln!(out, "policy        {}", store.policy())?;
        writeln!(out, "generation    {}", status.generation)?;
        writeln!(out, "cursor        {}, index behind by {}", status.cursor, status.behind)?;
        writeln!(out, "contacts      {}", records.contacts)?;
        writeln!(out, "unsubscribes  {}", records.unsubscribes)?;
        writeln!(out, "preferences   {}", records.preferences)?;
        writeln!(out, "suppressions  {}", records.suppressions)?;
        writeln!(out, "domains       {}", records.domains)?;
        writeln!(out, "digests       {}", records.digests)?;
        writeln!(out, "erased        {}", status.erased)?;
        writeln!(out, "history       {}", status.history)?;
        let index = &status.index;
        writeln!(
            out,
            "index         {} segments, {} entries, {} bytes",
            index.segments, index.entries, index.bytes
        )?;
        writeln!(out, "created at    {}", status.created_at)?;
        writeln!(out, "compiled at   {}", status.compiled_at)
    })?;
    Ok(exit::DONE)
}
