//! Who took the processors: the server, the makers of the load, and everybody else on the machine.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Linux counts the time of processes in hundredths of a second, whatever the kernel's own clock is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time since the machine and the processes began, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessorTime {
    server: f64,
    makers: f64,
    machine: f64,
}

impl ProcessorTime {
    pub(crate) fn now(server: u32) -> Result<Self> {
        Ok(Self {
            server: of_process(&server.to_string())?,
            makers: of_process("self")?,
            machine: of_machine()?,
        })
    }

    /// What was taken since `before`, over `requests`.
    pub(crate) fn since(self, before: Self, requests: usize) -> Value {
        let (server, makers) = (self.server - before.server, self.makers - before.makers);
        let each_ms = |seconds: f64| 1e3 * seconds / requests.max(1) as f64;
        json!({
            "server_ms_each": each_ms(server),
            "load_maker_ms_each": each_ms(makers),
            "server_s": server,
            "others_s": (self.machine - before.machine - server - makers).max(0.0),
        })
    }
}

fn of_process(id: &str) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name before it may hold anything, the parenthesis included.
    let (_, fields) = stat.rsplit_once(')').context("no process stat")?;
    Ok(sum(fields.split_whitespace().skip(11).take(2)))
}

/// Busy, which is neither idle nor waiting for a disk; what other guests took of the host is not there to be had.
fn of_machine() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("no machine stat")?;
    let fields: Vec<&str> = line.split_whitespace().skip(1).collect();
    let busy = fields
        .iter()
        .take(8)
        .enumerate()
        .filter(|(field, _)| !matches!(field, 3 | 4));
    Ok(sum(busy.map(|(_, value)| *value)))
}

fn sum<'a>(ticks: impl Iterator<Item = &'a str>) -> f64 {
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}
