//! `quell resubscribe`: reachable again, with permission and proof.

use super::args::Resubscribe as Arguments;
use super::terminal::{print, print_json};
use super::{Context, clock, exit, input};
use crate::address::{Key, KeyBuffer};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Record, ResubscribeRequest, Resubscribed, StoredRecord};
use crate::record::{Cause, Channel, Class, Permission, Query, SuppressionReason, Timestamp};
use crate::store::{Changed, Store, outside};
use serde_json::json;

/// Runs the command.
///
/// # Errors
///
/// Refused without permission, evidence and by: nothing is changed then.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let request = request(arguments)?;
    let store = Store::open(&context.store)?;
    let mut buffer = KeyBuffer::default();
    let key = input::key(store.policy(), &arguments.address, &mut buffer)?;
    let now = clock::now();
    let done =
        store.ledger_to_change()?.resubscribe(key.as_bytes(), &arguments.address, &request, now)?;
    let late = store.follow(Changed::One, done.generation, now)?;
    context.terminal.warn_late(late.as_ref());
    let blocks = still_blocked_by(&store, &arguments.address, key, now)?;
    if arguments.json {
        let deleted: Vec<_> = done.deleted.iter().map(StoredRecord::to_json).collect();
        let changed: Vec<_> = done.changed.iter().map(|change| change.to_json()).collect();
        let still: Vec<_> = blocks.iter().map(super::check::cause_json).collect();
        print_json(&json!({
            "address": arguments.address,
            "key": key.as_str(),
            "deleted": deleted,
            "changed": changed,
            "still_blocked_by": still,
            "generation": done.generation,
            "permission": {
                "channel": request.permission.channel().as_str(),
                "evidence": request.permission.evidence(),
                "by": request.permission.by(),
            },
        }))?;
    } else {
        tell(key.as_str(), &done, &blocks)?;
    }
    Ok(exit::DONE)
}

fn request(arguments: &Arguments) -> Result<ResubscribeRequest> {
    let include: Vec<SuppressionReason> =
        arguments.include.iter().map(|reason| input::word(reason.trim())).collect::<Result<_>>()?;
    let lists = input::lists(&arguments.lists)?;
    Ok(ResubscribeRequest {
        global: lists.is_empty() || arguments.all_lists,
        lists,
        all_lists: arguments.all_lists,
        include,
        permission: permission(arguments)?,
    })
}

/// The permission, or a refusal that names what is missing.
fn permission(arguments: &Arguments) -> Result<Permission> {
    let channel: Option<Channel> = arguments.permission.as_deref().map(input::word).transpose()?;
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let parts = [
        ("--permission", channel.is_some()),
        ("--evidence", given(&arguments.evidence)),
        ("--by", given(&arguments.by)),
    ];
    let missing: Vec<&str> =
        parts.iter().filter(|(_, given)| !given).map(|(part, _)| *part).collect();
    let permission = channel.zip(arguments.evidence.as_deref()).zip(arguments.by.as_deref());
    permission
        .and_then(|((channel, evidence), by)| Permission::new(channel, evidence, by))
        .ok_or_else(|| {
            let message =
                format!("no permission, nothing was changed: {} missing", missing.join(", "));
            Error::refused(message).with_hint(
                "only the person's explicit permission makes an address reachable again: say \
                 --permission CHANNEL --evidence TEXT --by WHO",
            )
        })
}

/// Everything that withholds some mail to the address, whatever its class and list.
fn still_blocked_by(
    store: &Store,
    address: &str,
    key: Key<'_>,
    now: Timestamp,
) -> Result<Vec<Cause>> {
    let view = store.ledger().view()?;
    let state = view.state_of(key.as_bytes())?;
    let outside = outside(&*view, address.as_bytes(), key.domain())?;
    let lists = state.opted_out_lists().into_iter().chain(outside.lists());
    let lists: Vec<String> = lists.map(str::to_owned).collect();
    let mut causes = Vec::new();
    for class in [Class::Bulk, Class::Transactional] {
        for cause in state.causes_with(&outside, &Query { now, class, lists: &lists }) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    causes.sort_by(|a, b| (a.reason, &a.scope).cmp(&(b.reason, &b.scope)));
    Ok(causes)
}

fn tell(key: &str, done: &Resubscribed, blocks: &[Cause]) -> Result<()> {
    print(|out| {
        for record in &done.deleted {
            writeln!(out, "deleted {}", describe(&record.record))?;
        }
        for change in &done.changed {
            let mut flags = Vec::new();
            for (name, flag) in [("bulk email", change.bulk_email), ("email", change.email_allowed)]
            {
                if flag.from != flag.to {
                    flags.push(format!("{name} {} → {}", flag.from.as_str(), flag.to.as_str()));
                }
            }
            let left = if change.former { ", which left this address" } else { "" };
            writeln!(out, "changed contact {}{left}: {}", change.contact_id, flags.join(", "))?;
        }
        if done.deleted.is_empty() && done.changed.is_empty() {
            writeln!(out, "nothing asked for was recorded; the permission is kept")?;
        }
        if blocks.is_empty() {
            writeln!(out, "{key} is reachable, generation {}", done.generation)?;
        }
        for cause in blocks {
            writeln!(out, "still blocked by {} ({})", cause.reason, cause.scope)?;
        }
        if !blocks.is_empty() {
            writeln!(out, "generation {}", done.generation)?;
        }
        Ok(())
    })
}

/// A record in a few words.
pub(super) fn describe(record: &Record) -> String {
    match record {
        Record::Contact(contact) => format!(
            "contact {} ({}): bulk email {}, email {}",
            contact.contact_id,
            contact.address,
            contact.bulk_email.as_str(),
            contact.email_allowed.as_str()
        ),
        Record::Unsubscribe(record) => format!(
            "{} unsubscribe of {}, {}{}",
            record.state.as_str(),
            record.address,
            record.list.as_deref().map_or("everywhere".to_owned(), |list| format!("list {list}")),
            source(record.source.as_deref())
        ),
        Record::Preference(record) => format!(
            "preference {} of {}, list {}{}",
            record.choice.as_str(),
            record.address,
            record.list,
            source(record.source.as_deref())
        ),
        Record::Suppression(record) => format!(
            "{} of {} ({} mail{}){}",
            record.reason.as_str(),
            record.address,
            record.class.as_str(),
            record.expires_at.map_or(String::new(), |at| format!(", until {at}")),
            source(record.source.as_deref())
        ),
        Record::Domain(rule) => format!(
            "domain rule of {}{}{}",
            rule.domain,
            if rule.subdomains { " and its subdomains" } else { "" },
            source(rule.source.as_deref())
        ),
        Record::Digest(record) => format!(
            "{} digest, {} ({} mail){}",
            record.algorithm,
            record.list.as_deref().map_or("everywhere".to_owned(), |list| format!("list {list}")),
            record.class.as_str(),
            source(record.source.as_deref())
        ),
    }
}

fn source(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| format!(", source {source}"))
}
