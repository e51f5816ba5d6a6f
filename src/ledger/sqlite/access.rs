//! Access tokens in their table.

use super::SqliteLedger;
use super::fault::damaged;
use crate::error::{Error, Result};
use crate::ledger::access::{AccessToken, AccessTokens};
use crate::record::Timestamp;
use rusqlite::Row;

impl AccessTokens for SqliteLedger {
    fn add_access_token(&self, token: &AccessToken) -> Result<()> {
        let sql = "INSERT INTO access_token (name, role, digest, created_at) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (name) DO NOTHING";
        let values = (&token.name, token.role.as_str(), token.digest, token.created_at.as_micros());
        match self.pool.take()?.execute(sql, values)? {
            0 => Err(Error::refused(format!("there is a token named `{}` already", token.name))
                .with_hint("revoke it with `quell token revoke NAME`, or choose another name")),
            _ => Ok(()),
        }
    }

    fn revoke_access_token(&self, name: &str) -> Result<bool> {
        let removed = self.pool.take()?.execute("DELETE FROM access_token WHERE name = ?1", [name]);
        Ok(removed? > 0)
    }

    fn access_tokens(&self) -> Result<Vec<AccessToken>> {
        let connection = self.pool.take()?;
        let mut statement = connection.prepare_cached(
            "SELECT name, role, digest, created_at FROM access_token ORDER BY name",
        )?;
        let mut rows = statement.query([])?;
        let mut tokens = Vec::new();
        while let Some(row) = rows.next()? {
            tokens.push(token(row)?);
        }
        Ok(tokens)
    }
}

fn token(row: &Row<'_>) -> Result<AccessToken> {
    let role: String = row.get(1)?;
    Ok(AccessToken {
        name: row.get(0)?,
        role: role.parse().map_err(|_| damaged("a token of no known role"))?,
        digest: row.get(2)?,
        created_at: Timestamp::from_micros(row.get(3)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::ledger::Role;
    use crate::ledger::{Identity, SqliteLedger};

    #[test]
    fn a_token_is_there_until_it_is_revoked() {
        let identity = Identity { policy: "exact".into(), key_id: String::new() };
        let ledger = SqliteLedger::temporary(&identity, Timestamp::from_micros(0)).unwrap();
        let created_at = Timestamp::from_micros(7);
        let token = |name: &str, byte| AccessToken {
            name: name.to_owned(),
            role: Role::Write,
            digest: [byte; 32],
            created_at,
        };
        ledger.add_access_token(&token("web", 1)).unwrap();
        ledger.add_access_token(&token("cron", 2)).unwrap();
        let again = ledger.add_access_token(&token("web", 3)).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Refused);
        assert_eq!(ledger.access_tokens().unwrap(), [token("cron", 2), token("web", 1)]);
        assert!(ledger.revoke_access_token("web").unwrap());
        assert!(!ledger.revoke_access_token("web").unwrap());
        assert_eq!(ledger.access_tokens().unwrap(), [token("cron", 2)]);
    }
}
