//! Recordings of which players leave some out, mixed to one lane for them: the first time that somebody listens, and gone a
//! day after the last. They lie beside the journals of transcriptions and go with these when a meeting or its recording
//! does.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use audio::{LaneReader, WavFile};
use datasets::library::Library;
use datasets::{Meeting, Source};

use crate::stages::transcribe::is_recording;

/// How long a mix is kept that nobody listens to.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// What the names of mixes end with, after the SHA-256 of the recording.
const SUFFIX: &str = ".mix.wav";

/// The mixes of a library.
pub struct Mixes {
    library: Library,
    known: Mutex<HashMap<String, Known>>,
}

/// What is known of a recording.
#[derive(Clone, Copy, Debug)]
struct Known {
    is_played_in_part: bool,
    used: Option<Instant>,
}

impl Mixes {
    /// The mixes of `library`; none is made yet.
    pub fn new(library: Library) -> Self {
        Self {
            library,
            known: Mutex::default(),
        }
    }

    /// Whether players leave some of the meeting's recording out. The first time its head is read.
    pub fn is_needed(&self, meeting: &Meeting) -> bool {
        let Some((source, path)) = self.source(meeting) else {
            return false;
        };
        let known = self.known().get(&source.sha256).copied();
        let known = known.unwrap_or_else(|| Known {
            // What cannot be read cannot be mixed.
            is_played_in_part: LaneReader::is_played_in_part(&path).unwrap_or(false),
            used: None,
        });
        self.known()
            .entry(source.sha256.clone())
            .or_insert(known)
            .is_played_in_part
    }

    /// The mix of the meeting's recording, if there is one by now.
    pub fn find(&self, meeting: &Meeting) -> Option<PathBuf> {
        let (source, _) = self.source(meeting)?;
        let path = self.path(source);
        if !path.is_file() {
            return None;
        }
        if let Some(known) = self.known().get_mut(&source.sha256) {
            known.used = Some(Instant::now());
        }
        Some(path)
    }

    /// Makes the mix of the meeting's recording. One caller at a time.
    ///
    /// # Errors
    /// When there is no recording, it cannot be decoded, or the disk is full.
    pub fn make(&self, meeting: &Meeting) -> anyhow::Result<()> {
        let (source, recording) = self.source(meeting).context("there is no recording")?;
        let path = self.path(source);
        fs::create_dir_all(self.library.work_folder())?;
        let mut mix = WavFile::create(&path)?;
        let mut sum = Vec::new();
        for block in LaneReader::open(&recording)? {
            sum.clear();
            sum.resize(block.len, 0.0_f32);
            // People speak in turns: where they do not, what is too loud is cut, which is better than all too quiet.
            for lane in &block.lanes {
                sum.iter_mut()
                    .zip(&lane.samples)
                    .for_each(|(sum, sample)| *sum += sample);
            }
            mix.write(&sum)?;
        }
        Ok(mix.finish()?)
    }

    /// Removes what nobody has listened to for a day.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn expire(&self) -> anyhow::Result<()> {
        let Ok(entries) = fs::read_dir(self.library.work_folder()) else {
            return Ok(());
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((sha256, _)) = name.split_once(SUFFIX) else {
                continue;
            };
            let used = self.known().get(sha256).and_then(|known| known.used);
            let is_used = used.is_some_and(|used| used.elapsed() < KEPT);
            if !is_used && is_old(&entry.path()) {
                fs::remove_file(entry.path()).with_context(|| format!("removing the mix `{name}`"))?;
            }
        }
        Ok(())
    }

    fn source<'a>(&self, meeting: &'a Meeting) -> Option<(&'a Source, PathBuf)> {
        let source = meeting.source.as_ref().filter(|source| !source.sha256.is_empty())?;
        let path = self.library.source_file(meeting)?;
        is_recording(&path).unwrap_or(false).then_some((source, path))
    }

    fn path(&self, source: &Source) -> PathBuf {
        self.library.work_folder().join(format!("{}{SUFFIX}", source.sha256))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_old(path: &Path) -> bool {
    let made = fs::metadata(path).and_then(|file| file.modified());
    let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
    age.is_some_and(|age| age > KEPT)
}

#[cfg(test)]
mod tests {
    use datasets::library::LibraryWriter;

    use super::*;

    #[test]
    fn a_mix_holds_all_lanes_and_goes_when_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let library = LibraryWriter::open(folder.path()).unwrap().library().clone();
        let mut meeting = Meeting::new(datasets::MeetingId::new("weekly"), "Weekly");
        meeting.source = Some(Source {
            file_name: "weekly.wav".to_owned(),
            sha256: "f00d".to_owned(),
        });
        let sources = folder.path().join("meetings/weekly/source");
        fs::create_dir_all(&sources).unwrap();
        // Three people, one after the other.
        let mut recording = WavFile::with_channels(&sources.join("weekly.wav"), 3).unwrap();
        let tone = |at: usize| (at as f32 * 0.3).sin() * 0.5;
        let frames = (0..48_000).flat_map(|at| (0..3).map(move |who| if at / 16_000 == who { tone(at) } else { 0.0 }));
        recording.write(&frames.collect::<Vec<f32>>()).unwrap();
        recording.finish().unwrap();

        let mixes = Mixes::new(library);
        assert!(mixes.is_needed(&meeting) && mixes.find(&meeting).is_none());
        mixes.make(&meeting).unwrap();
        let path = mixes.find(&meeting).unwrap();
        for block in LaneReader::open(&path).unwrap() {
            let loud = block.lanes[0]
                .samples
                .iter()
                .filter(|sample| sample.abs() > 0.2)
                .count();
            assert!(loud > block.len / 3, "{loud} of {} at {}", block.len, block.start);
        }
        let long_ago = SystemTime::now() - 2 * KEPT;
        let made_long_ago = || {
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(long_ago)
                .unwrap()
        };
        made_long_ago();
        mixes.expire().unwrap();
        assert!(path.exists(), "somebody listened a moment ago");
        mixes.known().clear();
        mixes.expire().unwrap();
        assert!(!path.exists());
    }
}
