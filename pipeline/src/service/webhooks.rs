//! Tells other programs that a job has ended, signed so that they can be sure who says so: the headers and the HMAC of
//! Standard Webhooks (standardwebhooks.com). What is to be told is on disk before it is sent, and is tried again for a
//! day; the receiver knows a message that comes twice by its id.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use sha2::Sha256;

use super::queue::{Job, JobState};
use super::store::{Store, fresh_id, now_ms, random, timestamp};

/// What a secret begins with, as Standard Webhooks writes it.
const SECRET_PREFIX: &str = "whsec_";
/// Waits between attempts; after the last the message is given up.
const WAITS_MS: [i64; 8] = [
    5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000, 21_600_000, 54_000_000,
];
/// Longest wait for the receiver.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// Names it, for removing.
    pub id: String,
    /// Where messages are posted.
    pub url: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A message that is to be sent.
struct Delivery {
    id: String,
    url: String,
    secret: String,
    body: String,
    attempts: usize,
}

/// The webhooks of a server and the messages that wait.
#[derive(Clone)]
pub struct Webhooks {
    store: Arc<Store>,
}

impl Webhooks {
    /// The webhooks in `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Adds one; the second value is its secret, which is shown this once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add(&self, url: &str) -> anyhow::Result<(Webhook, String)> {
        let secret = format!("{SECRET_PREFIX}{}", STANDARD.encode(random::<32>()));
        let webhook = Webhook {
            id: fresh_id(),
            url: url.to_owned(),
            created_at: timestamp(now_ms()),
        };
        self.store.connection().execute(
            "insert into webhooks (id, url, secret, created_at) values (?1, ?2, ?3, ?4)",
            params![webhook.id, webhook.url, secret, webhook.created_at.as_millisecond()],
        )?;
        Ok((webhook, secret))
    }

    /// All of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> anyhow::Result<Vec<Webhook>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare("select id, url, created_at from webhooks order by id")?;
        let rows = statement.query_map([], |row| {
            Ok(Webhook {
                id: row.get(0)?,
                url: row.get(1)?,
                created_at: timestamp(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes one with what waits for it; `false` when there is none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove(&self, id: &str) -> anyhow::Result<bool> {
        let connection = self.store.connection();
        connection.execute("delete from deliveries where webhook = ?1", [id])?;
        Ok(connection.execute("delete from webhooks where id = ?1", [id])? > 0)
    }

    /// Sends the next message that is due; `false` when none is.
    ///
    /// # Errors
    /// When the database cannot be read or written; a receiver that does not answer is no error.
    pub fn send_next(&self) -> anyhow::Result<bool> {
        let Some(delivery) = self.next_due()? else {
            return Ok(false);
        };
        let outcome = send(&delivery);
        let connection = self.store.connection();
        match outcome {
            Ok(()) => connection.execute("delete from deliveries where id = ?1", [&delivery.id])?,
            Err(error) => match WAITS_MS.get(delivery.attempts) {
                Some(wait_ms) => connection.execute(
                    "update deliveries set attempts = attempts + 1, not_before = ?2, error = ?3 where id = ?1",
                    params![delivery.id, now_ms() + wait_ms, format!("{error:#}")],
                )?,
                None => {
                    tracing::error!(
                        message = delivery.id,
                        error = format!("{error:#}"),
                        "a webhook is given up"
                    );
                    connection.execute("delete from deliveries where id = ?1", [&delivery.id])?
                }
            },
        };
        Ok(true)
    }

    fn next_due(&self) -> anyhow::Result<Option<Delivery>> {
        let connection = self.store.connection();
        let mut statement = connection.prepare_cached(
            "select d.id, w.url, w.secret, d.body, d.attempts from deliveries d join webhooks w on w.id = d.webhook
             where d.not_before <= ?1 order by d.not_before limit 1",
        )?;
        let row = statement.query_row([now_ms()], |row| {
            Ok(Delivery {
                id: row.get(0)?,
                url: row.get(1)?,
                secret: row.get(2)?,
                body: row.get(3)?,
                attempts: usize::try_from(row.get::<_, i64>(4)?).unwrap_or(usize::MAX),
            })
        });
        Ok(row.optional()?)
    }
}

/// Writes down that a job has ended, once per webhook, each time under an id of its own: a job that was given up may be
/// tried again. Names and states only, nothing of what was said. `connection` is in the transaction that ends the job, so
/// that both are written or none.
///
/// # Errors
/// When the database cannot be written.
pub(super) fn announce(connection: &Connection, job: &Job) -> anyhow::Result<()> {
    let kind = if job.state == JobState::Done {
        "job.done"
    } else {
        "job.dead"
    };
    let body = serde_json::json!({
        "type": kind,
        "timestamp": Timestamp::now(),
        "data": { "job": job.id, "state": job.state, "meetings": job.meetings, "file_name": job.parameters.file_name },
    })
    .to_string();
    let mut statement = connection.prepare_cached("select id from webhooks")?;
    let webhooks: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for webhook in webhooks {
        connection.execute(
            "insert into deliveries (id, webhook, body, not_before) values (?1, ?2, ?3, ?4)",
            params![fresh_id(), webhook, body, now_ms()],
        )?;
    }
    Ok(())
}

/// The value of `webhook-signature` for a message.
///
/// # Errors
/// When the secret is none of Standard Webhooks.
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> anyhow::Result<String> {
    let key = secret.strip_prefix(SECRET_PREFIX).context("the secret has no prefix")?;
    let mut hmac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key)?).context("the secret has no good length")?;
    hmac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes())))
}

fn send(delivery: &Delivery) -> anyhow::Result<()> {
    let seconds = Timestamp::now().as_second();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(SEND_TIMEOUT))
        .max_redirects(0)
        .build()
        .into();
    agent
        .post(&delivery.url)
        .header("content-type", "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", seconds.to_string())
        .header(
            "webhook-signature",
            signature(&delivery.secret, &delivery.id, seconds, &delivery.body)?,
        )
        .send(delivery.body.as_str())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::queue::{Lane, NewJob, Queue, Retry};
    use crate::service::run_parameters::RunParameters;

    #[test]
    fn each_end_of_a_job_is_told_once_under_an_id_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let webhooks = Webhooks::new(Arc::clone(&store));
        webhooks.add("http://127.0.0.1:9/hook").unwrap();
        let told = || -> Vec<(String, String)> {
            let connection = store.connection();
            let mut statement = connection
                .prepare("select id, body ->> 'type' from deliveries order by rowid")
                .unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let queue = Queue::open(Arc::clone(&store)).unwrap();
        let job = queue.submit(&NewJob {
            lane: Lane::Text,
            priority: 0,
            parameters: RunParameters::default(),
            owner: None,
            idempotency_key: None,
        });
        let id = job.unwrap().id;
        queue.take(Lane::Text).unwrap();
        queue.fail(&id, "no space left", Retry::Later).unwrap();
        assert_eq!(told(), [], "it is tried again");
        queue.fail(&id, "broken", Retry::Never).unwrap();
        assert!(queue.retry(&id).unwrap());
        // The process ends each time.
        for _ in 0..20 {
            queue.take(Lane::Text).unwrap();
            Queue::open(Arc::clone(&store)).unwrap();
        }
        assert!(queue.retry(&id).unwrap());
        queue.take(Lane::Text).unwrap();
        queue.finish(&id, &[]).unwrap();
        let kinds: Vec<String> = told().into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, ["job.dead", "job.dead", "job.done"]);
        let ids: std::collections::BTreeSet<String> = told().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // The example of the specification of Standard Webhooks.
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
