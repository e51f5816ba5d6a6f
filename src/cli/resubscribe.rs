//! `quell resubscribe`: reachable again, with permission and proof.

use super::args::Resubscribe as Arguments;
use super::terminal::{print, print_json};
use super::{Context, clock, exit, input};
use crate::address::{Key, KeyBuffer};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Record, ResubscribeRequest, Resubscribed, StoredRecord, View};
use crate::record::{
    Cause, Channel, Class, KeyState, Outside, Permission, Query, Reason, SuppressionReason,
    Timestamp,
};
use crate::store::{Changed, Store, outside};
use serde_json::{Value, json};

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
    let view = store.ledger().view()?;
    let blocks = still_blocked_by(&*view, &arguments.address, key, now)?;
    let who = Who::of(&*view, &done, key)?;
    if arguments.json {
        let deleted: Vec<_> = done.deleted.iter().zip(&who.deleted).map(with_who).collect();
        let changed: Vec<_> = done.changed.iter().map(|change| change.to_json()).collect();
        let still: Vec<_> = blocks.iter().map(|cause| who.cause_json(cause)).collect();
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
        tell(key.as_str(), &done, &blocks, &who)?;
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

/// Everything that withholds some mail to the address, whatever its class and list.
fn still_blocked_by(
    view: &dyn View,
    address: &str,
    key: Key<'_>,
    now: Timestamp,
) -> Result<Vec<Cause>> {
    let state = view.state_of(key.as_bytes())?;
    let outside = outside(view, address.as_bytes(), key.domain())?;
    Ok(causes_of_any_send(&state, &outside, now))
}

/// What withholds some mail to an address, whatever its class and list.
pub(super) fn causes_of_any_send(
    state: &KeyState,
    outside: &Outside,
    now: Timestamp,
) -> Vec<Cause> {
    let lists = state.opted_out_lists().into_iter().chain(outside.lists());
    let lists: Vec<String> = lists.map(str::to_owned).collect();
    let mut causes = Vec::new();
    for class in [Class::Bulk, Class::Transactional] {
        for cause in state.causes_with(outside, &Query { now, class, lists: &lists }) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    causes.sort_by(|a, b| (a.reason, &a.scope).cmp(&(b.reason, &b.scope)));
    causes
}

/// Who set what was set by hand: that person can be asked.
struct Who {
    /// Of each deleted record, when its reason says so.
    deleted: Vec<Option<String>>,
    /// Of those that still block: each reason that says so, with everyone who set it.
    left: Vec<(Reason, String)>,
}

impl Who {
    fn of(view: &dyn View, done: &Resubscribed, key: Key<'_>) -> Result<Self> {
        let set_by = |stored: &StoredRecord| match &stored.record {
            Record::Suppression(record) if record.reason.lifting().says_who => {
                let who = view.set_by(stored)?;
                Ok(Some((record.reason.reason(), who.unwrap_or_else(|| "nobody known".into()))))
            }
            _ => Ok(None),
        };
        let all = |records: &[StoredRecord]| -> Result<Vec<Option<(Reason, String)>>> {
            records.iter().map(set_by).collect()
        };
        let deleted = all(&done.deleted)?.into_iter().map(|who| who.map(|(_, who)| who)).collect();
        let mut left: Vec<_> =
            all(&view.records_of(key.as_bytes())?)?.into_iter().flatten().collect();
        left.sort();
        left.dedup();
        Ok(Self { deleted, left })
    }

    /// Everyone who set what a cause is of; `None` when nobody is told of it.
    fn set(&self, cause: &Cause) -> Option<String> {
        let of_cause = self.left.iter().filter(|(reason, _)| *reason == cause.reason);
        let names: Vec<&str> = of_cause.map(|(_, who)| who.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn cause_json(&self, cause: &Cause) -> Value {
        let mut json = super::check::cause_json(cause);
        if let Some(who) = self.set(cause) {
            json["set_by"] = who.into();
        }
        json
    }
}

fn with_who((stored, who): (&StoredRecord, &Option<String>)) -> Value {
    let mut json = stored.to_json();
    if let Some(who) = who {
        json["set_by"] = who.as_str().into();
    }
    json
}

fn tell(key: &str, done: &Resubscribed, blocks: &[Cause], who: &Who) -> Result<()> {
    let set_by = |who: &Option<String>| {
        who.as_ref().map_or_else(String::new, |who| format!(", set by {who}"))
    };
    print(|out| {
        if let Some(since) = done.erased {
            writeln!(out, "lifted the erasure of {since}")?;
        }
        for (stored, who) in done.deleted.iter().zip(&who.deleted) {
            writeln!(out, "deleted {}{}", describe(&stored.record), set_by(who))?;
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
        if done.deleted.is_empty() && done.changed.is_empty() && done.erased.is_none() {
            writeln!(out, "nothing asked for was recorded; the permission is kept")?;
        }
        if blocks.is_empty() {
            writeln!(out, "{key} is reachable, generation {}", done.generation)?;
        }
        for cause in blocks {
            let who = set_by(&who.set(cause));
            writeln!(out, "still blocked by {} ({}){who}", cause.reason, cause.scope)?;
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
