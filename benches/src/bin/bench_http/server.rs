//! The server as a process: started, asked whether it is ready, weighed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

/// The server; ended when this is dropped.
pub(crate) struct Server {
    process: Child,
    /// `http://` and where it listens.
    pub(crate) address: String,
    /// From the start of the process until it said that it can be asked.
    pub(crate) started_s: f64,
}

impl Server {
    pub(crate) fn start(greffier: &Path, library: &Path, models: &Path) -> Result<Self> {
        let began = Instant::now();
        let mut process = Command::new(greffier)
            .args(["--quiet", "serve", "--anonymous", "--listen", "127.0.0.1:0"])
            .env("GREFFIER_LIBRARY", library)
            .env("GREFFIER_MODELS", models)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `{}`", greffier.display()))?;
        let mut log = BufReader::new(process.stderr.take().context("the log is piped")?);
        let mut server = Self {
            process,
            address: String::new(),
            started_s: 0.0,
        };
        let mut line = String::new();
        while server.address.is_empty() {
            line.clear();
            ensure!(log.read_line(&mut line)? > 0, "the server ended before it was ready");
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "ready" {
                server.address = format!("http://{}", event["address"].as_str().unwrap_or_default());
            }
        }
        // A pipe that nobody empties would stop the server.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        server.readiness()?;
        server.started_s = began.elapsed().as_secs_f64();
        Ok(server)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Whether search goes by meaning too.
    pub(crate) fn has_encoder(&self) -> Result<bool> {
        Ok(self.readiness()?["sentence_encoder"] == true)
    }

    /// In megabytes: what is resident, of that what is its own and no file, and its share of what is mapped by several.
    pub(crate) fn memory(&self) -> Result<Value> {
        let file = |name| std::fs::read_to_string(format!("/proc/{}/{name}", self.process_id()));
        let (status, rollup) = (file("status")?, file("smaps_rollup")?);
        let mut memory = Map::new();
        for (name, text, key) in [
            ("resident", &status, "VmRSS:"),
            ("own", &status, "RssAnon:"),
            ("proportional", &rollup, "Pss:"),
        ] {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .with_context(|| key)?;
            let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
            memory.insert(name.to_owned(), (kilobytes / 1024).into());
        }
        Ok(memory.into())
    }

    fn readiness(&self) -> Result<Value> {
        let mut answer = ureq::get(format!("{}/ready", self.address)).call()?;
        Ok(answer.body_mut().read_json()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
