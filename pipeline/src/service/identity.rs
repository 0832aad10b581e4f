//! People whom an OpenID Connect provider vouches for: their bearer tokens are JSON Web Tokens, checked against the
//! provider's published keys (RFC 7519, RFC 7517). The person is the mail address in the token.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use datasets::{GroupId, PersonId};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Keys are fetched again after this time, and when a token names a key that is not among them.
const KEYS_FRESH: Duration = Duration::from_secs(3600);
/// But not more often than this: tokens with made-up keys must not become requests to the provider.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// Longest wait for the provider.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
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
}

/// A provider with its keys.
pub struct IdentityProvider {
    options: IdentityOptions,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Option<JwkSet>,
    fetched: Option<Instant>,
}

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
        }
    }

    /// The person of this token, when signature, issuer, audience and times are good.
    ///
    /// # Errors
    /// Why it is refused; for the log, not for the caller.
    pub fn check(&self, token: &str) -> anyhow::Result<Vouched> {
        let header = decode_header(token).context("it is no JSON Web Token")?;
        if !ALGORITHMS.contains(&header.alg) {
            bail!("its algorithm {:?} is not accepted", header.alg);
        }
        let key = self.key(header.kid.as_deref())?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.options.issuer]);
        validation.set_audience(&[&self.options.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let claims = decode::<Claims>(token, &key, &validation)
            .context("it does not hold")?
            .claims;
        if claims.email_verified == Some(false) {
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

    fn key(&self, kid: Option<&str>) -> anyhow::Result<DecodingKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let age = keys.fetched.map(|fetched| fetched.elapsed());
        let known = keys.set.as_ref().and_then(|set| find(set, kid));
        let is_due = match (&known, age) {
            (_, None) => true,
            (Some(_), Some(age)) => age > KEYS_FRESH,
            (None, Some(age)) => age > FETCH_PAUSE,
        };
        if !is_due {
            return known.context("it names a key that the provider does not have");
        }
        keys.fetched = Some(Instant::now());
        match self.fetch() {
            Ok(set) => keys.set = Some(set),
            // The keys that are known stay good while the provider cannot be reached.
            Err(error) if known.is_some() => tracing::warn!(error = format!("{error:#}"), "the keys are not renewed"),
            Err(error) => return Err(error),
        }
        let set = keys.set.as_ref().context("there are no keys")?;
        find(set, kid).context("it names a key that the provider does not have")
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

fn find(set: &JwkSet, kid: Option<&str>) -> Option<DecodingKey> {
    let jwk = match kid {
        Some(kid) => set.find(kid)?,
        None => set.keys.first().filter(|_| set.keys.len() == 1)?,
    };
    DecodingKey::from_jwk(jwk).ok()
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
