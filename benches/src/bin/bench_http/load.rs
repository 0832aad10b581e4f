//! Many clients at once, each on a connection that stays open. A client is a thread, which mostly sleeps; of the answers it
//! looks at the status alone.

use std::collections::BTreeMap;
use std::io::{copy, sink};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use ureq::Agent;

use crate::processors::ProcessorTime;
use crate::requests::Request;
use crate::server::Server;

/// Longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each client sends the next when it has the answer to the last.
    Closed,
    /// So many a second, of all clients together.
    PerSecond(f64),
}

/// What is asked of the server, and how.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) server: &'a Server,
    pub(crate) token: Option<&'a str>,
    pub(crate) requests: &'a [Request],
    pub(crate) clients: usize,
    pub(crate) length: Duration,
    pub(crate) pace: Pace,
}

/// What was answered.
struct Answer {
    /// The kind of the request.
    kind: &'static str,
    /// 0 for no answer.
    status: u16,
    took_ms: f64,
}

impl Load<'_> {
    pub(crate) fn run(&self) -> Result<Value> {
        let before = ProcessorTime::now(self.server.process_id())?;
        let began = Instant::now();
        let answers = std::thread::scope(|scope| {
            let start = |client| scope.spawn(move || self.ask(client, began));
            let clients: Vec<_> = (0..self.clients).map(start).collect();
            let ended = clients.into_iter().map(|client| client.join().ok());
            ended.collect::<Option<Vec<Vec<Answer>>>>()
        });
        let answers: Vec<Answer> = answers.context("a client broke down")?.into_iter().flatten().collect();
        let seconds = began.elapsed().as_secs_f64();
        let after = ProcessorTime::now(self.server.process_id())?;
        let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
        for answer in &answers {
            kinds.entry(answer.kind).or_default().push(answer.took_ms);
            *statuses.entry(answer.status.to_string()).or_default() += 1;
        }
        let kinds: BTreeMap<&str, Value> = kinds.into_iter().map(|(kind, took)| (kind, times(took))).collect();
        Ok(json!({
            "per_second": answers.len() as f64 / seconds,
            "statuses": statuses,
            "times": times(answers.iter().map(|answer| answer.took_ms).collect()),
            "kinds": kinds,
            "processors": after.since(before, answers.len()),
        }))
    }

    /// Asks until the time is over, beginning at a place of the requests of its own.
    fn ask(&self, client: usize, began: Instant) -> Vec<Answer> {
        let config = Agent::config_builder().http_status_as_error(false);
        let agent: Agent = config.timeout_global(Some(ANSWER_MAX)).build().into();
        let first = self.requests.len() / self.clients * client;
        let mut answers = Vec::new();
        for (turn, request) in self.requests.iter().cycle().skip(first).enumerate() {
            let due = match self.pace {
                Pace::Closed => began.elapsed(),
                Pace::PerSecond(rate) => Duration::from_secs_f64((turn * self.clients + client) as f64 / rate),
            };
            if due.max(began.elapsed()) >= self.length {
                break;
            }
            wait(due.saturating_sub(began.elapsed()));
            let status = self.send(&agent, request).unwrap_or(0);
            answers.push(Answer {
                kind: request.kind,
                status,
                took_ms: (began.elapsed() - due).as_secs_f64() * 1e3,
            });
        }
        answers
    }

    fn send(&self, agent: &Agent, request: &Request) -> Result<u16> {
        let address = format!("{}{}", self.server.address, request.path);
        let token = self.token.map(|token| format!("Bearer {token}"));
        let mut answer = match &request.body {
            None => with_token(agent.get(address), token.as_deref()).call()?,
            Some(body) => with_token(agent.post(address), token.as_deref())
                .content_type("application/json")
                .send(body)?,
        };
        // To the end, or the connection could not be used again.
        copy(&mut answer.body_mut().as_reader(), &mut sink())?;
        Ok(answer.status().as_u16())
    }
}

/// Until a request is due, or a process has come to rest.
#[expect(clippy::disallowed_methods, reason = "a load comes by the clock")]
pub(crate) fn wait(time: Duration) {
    std::thread::sleep(time);
}

fn with_token<B>(request: ureq::RequestBuilder<B>, token: Option<&str>) -> ureq::RequestBuilder<B> {
    match token {
        Some(token) => request.header("authorization", token),
        None => request,
    }
}

fn times(mut took_ms: Vec<f64>) -> Value {
    took_ms.sort_unstable_by(f64::total_cmp);
    let last = took_ms.len().saturating_sub(1);
    let at = |percent: usize| took_ms.get((took_ms.len() * percent / 100).min(last));
    json!({ "requests": took_ms.len(), "p50_ms": at(50), "p95_ms": at(95), "p99_ms": at(99), "max_ms": took_ms.last() })
}
