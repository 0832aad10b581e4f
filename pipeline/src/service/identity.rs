//! People whom an OpenID Connect provider vouches for: their bearer tokens are JSON Web Tokens, checked against the
//! provider's published keys (RFC 7519, RFC 7517). The person is the mail address in the token.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use datasets::{GroupId, PersonId};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Keys are fetched again after this time, and when a token names a key that is not among them.
const KEYS_FRESH: Duration = Duration::from_secs(3600);
/// But not more often than this: tokens with made-up keys must not become requests to the provider.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// Longest wait for the provider.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Who waits while another fetches keys, at most, and how long; the rest are told to come back.
const WAITING_MAX: usize = 16;
const WAIT_MAX: Duration = FETCH_TIMEOUT;
/// Signatures by public keys only: whoever can check one cannot make one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Which provider is trusted, and for whom its tokens must be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOptions {
    /// The `iss` of its tokens: an address; its keys are found from `/.well-known/openid-configuration` there.
    pub issuer: String,
    /// The `aud` that tokens must carry.
    pub audience: String,
    /// Where the keys are, when they are not to be looked for.
    pub keys_url: Option<String>,
    /// The claim that names the person's groups: the name of one, or a JSON pointer such as `/realm_access/roles`.
    pub groups_claim: String,
    /// Whether a mail address counts as verified where a token does not say: for providers that verify all and say so of
    /// none.
    pub assumes_verified: bool,
}

/// Why a token is not taken; for the log, not for the caller.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It is no good.
    #[error("the token is refused")]
    Refused(#[from] anyhow::Error),
    /// Nobody can tell now: its key is not known, and the provider cannot be asked.
    #[error("the identity provider cannot be asked")]
    Unreachable,
}

/// A provider with its keys.
pub struct IdentityProvider {
    options: IdentityOptions,
    keys: Mutex<Keys>,
    fetched: Condvar,
}

#[derive(Default)]
struct Keys {
    set: Option<JwkSet>,
    fetched: Option<Instant>,
    /// The last time that they were to be fetched they were not.
    is_unreachable: bool,
    is_being_fetched: bool,
    waiting: usize,
}

/// Whoever fetches keys; the next may when dropped.
struct Fetching<'a>(&'a IdentityProvider);

/// What is read of a token. Times are numbers or the token is no good: a `nbf` that is text must not pass for none.
#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(rename = "exp")]
    _exp: u64,
    #[serde(default, rename = "nbf")]
    _nbf: Option<u64>,
    email: Option<String>,
    email_verified: Option<bool>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A person whom the provider vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The person.
    pub person: PersonId,
    /// The domain of the mail address.
    pub domain: String,
    /// The groups that the provider says the person is in.
    pub groups: Vec<GroupId>,
}

impl IdentityProvider {
    /// A provider whose keys are fetched when the first token comes.
    pub fn new(options: IdentityOptions) -> Self {
        Self {
            options,
            keys: Mutex::default(),
            fetched: Condvar::new(),
        }
    }

