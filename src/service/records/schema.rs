//! What is answered, for the description: the values themselves are made where commands print them too.

#![expect(dead_code, reason = "they describe what is sent, and are made by tests alone")]

use serde::Deserialize;
use serde_json::Value;

/// A record as it is stored, and where it comes from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(in crate::service) enum Record {
    /// A contact of the sender's, with its flags.
    Contact {
        contact_id: String,
        address: String,
        bulk_email: Flag,
        email_allowed: Flag,
        #[schema(required, format = DateTime)]
        at: Option<String>,
        /// Whether the contact has another address by now: this one keeps the flags it had.
        former: bool,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
    },
    /// An opt-out: everywhere, or from one list.
    Unsubscribe {
        address: String,
        /// `null` is everywhere.
        #[schema(required)]
        list: Option<String>,
        /// Either blocks.
        state: UnsubscribeState,
        class: RecordClass,
        #[schema(required, format = DateTime)]
        at: Option<String>,
        #[schema(required)]
        source: Option<String>,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
    },
    /// What a person chose of one list.
    Preference {
        address: String,
        list: String,
        preference: Choice,
        #[schema(required, format = DateTime)]
        at: Option<String>,
        #[schema(required)]
        source: Option<String>,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
    },
    /// Any other reason not to mail an address.
    Suppression {
        address: String,
        reason: SuppressionReason,
        class: RecordClass,
        #[schema(required, format = DateTime)]
        at: Option<String>,
        #[schema(required, format = DateTime)]
        expires_at: Option<String>,
        #[schema(required)]
        source: Option<String>,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
        /// Who set it, when it was set by hand: told by a resubscribe.
        #[serde(default)]
        set_by: Option<String>,
    },
    /// Every address at a domain.
    Domain {
        domain: String,
        subdomains: bool,
        #[schema(required, format = DateTime)]
        at: Option<String>,
        #[schema(required)]
        source: Option<String>,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
    },
    /// An entry of a hashed list.
    Digest {
        digest: String,
        algorithm: Algorithm,
        #[schema(required)]
        list: Option<String>,
        class: RecordClass,
        #[schema(required)]
        source: Option<String>,
        /// The import that added it; `null` when it was recorded by itself.
        #[schema(required)]
        import: Option<u64>,
        #[schema(format = DateTime)]
        recorded_at: String,
    },
}

/// The name of a list. White space around it does not count.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(pattern = r"^[^;]*[^;\s][^;]*$", examples("news"))]
pub(in crate::service) struct List(String);

/// A flag of a contact.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::service) enum Flag {
    Allow,
    #[serde(rename = "Do Not Allow")]
    DoNotAllow,
}

/// Whether an opt-out is active; either blocks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::service) enum UnsubscribeState {
    Active,
    Inactive,
}

/// What was chosen of a list.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(in crate::service) enum Choice {
    In,
    Out,
}

/// What kinds of send a record blocks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::service) enum RecordClass {
    Bulk,
    Transactional,
    All,
}

/// Why an address is suppressed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::service) enum SuppressionReason {
    Bounce,
    Complaint,
    Invalid,
    Manual,
}

/// How a hashed list was made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::service) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// What covers an address without being recorded of it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Outside {
    /// `@example.com`, or an algorithm, a colon and a digest.
    key: String,
    records: Vec<Record>,
}

/// What is recorded of an address.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Records {
    /// The address as it was asked about.
    address: String,
    key: String,
    /// The generation that this is of.
    generation: u64,
    records: Vec<Record>,
    outside: Vec<Outside>,
    /// Since when it is erased, if it is.
    #[schema(required, format = DateTime)]
    erased_since: Option<String>,
}

/// What happened to an address.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct History {
    /// The address as it was asked about.
    address: String,
    key: String,
    /// The generation up to which this is told.
    generation: u64,
    events: Vec<Event>,
}

/// One thing that happened.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Event {
    #[schema(format = DateTime)]
    at: String,
    /// The generation that it made.
    generation: u64,
    event: EventKind,
    /// Everything known about it, by its kind.
    #[schema(value_type = Object)]
    detail: Value,
}

/// What kind of thing happened.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::service) enum EventKind {
    Imported,
    Unsubscribed,
    Resubscribed,
    Changed,
    Synced,
    Erased,
    Import,
}

/// What a resubscribe came to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Resubscribed {
    /// The address as it was given.
    address: String,
    key: String,
    /// What is gone, with all its fields.
    deleted: Vec<Record>,
    /// The contacts whose flags are *Allow* now.
    changed: Vec<ContactChanged>,
    /// What still withholds some mail, whatever its class and list.
    still_blocked_by: Vec<StillBlocks>,
    /// The generation that holds it.
    generation: u64,
    permission: Permission,
}

/// What became of a contact's flags.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct ContactChanged {
    contact_id: String,
    address: String,
    /// Whether the contact has another address by now.
    former: bool,
    bulk_email: FlagChanged,
    email_allowed: FlagChanged,
}

/// What became of a flag.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct FlagChanged {
    from: Flag,
    to: Flag,
}

/// What still withholds some mail.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct StillBlocks {
    /// A reason of the contract's table.
    reason: String,
    /// `global`, `list:NAME`, `domain:NAME` or `contact:ID`.
    scope: String,
    class: RecordClass,
    #[schema(required, format = DateTime)]
    since: Option<String>,
    #[schema(required)]
    source: Option<String>,
    /// Who set it, when it was set by hand.
    #[serde(default)]
    set_by: Option<String>,
}

/// The permission that was given, as it is stored.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::service) struct Permission {
    channel: Channel,
    evidence: String,
    by: String,
}

/// How a person gave permission.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::service) enum Channel {
    Email,
    Phone,
    InPerson,
    Form,
    ResubscriptionLink,
}
