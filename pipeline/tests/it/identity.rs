//! Bearer tokens of an OpenID Connect provider, made with a key of the test and checked against a key set that a small
//! server publishes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datasets::PersonId;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pipeline::service::identity::{IdentityError, IdentityOptions, IdentityProvider};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// A provider: its key pair, and where it publishes the public half.
struct Provider {
    key: Vec<u8>,
    issuer: String,
}

impl Provider {
    fn start() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }] });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let configuration = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 2048];
                let read = stream.read(&mut request).unwrap_or(0);
                let is_keys = request[..read].starts_with(b"GET /keys");
                let body = if is_keys { &keys } else { &configuration }.to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self {
            key: key.as_ref().to_vec(),
            issuer,
        }
    }

    fn token(&self, change: impl FnOnce(&mut Header, &mut Value)) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".to_owned());
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": "greffier", "exp": now + 600, "nbf": now - 600, "sub": "7", "email": "Ann@Example.org", "email_verified": true,
        });
        change(&mut header, &mut claims);
        encode(&header, &claims, &EncodingKey::from_ec_der(&self.key)).unwrap()
    }

    fn trusted(&self) -> IdentityProvider {
        self.trusted_with_groups("groups")
    }

    fn trusted_with_groups(&self, claim: &str) -> IdentityProvider {
        IdentityProvider::new(IdentityOptions {
            issuer: self.issuer.clone(),
            audience: "greffier".to_owned(),
            keys_url: None,
            groups_claim: claim.to_owned(),
            assumes_verified: false,
        })
    }
}

#[test]
fn a_good_token_is_the_person_of_its_mail_address() {
    let provider = Provider::start();
    let vouched = provider.trusted().check(&provider.token(|_, _| {})).unwrap();
    assert_eq!(vouched.person, PersonId::new("ann@example.org"));
    assert_eq!(vouched.domain, "example.org");
}

#[test]
fn groups_are_read_from_the_claim_that_is_named() {
    let provider = Provider::start();
    let token = provider.token(|_, claims| {
        claims["groups"] = json!(["board", 7, "staff"]);
        claims["https://example.org/team"] = json!("design");
        claims["realm_access"] = json!({ "roles": ["auditor"] });
    });
    let of = |claim: &str| -> Vec<String> {
        let vouched = provider.trusted_with_groups(claim).check(&token).unwrap();
        vouched.groups.iter().map(ToString::to_string).collect()
    };
    assert_eq!(of("groups"), ["board", "staff"]);
    assert_eq!(of("https://example.org/team"), ["design"]);
    assert_eq!(of("/realm_access/roles"), ["auditor"]);
    assert!(of("nonesuch").is_empty() && of("realm_access").is_empty());
}

#[test]
fn a_token_that_is_wrong_in_one_thing_is_refused() {
    let provider = Provider::start();
    let trusted = provider.trusted();
    let now = jiff::Timestamp::now().as_second();
    let set = |name: &'static str, value: Value| move |_: &mut Header, claims: &mut Value| claims[name] = value;
    let tokens = [
        ("expired", provider.token(set("exp", json!(now - 3600)))),
        ("not yet good", provider.token(set("nbf", json!(now + 3600)))),
        ("nbf as text", provider.token(set("nbf", json!("soon")))),
        ("exp as text", provider.token(set("exp", json!("never")))),
        ("another audience", provider.token(set("aud", json!("payroll")))),
        (
            "another issuer",
            provider.token(set("iss", json!("https://evil.example"))),
        ),
        ("unverified", provider.token(set("email_verified", json!(false)))),
        (
            "not said to be verified",
            provider.token(set("email_verified", Value::Null)),
        ),
        ("nobody", provider.token(set("email", Value::Null))),
        (
            "an unknown key",
            provider.token(|header, _| header.kid = Some("k9".to_owned())),
        ),
        (
            "another key",
            Provider::start().token(|_, claims| claims["iss"] = json!(provider.issuer)),
        ),
        ("no token", "a.b.c".to_owned()),
    ];
    for (what, token) in tokens {
        assert!(trusted.check(&token).is_err(), "{what}");
    }
    let good = provider.token(|_, _| {});
    let (body, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    assert!(
        trusted.check(&format!("{body}.{flipped}{}", &signature[1..])).is_err(),
        "a changed signature"
    );
    // Whoever reads the public key must not be able to sign with it as if it were a shared secret.
    let shared = encode(
        &Header::new(Algorithm::HS256),
        &json!({ "iss": provider.issuer, "aud": "greffier", "exp": now + 600, "email": "eve@example.org" }),
        &EncodingKey::from_secret(b"k1"),
    );
    assert!(trusted.check(&shared.unwrap()).is_err(), "another kind of key");
    assert!(trusted.check(&good).is_ok());
}

#[test]
fn a_mail_address_of_which_nothing_is_said_is_taken_where_that_is_asked_for() {
    let provider = Provider::start();
    let trusting = IdentityProvider::new(IdentityOptions {
        issuer: provider.issuer.clone(),
        audience: "greffier".to_owned(),
        keys_url: None,
        groups_claim: "groups".to_owned(),
        assumes_verified: true,
    });
    let with = |said: Value| provider.token(|_, claims| claims["email_verified"] = said);
    assert!(trusting.check(&with(Value::Null)).is_ok());
    assert!(trusting.check(&with(json!(false))).is_err());
}

#[test]
fn a_provider_that_does_not_answer_holds_up_nobody_whose_key_is_known() {
    let provider = Provider::start();
    // It answers once, and from then on it takes calls and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let keys_url = format!("http://{}/keys", listener.local_addr().unwrap());
    let good = format!("{}/keys", provider.issuer);
    let (silent, fell_silent) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let mut request = [0; 2048];
        let _ = first.read(&mut request);
        let head = "HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\nconnection: close\r\n";
        let _ = first.write_all(format!("{head}location: {good}\r\n\r\n").as_bytes());
        drop(first);
        let held = listener.accept();
        silent.send(()).unwrap();
        std::thread::park_timeout(std::time::Duration::from_secs(60));
        drop(held);
    });
    let trusted = IdentityProvider::new(IdentityOptions {
        issuer: provider.issuer.clone(),
        audience: "greffier".to_owned(),
        keys_url: Some(keys_url),
        groups_claim: "groups".to_owned(),
        assumes_verified: false,
    });
    let (known, unknown) = (
        provider.token(|_, _| {}),
        provider.token(|header, _| header.kid = Some("k9".to_owned())),
    );
    assert!(trusted.check(&known).is_ok());
    // What was fetched a moment ago is not asked for again.
    assert!(matches!(trusted.check(&unknown), Err(IdentityError::Refused(_))));
    std::thread::park_timeout(std::time::Duration::from_millis(10_100));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| trusted.check(&unknown));
        fell_silent.recv().unwrap();
        assert!(trusted.check(&known).is_ok());
        assert!(!asking.is_finished(), "while another waits for the provider");
        assert!(matches!(asking.join().unwrap(), Err(IdentityError::Unreachable)));
    });
    assert!(trusted.check(&known).is_ok());
}
