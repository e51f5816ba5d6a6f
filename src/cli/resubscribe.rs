//! `quell resubscribe`: reachable again, with permission and proof.

use super::args::Resubscribe as Arguments;
use super::terminal::{print, print_json};
use super::{Context, clock, exit, input};
use crate::action::describe::describe;
use crate::action::resubscribe::{Done, resubscribe};
use crate::error::{Error, Result};
use crate::ledger::ResubscribeRequest;
use crate::record::{Channel, Permission, SuppressionReason};
use crate::store::{Changed, Store};

/// Runs the command.
///
/// # Errors
///
/// Refused without permission, evidence and by: nothing is changed then.
pub fn run(context: &Context, arguments: &Arguments) -> Result<u8> {
    let request = request(arguments)?;
    let store = Store::open(&context.store)?;
    let now = clock::now();
    let done = resubscribe(&store, &arguments.address, &request, now, |generation| {
        let late = store.follow(Changed::One, generation, now)?;
        context.terminal.warn_late(late.as_ref());
        Ok(())
    })?;
    if arguments.json {
        print_json(&done.to_json())?
    } else {
        tell(&done)?
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
        recorded_by: None,
    })
}

fn permission(arguments: &Arguments) -> Result<Permission> {
    let Arguments { permission, evidence, by, .. } = arguments;
    permission_of(permission.as_deref(), evidence.as_deref(), by.as_deref())
}

/// The permission that these options say, or a refusal that names what is missing.
pub(super) fn permission_of(
    channel: Option<&str>,
    evidence: Option<&str>,
    by: Option<&str>,
) -> Result<Permission> {
    let channel: Option<Channel> = channel.map(input::word).transpose()?;
    let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
    let parts =
        [("--permission", channel.is_some()), ("--evidence", given(evidence)), ("--by", given(by))];
    let missing: Vec<&str> =
        parts.iter().filter(|(_, given)| !given).map(|(part, _)| *part).collect();
    let permission = channel.zip(evidence).zip(by);
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

fn tell(done: &Done) -> Result<()> {
    let Done { key, did, blocks, who, .. } = done;
    let set_by = |who: &Option<String>| {
        who.as_ref().map_or_else(String::new, |who| format!(", set by {who}"))
    };
    print(|out| {
        if let Some(since) = did.erased {
            writeln!(out, "lifted the erasure of {since}")?;
        }
        for (stored, who) in did.deleted.iter().zip(&who.deleted) {
            writeln!(out, "deleted {}{}", describe(&stored.record), set_by(who))?;
        }
        for change in &did.changed {
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
        if did.deleted.is_empty() && did.changed.is_empty() && did.erased.is_none() {
            writeln!(out, "nothing asked for was recorded; the permission is kept")?;
        }
        if blocks.is_empty() {
            writeln!(out, "{key} is reachable, generation {}", did.generation)?;
        }
        for cause in blocks {
            let who = set_by(&who.set(cause));
            writeln!(out, "still blocked by {} ({}){who}", cause.reason, cause.scope)?;
        }
        if !blocks.is_empty() {
            writeln!(out, "generation {}", did.generation)?;
        }
        Ok(())
    })
}
