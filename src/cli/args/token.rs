//! The arguments of `token`.

use clap::{Args, Subcommand};

/// `token`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token; it is printed once and stored nowhere
    #[command(
        after_help = "Example:\n  quell token create --role decide --name 'newsletter sender'"
    )]
    Create(CreateToken),
    /// List the tokens there are, without the tokens themselves
    List(ListTokens),
    /// Revoke a token: whoever uses it gets no answer any more
    Revoke(RevokeToken),
}

/// `token create`
#[derive(Debug, Args)]
pub struct CreateToken {
    /// What its bearer may do: decide, write, operator or admin; each may do what those before it may
    #[arg(long, value_name = "ROLE")]
    pub role: String,
    /// What it is called: who uses it, and for what
    #[arg(long, value_name = "NAME")]
    pub name: String,
}

/// `token list`
#[derive(Debug, Args)]
pub struct ListTokens {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `token revoke`
#[derive(Debug, Args)]
pub struct RevokeToken {
    /// What it is called
    #[arg(value_name = "NAME")]
    pub name: String,
}