    /// The person of this token, when signature, issuer, audience and times are good.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn check(&self, token: &str) -> Result<Vouched, IdentityError> {
        let header = decode_header(token).context("it is no JSON Web Token")?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(anyhow!("its algorithm {:?} is not accepted", header.alg).into());
        }
        let key = self.key(header.kid.as_deref())?;
        Ok(self.vouch(token, &header, &key)?)
    }

    fn vouch(&self, token: &str, header: &Header, key: &DecodingKey) -> anyhow::Result<Vouched> {
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let claims = decode::<Claims>(token, key, &validation)
            .context("it does not hold")?
            .claims;
        if !claims.email_verified.unwrap_or(self.options.assumes_verified) {
            bail!("its mail address is not verified");
        }
        let email = claims.email.context("it names no mail address")?;
        let domain = email.trim().rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        Ok(Vouched {
            person: PersonId::from_contact(&email, Some(&email)),
            domain: domain.context("its mail address has no domain")?,
            groups: groups(claims.others, &self.options.groups_claim),
        })
    }

    /// How many keys the provider publishes: whether it can be asked at all.
    ///
    /// # Errors
    /// When it cannot be reached, or its answer is none.
    pub fn count_keys(&self) -> anyhow::Result<usize> {
        Ok(self.fetch()?.keys.len())
    }

    /// The key of this name. Keys are fetched by one caller at a time, who holds nobody up whose key is known.
    fn key(&self, kid: Option<&str>) -> Result<DecodingKey, IdentityError> {
        let mut keys = self.keys();
        let known = keys.find(kid);
        let is_due = keys.are_older_than(if known.is_ok() { KEYS_FRESH } else { FETCH_PAUSE });
        if keys.is_being_fetched && known.is_err() {
            return self.wait_for(keys, kid);
        }
        if keys.is_being_fetched || !is_due {
            return known;
        }
        keys.is_being_fetched = true;
        drop(keys);
        let fetching = Fetching(self);
        let fetched = self.fetch();
        let mut keys = self.keys();
        keys.fetched = Some(Instant::now());
        keys.is_unreachable = fetched.is_err();
        match fetched {
            Ok(set) => keys.set = Some(set),
            // The keys that are known stay good while the provider cannot be reached.
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the keys are not renewed"),
        }
        let found = keys.find(kid);
        drop(keys);
        drop(fetching);
        found
    }

    /// The key once somebody else has fetched.
    fn wait_for(&self, mut keys: MutexGuard<'_, Keys>, kid: Option<&str>) -> Result<DecodingKey, IdentityError> {
        if keys.waiting >= WAITING_MAX {
            return Err(IdentityError::Unreachable);
        }
        keys.waiting += 1;
        let is_fetching = |keys: &mut Keys| keys.is_being_fetched;
        let waited = self.fetched.wait_timeout_while(keys, WAIT_MAX, is_fetching);
        let (mut keys, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        keys.waiting -= 1;
        if timed_out.timed_out() {
            return Err(IdentityError::Unreachable);
        }
        keys.find(kid)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(&self) -> anyhow::Result<JwkSet> {
        #[derive(Deserialize)]
        struct Configuration {
            jwks_uri: String,
        }
        let url = match &self.options.keys_url {
            Some(url) => url.clone(),
            None => {
                let base = self.options.issuer.trim_end_matches('/');
                get::<Configuration>(&format!("{base}/.well-known/openid-configuration"))?.jwks_uri
            }
        };
        get(&url)
    }
}

/// The groups in the claim of this name: a list of texts, or one text. Anything else names none.
fn groups(claims: Map<String, Value>, name: &str) -> Vec<GroupId> {
    let claims = Value::Object(claims);
    let named = if name.starts_with('/') {
        claims.pointer(name)
    } else {
        claims.get(name)
    };
    let texts = match named {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    texts.iter().filter_map(Value::as_str).map(GroupId::new).collect()
}

impl Keys {
    fn are_older_than(&self, age: Duration) -> bool {
        self.fetched.is_none_or(|fetched| fetched.elapsed() > age)
    }

    /// The key of this name; of a token that names none, the only one.
    fn find(&self, kid: Option<&str>) -> Result<DecodingKey, IdentityError> {
        let set = self.set.as_ref().map_or(&[][..], |set| set.keys.as_slice());
        let jwk = match kid {
            Some(kid) => set.iter().find(|jwk| jwk.common.key_id.as_deref() == Some(kid)),
            None => set.first().filter(|_| set.len() == 1),
        };
        match jwk.and_then(|jwk| DecodingKey::from_jwk(jwk).ok()) {
            Some(key) => Ok(key),
            None if self.is_unreachable => Err(IdentityError::Unreachable),
            None => Err(anyhow!("it names a key that the provider does not have").into()),
        }
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.keys().is_being_fetched = false;
        self.0.fetched.notify_all();
    }
}

fn get<T: serde::de::DeserializeOwned>(url: &str) -> anyhow::Result<T> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(FETCH_TIMEOUT))
        .build()
        .into();
    let answer = agent
        .get(url)
        .call()
        .and_then(|mut answer| answer.body_mut().read_json());
    answer.with_context(|| format!("asking `{url}`"))
}
