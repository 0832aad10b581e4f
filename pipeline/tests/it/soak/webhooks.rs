//! A receiver who is told of the end of every job, and others who come and go.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use super::clients::text;
use super::ledger::Fate;
use super::load::{Deed, Load, Unanswered};
use super::random::Random;

/// Nobody listens here.
const NOWHERE: &str = "http://127.0.0.1:9/hook";

/// The jobs whose end was told.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<BTreeSet<String>>>);

impl Told {
    /// Listens from now on, and gives the address.
    pub(super) fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let told = self.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let hear = move |body: String| async move {
                let message: Value = serde_json::from_str(&body).unwrap();
                if message["type"] == "job.done" {
                    told.0.lock().unwrap().insert(text(&message["data"]["job"]));
                }
                StatusCode::NO_CONTENT
            };
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().route("/hook", post(hear))).await
            })
        });
        address
    }

    pub(super) fn holds(&self, job: &str) -> bool {
        self.0.lock().unwrap().contains(job)
    }
}

/// Adds and removes receivers until the load is over.
pub(super) fn register(load: &Load, mut random: Random, _: &[Vec<i16>]) {
    while !load.is_over() {
        let known: Vec<String> = {
            let ledger = load.ledger();
            let known = ledger.webhooks.iter().filter(|(_, fate)| **fate == Fate::Stands);
            known.map(|(id, _)| id.clone()).collect()
        };
        // Each is told of each job: a few are enough.
        if known.len() >= 3 {
            remove(load, &random.choose(known).unwrap());
        } else if let Ok(answer) = load.send(Deed::Correct, "POST", "/v1/webhooks", &json!({ "url": NOWHERE })) {
            load.ledger().webhooks.insert(text(&answer.json()["id"]), Fate::Stands);
        }
        for _ in 0..4 {
            load.pause(&mut random);
        }
    }
}

fn remove(load: &Load, id: &str) {
    let fate = match load.call(Deed::Delete, "DELETE", &format!("/v1/webhooks/{id}"), &[], &[]) {
        Ok(answer) if answer.status == 204 => Fate::Gone,
        Ok(answer) => {
            return load.fault(format!(
                "the webhook {id} is removed with {} {}",
                answer.status,
                answer.text()
            ));
        }
        Err(Unanswered::Busy) => return,
        Err(Unanswered::Killed) => Fate::PerhapsGone,
    };
    load.ledger().webhooks.insert(id.to_owned(), fate);
}
