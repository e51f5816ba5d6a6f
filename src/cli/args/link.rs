//! The arguments of `link` and `link-key`.

use clap::{Args, Subcommand};

/// `link`
#[derive(Debug, Args)]
pub struct Link {
    /// The address that the mail goes to
    pub address: String,
    /// The list that the mail is sent for; without one the link opts out of everything
    #[arg(long, value_name = "LIST")]
    pub list: Option<String>,
    /// The kinds of send that the link opts out of: bulk, transactional or all
    #[arg(long, default_value = "bulk", value_name = "CLASS")]
    pub class: String,
    /// Where the service is reached from outside: `https://mail.example.com`, with a path or without
    #[arg(long, value_name = "URL")]
    pub base_url: String,
}

/// `link-key`
#[derive(Debug, Subcommand)]
pub enum LinkKey {
    /// List the keys, oldest first; the newest active one seals
    List(ListLinkKeys),
    /// Add a key, which seals new links; links of the keys before it go on working
    Rotate,
    /// Retire a key: links that it sealed are refused from now on
    #[command(
        after_help = "Example:\n  quell link-key retire 9f3ab21c\n\nA mail's link must work for as long as the mail may be read. Retire a key only when its secret got out, or\nwhen no mail with its links is younger than you promise (docs/one-click.md)."
    )]
    Retire(RetireLinkKey),
}

/// `link-key list`
#[derive(Debug, Args)]
pub struct ListLinkKeys {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `link-key retire`
#[derive(Debug, Args)]
pub struct RetireLinkKey {
    /// The key's id
    #[arg(value_name = "ID")]
    pub id: String,
}
