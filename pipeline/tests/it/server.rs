//! A running `greffier serve` for tests, and calls to it.

use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::workbench::Workbench;

/// How long a test waits for what a server does by itself.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server on a port of its own; killed when dropped. It is asked through its [`Caller`].
pub(crate) struct Server {
    process: Child,
    caller: Caller,
    complaints: Arc<Mutex<Vec<String>>>,
}

/// Where a server listens, and the token that it is asked with.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) address: String,
    token: Option<String>,
}

/// An answer: status, headers by name, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Deref for Server {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Server {
    pub(crate) fn start(bench: &Workbench, arguments: &[&str]) -> Self {
        let mut process = bench
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server ended: {said:#?}")
            };
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "ready" {
                break event["address"].as_str().unwrap().to_owned();
            }
            said.push(line);
        };
        said.retain(|line| is_complaint(line));
        let complaints = Arc::new(Mutex::new(said));
        // A pipe that nobody empties would stop the server.
        let heard = Arc::clone(&complaints);
        std::thread::spawn(move || {
            let complaints = lines.map_while(Result::ok).filter(|line| is_complaint(line));
            complaints.for_each(|line| heard.lock().unwrap().push(line));
        });
        Self {
            process,
            caller: Caller {
                address: format!("http://{address}"),
                token: None,
            },
            complaints,
        }
    }

    /// The same server, asked with a token from now on.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.caller.token = Some(token.trim().to_owned());
        self
    }

    /// What it has logged of its own faults so far.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }

    /// Ends the server as a crash would.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let told = std::process::Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        assert!(told.unwrap().success());
        self.process.wait().unwrap()
    }
}

/// Whether a line of the log tells of a fault of the program.
fn is_complaint(line: &str) -> bool {
    line.contains("\"level\":\"ERROR\"") || line.contains("panicked")
}

impl Caller {
    /// The token that the server is asked with.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same server, asked with another token.
    pub(crate) fn asking_with(&self, token: &str) -> Self {
        Self {
            address: self.address.clone(),
            token: Some(token.trim().to_owned()),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], &[])
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(
            method,
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_call(method, path, headers, body).unwrap()
    }

    /// The same, of a server that may go away meanwhile.
    pub(crate) fn try_call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        // Some methods have no body at all, which is not the same as an empty one.
        let has_body = matches!(method, "POST" | "PUT" | "PATCH");
        let mut response = if has_body {
            agent.run(request.body(body.to_vec()).unwrap())?
        } else {
            agent.run(request.body(()).unwrap())?
        };
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_vec()?,
        })
    }

    /// Uploads a file; a job makes a meeting of it.
    pub(crate) fn upload(&self, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        self.send_form("/v1/meetings", name, content, fields)
    }

    /// Posts a form with a file.
    pub(crate) fn send_form(&self, path: &str, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        let (media_type, body) = form(name, content, fields);
        self.call("POST", path, &[("content-type", &media_type)], &body)
    }

    /// The job once it has ended.
    pub(crate) fn ended(&self, job: &str) -> Value {
        let state = || self.get(&format!("/v1/jobs/{job}")).json();
        self.until(job, || matches!(state()["state"].as_str(), Some("done" | "dead")));
        state()
    }

    /// Waits until `is_so`, which `what` names.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < until, "{what}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// Media type and body of a form with a file.
pub(crate) fn form(name: &str, content: &[u8], fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    const EDGE: &str = "------------------------edge";
    let mut body = Vec::new();
    for (field, value) in fields {
        body.extend(format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(content);
    body.extend(format!("\r\n--{EDGE}--\r\n").bytes());
    (format!("multipart/form-data; boundary={EDGE}"), body)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
