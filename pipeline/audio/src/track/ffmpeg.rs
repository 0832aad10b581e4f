//! Formats that the built-in decoders lack (WMA, AC-3, AMR, MPEG transport streams …), by the `ffmpeg` program where it
//! is installed.

use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;

use super::{CHANNELS_MAX, TrackInfo, TrackSource};
use crate::{BLOCK_SAMPLES, SAMPLE_RATE_HZ, Warning, block, pcm};

/// What ffmpeg may open: files that hold sound themselves. Playlists and scripts of other files are not among them: a
/// recording must not make it read what it names.
const FORMATS: &str = "aac,ac3,eac3,aiff,amr,ape,asf,au,avi,caf,dts,flac,flv,gsm,loas,matroska,webm,mov,mp3,mpeg,mpegts,\
                       ogg,rm,tak,tta,voc,w64,wav,wv,xwma";

/// How much of what ffmpeg complains about is kept, in bytes.
const COMPLAINT_MAX: u64 = 4096;

/// Why ffmpeg does not help.
pub(super) enum Unavailable {
    /// It is not installed.
    Missing,
    /// It does not know the file either, and says this.
    Refused(String),
}

#[derive(Deserialize)]
struct Probed {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    channels: usize,
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Format {
    duration: Option<String>,
}

#[derive(Default, Deserialize)]
struct Tags {
    title: Option<String>,
    language: Option<String>,
}

/// The audio tracks that ffmpeg finds in `path`.
pub(super) fn tracks(path: &Path) -> Result<Vec<TrackInfo>, Unavailable> {
    let entries = "stream=channels,duration:stream_tags=title,language:format=duration";
    let answer = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-protocol_whitelist",
            "file",
            "-format_whitelist",
            FORMATS,
        ])
        .args(["-select_streams", "a", "-show_entries", entries, "-of", "json", "-i"])
        .arg(file_url(path))
        .stdin(Stdio::null())
        .output();
    let answer = match answer {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Unavailable::Missing),
        Err(error) => return Err(Unavailable::Refused(error.to_string())),
        Ok(answer) => answer,
    };
    if !answer.status.success() {
        return Err(Unavailable::Refused(last_line(&answer.stderr)));
    }
    let probed: Probed =
        serde_json::from_slice(&answer.stdout).map_err(|error| Unavailable::Refused(error.to_string()))?;
    let whole = probed.format.duration.as_deref().and_then(seconds);
    Ok(probed
        .streams
        .into_iter()
        .filter(|stream| (1..=CHANNELS_MAX).contains(&stream.channels))
        .map(|stream| TrackInfo {
            name: stream.tags.title,
            language: stream.tags.language.filter(|language| language != "und"),
            channels: stream.channels,
            duration: stream.duration.as_deref().and_then(seconds).or(whole),
            delay: Duration::ZERO,
        })
        .collect())
}

/// Begins to read the audio track at `place` through a pipe.
pub(super) fn read_track(path: &Path, place: usize, channels: usize) -> Result<Box<dyn TrackSource>, String> {
    // Late starts and gaps become silence, as in the built-in decoders.
    let filter = format!("aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0");
    let mut child = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-protocol_whitelist",
            "file",
            "-format_whitelist",
            FORMATS,
            "-i",
        ])
        .arg(file_url(path))
        .args([
            "-map",
            &format!("0:a:{place}"),
            "-af",
            &filter,
            "-ac",
            &channels.to_string(),
        ])
        .args(["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ffmpeg cannot be started: {error}"))?;
    let sound = child.stdout.take().ok_or("ffmpeg has no output")?;
    let mut complaints = child.stderr.take().ok_or("ffmpeg has no error output")?;
    // Read beside the sound, else ffmpeg would stop when the pipe of its complaints is full.
    let complaints = std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = complaints.by_ref().take(COMPLAINT_MAX).read_to_end(&mut kept);
        let _ = std::io::copy(&mut complaints, &mut std::io::sink());
        last_line(&kept)
    });
    Ok(Box::new(PipedTrack {
        child,
        sound: BufReader::new(sound),
        complaints: Some(complaints),
        place,
        bytes: vec![0; BLOCK_SAMPLES * channels * 4],
        position: 0,
        warnings: Vec::new(),
        ended: false,
    }))
}

struct PipedTrack {
    child: Child,
    sound: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
    place: usize,
    /// One block of all channels, interleaved floats.
    bytes: Vec<u8>,
    /// Samples read so far.
    position: u64,
    warnings: Vec<Warning>,
    ended: bool,
}

impl PipedTrack {
    fn end(&mut self) {
        self.ended = true;
        let complaint = self
            .complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        let failed = !self.child.wait().is_ok_and(|status| status.success());
        if failed || !complaint.is_empty() {
            self.warnings.push(Warning::Truncated {
                track: self.place + 1,
                at: block::duration_of(self.position),
                declared: None,
                reason: format!("ffmpeg: {complaint}"),
            });
        }
    }
}

impl TrackSource for PipedTrack {
    fn read(&mut self, out: &mut [Vec<f32>]) -> bool {
        if self.ended {
            return false;
        }
        let frame = out.len() * 4;
        let mut filled = 0;
        while filled < self.bytes.len() {
            match self.sound.read(&mut self.bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        for frame in self.bytes[..filled].chunks_exact(frame) {
            for (sample, out) in frame.chunks_exact(4).zip(out.iter_mut()) {
                let sample = f32::from_le_bytes(sample.try_into().expect("chunks of four bytes"));
                out.push(pcm::clean(sample));
            }
        }
        self.position += (filled / frame) as u64;
        if filled < self.bytes.len() {
            self.end();
        }
        !self.ended
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}

impl Drop for PipedTrack {
    /// Whoever stops reading early must not leave a process behind.
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A name that ffmpeg takes for a file even when it begins with a dash or looks like an address.
fn file_url(path: &Path) -> std::ffi::OsString {
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    url
}

fn seconds(written: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(written.parse().ok()?)
        .ok()
        .filter(|length| !length.is_zero())
}

fn last_line(complaints: &[u8]) -> String {
    String::from_utf8_lossy(complaints)
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .to_owned()
}
