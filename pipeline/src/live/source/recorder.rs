//! A recorder of the system as a child process that writes raw samples: no sound library is linked, and any will do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::pcm::PcmFormat;
use crate::live::stop::Stop;

/// Ctrl-C reaches the recorder too; how much sooner it may end than it is known here.
const CTRL_C: Duration = Duration::from_millis(300);

/// A running recorder.
pub(super) struct Recorder {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Recorder {
    /// Starts the shell command `command`, or the first recorder that is found. What it says goes to the file `log`.
    ///
    /// # Errors
    /// When there is none: the packages that have one are named.
    pub(super) fn start(command: Option<&str>, format: PcmFormat, log: &Path) -> anyhow::Result<Self> {
        let (mut process, name) = match command {
            Some(command) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", command]);
                (shell, command.to_owned())
            }
            None => found(format)?,
        };
        let said = File::create(log).with_context(|| format!("writing `{}`", log.display()))?;
        let child = process
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .with_context(|| format!("starting the recorder `{name}`"))?;
        Ok(Self {
            child,
            name,
            log: log.to_owned(),
        })
    }

    /// Where it writes samples.
    pub(super) fn output(&mut self) -> anyhow::Result<ChildStdout> {
        self.child
            .stdout
            .take()
            .context("the recorder's output was taken before")
    }

    /// Ends it if the end is asked for; else it has ended by itself.
    ///
    /// # Errors
    /// When it failed: what it said is passed on.
    pub(super) fn end(mut self, stop: &Stop) -> anyhow::Result<()> {
        if stop.is_asked() {
            let _ = self.child.kill();
        }
        let status = self
            .child
            .wait()
            .with_context(|| format!("waiting for `{}`", self.name))?;
        if status.success() || stop.wait_until(Instant::now() + CTRL_C) {
            return Ok(());
        }
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        bail!(
            "the recorder `{}` ended ({status}): {}; --recorder CMD takes another, which writes raw samples",
            self.name,
            said.trim().lines().last().unwrap_or("it said nothing")
        );
    }
}

/// The first recorder on the `PATH`.
fn found(format: PcmFormat) -> anyhow::Result<(Command, String)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (program, arguments) in candidates(format) {
        let is_there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        if is_there && (program != "pw-record" || writes_to_pipes(program)) {
            let mut command = Command::new(program);
            command.args(arguments);
            return Ok((command, program.to_owned()));
        }
    }
    bail!(
        "no recorder is installed: install alsa-utils (arecord), pulseaudio-utils (parec), pipewire-bin (pw-record, from \
         1.0 on) or ffmpeg; or give --recorder CMD, or pipe raw samples into `greffier live -`"
    );
}

/// What is looked for, in this order: sound servers first, which share the microphone with other programs.
fn candidates(format: PcmFormat) -> [(&'static str, Vec<String>); 4] {
    let (rate, channels) = (format.rate_hz, format.channels);
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    [
        (
            "pw-record",
            words(format!("--rate {rate} --channels {channels} --format s16 -")),
        ),
        (
            "parec",
            words(format!(
                "--raw --format=s16le --rate={rate} --channels={channels} --latency-msec=50"
            )),
        ),
        ("arecord", words(format!("-q -t raw -f S16_LE -r {rate} -c {channels}"))),
        (
            "ffmpeg",
            words(format!(
                "-loglevel error -f alsa -i default -ac {channels} -ar {rate} -f s16le -"
            )),
        ),
    ]
}

/// PipeWire's recorder writes raw samples to a pipe since 1.0 only.
fn writes_to_pipes(program: &str) -> bool {
    let Ok(output) = Command::new(program).arg("--version").output() else {
        return false;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    major_version(&said).is_some_and(|major| major >= 1)
}

fn major_version(said: &str) -> Option<u32> {
    let version = said.split_whitespace().find(|word| word.contains('.'))?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_pipewire_is_read() {
        let said =
            |version| format!("pw-record\nCompiled with libpipewire {version}\nLinked with libpipewire {version}\n");
        assert_eq!(major_version(&said("0.3.65")), Some(0));
        assert_eq!(major_version(&said("1.4.2")), Some(1));
        assert_eq!(major_version("?"), None);
    }
}
