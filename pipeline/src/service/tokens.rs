//! Tokens that this server gave out. A token is 256 random bits, shown once; its SHA-256 is kept, which is as good as a
//! slow hash here because there is nothing to guess. It says whose it is, what it allows, and until when.

use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datasets::{GroupId, PersonId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::store::{Store, fresh_id, now_ms, random, timestamp};

/// What every token begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "greffier_";

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See what its person may see.
    Read,
    /// Upload, correct, share and delete what its person may.
    Write,
    /// Fetch the calendar of actions, and nothing else; may stand in an address, because calendars cannot do otherwise.
    Feed,
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Names it, for revoking.
    pub id: String,
    /// What it was made for.
    pub name: String,
    /// Whose it is; `None` for the operator, who sees everything.
    pub person: Option<PersonId>,
    /// The groups that the person is in.
    pub groups: Vec<GroupId>,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The tokens of a server.
#[derive(Clone)]
pub struct Tokens {
    store: Arc<Store>,
}

/// What a token is made of.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// Whose it is; `None` for the operator.
    pub person: Option<&'a PersonId>,
    /// The groups that the person is in.
    pub groups: &'a [GroupId],
    /// What it allows.
    pub scopes: &'a [Scope],
    /// Until when it is good.
    pub expires_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, person, scopes, created_at, expires_at, revoked_at, groups";

impl Tokens {
    /// The tokens in `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Makes a token; the second value is the secret, which is not kept.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add(&self, new: &NewToken<'_>) -> anyhow::Result<(Token, String)> {
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random::<32>()));
        let token = Token {
            id: fresh_id(),
            name: new.name.to_owned(),
            person: new.person.cloned(),
            groups: new.groups.to_vec(),
            scopes: new.scopes.to_vec(),
            created_at: timestamp(now_ms()),
            expires_at: new.expires_at,
            revoked_at: None,
        };
        self.store.connection().execute(
            "insert into tokens (id, hash, name, person, scopes, created_at, expires_at, groups)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                token.id,
                digest(&secret),
                token.name,
                new.person.map(PersonId::as_str),
                serde_json::to_string(new.scopes)?,
                token.created_at.as_millisecond(),
                new.expires_at.map(Timestamp::as_millisecond),
                serde_json::to_string(new.groups)?
            ],
        )?;
        Ok((token, secret))
    }

    /// The token of this secret, when it is good now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn check(&self, secret: &str) -> anyhow::Result<Option<Token>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare_cached(&format!(
            "select {COLUMNS} from tokens where hash = ?1 and revoked_at is null and coalesce(expires_at > ?2, true)"
        ))?;
        let found = statement.query_row(params![digest(secret), now_ms()], read_token);
        found.optional()?.transpose()
    }

    /// All tokens, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> anyhow::Result<Vec<Token>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare(&format!("select {COLUMNS} from tokens order by id desc"))?;
        let rows = statement.query_map([], read_token)?;
        rows.map(|row| row?).collect()
    }

    /// Revokes a token: the next call with it is refused. `false` when there is no such token.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn revoke(&self, id: &str) -> anyhow::Result<bool> {
        let changed = self.store.connection().execute(
            "update tokens set revoked_at = coalesce(revoked_at, ?2) where id = ?1",
            params![id, now_ms()],
        )?;
        Ok(changed > 0)
    }
}

/// A span of time as people write it: `90d`, `12h`, `30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(pub i64);

impl FromStr for Lifetime {
    type Err = String;

    /// Reads a number and `d`, `h` or `m`; the value is in milliseconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "use a number and d, h or m, such as 90d".to_owned();
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let minutes = match unit {
            'd' => 24 * 60,
            'h' => 60,
            'm' => 1,
            _ => return Err(wrong()),
        };
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        Ok(Self(i64::from(count) * minutes * 60_000))
    }
}

fn read_token(row: &Row<'_>) -> rusqlite::Result<anyhow::Result<Token>> {
    let (expires_at, revoked_at): (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let (scopes, created_at, groups): (String, i64, String) = (row.get(3)?, row.get(4)?, row.get(7)?);
    let (id, name, person) = (row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?);
    let token = || {
        Ok(Token {
            id,
            name,
            person: person.map(PersonId::new),
            groups: serde_json::from_str(&groups)?,
            scopes: serde_json::from_str(&scopes)?,
            created_at: timestamp(created_at),
            expires_at: expires_at.map(timestamp),
            revoked_at: revoked_at.map(timestamp),
        })
    };
    Ok(token())
}

fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_it_expires_or_is_revoked_and_its_secret_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::new(Arc::new(Store::open(folder.path()).unwrap()));
        let ann = PersonId::new("ann@example.org");
        let new = NewToken {
            name: "laptop",
            person: Some(&ann),
            groups: &[GroupId::new("board")],
            scopes: &[Scope::Read],
            expires_at: None,
        };
        let (token, secret) = tokens.add(&new).unwrap();
        assert_eq!(tokens.check(&secret).unwrap(), Some(token.clone()));
        assert_eq!(tokens.check("greffier_guess").unwrap(), None);
        assert!(tokens.revoke(&token.id).unwrap() && !tokens.revoke("nonesuch").unwrap());
        assert_eq!(tokens.check(&secret).unwrap(), None);
        let (_, late) = tokens
            .add(&NewToken {
                expires_at: Some(timestamp(now_ms() - 1)),
                ..new
            })
            .unwrap();
        assert_eq!(tokens.check(&late).unwrap(), None);
        let kept = std::fs::read(folder.path().join("service.sqlite-wal")).unwrap();
        let holds = |secret: &str| kept.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds(&secret) && holds("laptop"));
    }

    #[test]
    fn lifetimes_are_read() {
        assert_eq!("90d".parse(), Ok(Lifetime(90 * 86_400_000)));
        assert_eq!("30m".parse(), Ok(Lifetime(1_800_000)));
        for wrong in ["", "d", "3w", "-1d", "1.5h"] {
            assert!(wrong.parse::<Lifetime>().is_err(), "{wrong}");
        }
    }
}
