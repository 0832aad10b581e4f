//! References of a folder: who spoke when in which recording, as people wrote it down.
//!
//! - `*.rttm` (NIST): turns, of one recording or of many. Each line of kind `SPEAKER` must be whole.
//! - `*.uem` (NIST): which time of a recording was annotated; without one it is all of it.
//! - `test_data.json` (Picovoice): `tests.diarization_tests`, each with `audio_file` and `segments`.
//!
//! The sound of a recording is the file of its name (`dev00.flac`, `ES2004a.Mix-Headset.wav`): beside the reference, else
//! anywhere in the folder. A reference of one recording may lie beside the only sound of its folder under another name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use datasets::formats::ReadFileError;
use datasets::formats::rttm::{self, SpeakerTurn};
use datasets::{MediaTime, SpeakerLabel, TimeSpan};
use serde::Deserialize;
use walkdir::WalkDir;

/// What sound is kept in.
const SOUND: [&str; 17] = [
    "wav", "flac", "mp3", "m4a", "mp4", "mka", "mkv", "webm", "ogg", "oga", "opus", "aac", "aif", "aiff", "caf", "wma",
    "mov",
];

/// A recording and who speaks in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Its name in the reference.
    pub recording: String,
    /// Where its sound lies.
    pub sound: PathBuf,
    /// Who spoke when.
    pub turns: Vec<SpeakerTurn>,
    /// Which time was annotated; `None` for all.
    pub annotated: Option<Vec<TimeSpan>>,
}

impl Reference {
    /// How many speak.
    pub fn speakers(&self) -> usize {
        super::speakers(&self.turns)
    }
}

/// The references of a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// Those whose sound is there, by file and name.
    pub recordings: Vec<Reference>,
    /// Names of those whose sound is not.
    pub without_sound: Vec<String>,
}

/// References could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadReferencesError {
    /// A folder or file could not be opened, or is no text.
    #[error("cannot read {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a reference is broken.
    #[error(transparent)]
    Rttm(#[from] ReadFileError),
    /// A line of a UEM file is broken.
    #[error("{}:{line}: {found:?} is not `recording channel start end`, times in seconds", path.display())]
    Uem {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A `test_data.json` is broken.
    #[error("{} is not a test_data.json of Picovoice", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// There is nothing to measure against.
    #[error("{}: no recording with both its sound and a reference (*.rttm) is in this folder{}", folder.display(), lost(without_sound))]
    Empty {
        /// The folder.
        folder: PathBuf,
        /// Recordings with a reference alone.
        without_sound: Vec<String>,
    },
}

/// Reads all references below `folder`.
///
/// # Errors
/// When one is broken (file and line are named), or there is none with its sound.
pub fn read_references(folder: &Path) -> Result<References, ReadReferencesError> {
    let files = files_below(folder)?;
    let (mut found, mut annotated) = (Vec::new(), BTreeMap::new());
    for path in &files {
        match extension(path).as_str() {
            "rttm" => found.extend(rttm_file(path)?),
            "uem" => annotated.extend(uem_file(path)?),
            "json" if path.ends_with("test_data.json") => found.extend(picovoice_file(path)?),
            _ => {}
        }
    }
    let sounds: Vec<&PathBuf> = files
        .iter()
        .filter(|path| SOUND.contains(&extension(path).as_str()))
        .collect();
    let mut references = References::default();
    for one in found {
        match one.sound(&sounds) {
            Some(sound) => references.recordings.push(Reference {
                annotated: annotated.get(&one.recording).cloned(),
                recording: one.recording,
                sound,
                turns: one.turns,
            }),
            None => references.without_sound.push(one.recording),
        }
    }
    if references.recordings.is_empty() {
        return Err(ReadReferencesError::Empty {
            folder: folder.to_owned(),
            without_sound: references.without_sound,
        });
    }
    Ok(references)
}

/// A recording in a file of references.
struct Found {
    file: PathBuf,
    recording: String,
    turns: Vec<SpeakerTurn>,
    /// Whether the file tells of no other recording.
    is_only: bool,
}

impl Found {
    fn sound(&self, sounds: &[&PathBuf]) -> Option<PathBuf> {
        let folder = self.file.parent();
        let beside: Vec<&PathBuf> = sounds.iter().copied().filter(|path| path.parent() == folder).collect();
        let named = |path: &&&PathBuf| is_named(path, &self.recording);
        let only = match beside.as_slice() {
            [only] if self.is_only => Some(*only),
            _ => None,
        };
        let found = beside.iter().find(named).or_else(|| sounds.iter().find(named)).copied();
        found.or(only).cloned()
    }
}

/// Whether the file is `recording.wav`, `recording.Mix-Headset.wav` or the like.
fn is_named(path: &Path, recording: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == recording || name.strip_prefix(recording).is_some_and(|rest| rest.starts_with('.'))
}

fn rttm_file(path: &Path) -> Result<Vec<Found>, ReadReferencesError> {
    let recordings = rttm::reference_turns(&path.to_string_lossy(), &text_of(path)?)?;
    let is_only = recordings.len() == 1;
    let found = recordings.into_iter().map(|(recording, turns)| Found {
        file: path.to_owned(),
        recording,
        turns,
        is_only,
    });
    Ok(found.collect())
}

fn uem_file(path: &Path) -> Result<BTreeMap<String, Vec<TimeSpan>>, ReadReferencesError> {
    let mut recordings: BTreeMap<String, Vec<TimeSpan>> = BTreeMap::new();
    for (line, text) in (1..).zip(text_of(path)?.lines()) {
        if text.trim().is_empty() || text.starts_with(";;") {
            continue;
        }
        let (recording, span) = uem_line(text).ok_or_else(|| ReadReferencesError::Uem {
            path: path.to_owned(),
            line,
            found: text.to_owned(),
        })?;
        recordings.entry(recording).or_default().push(span);
    }
    Ok(recordings)
}

fn uem_line(line: &str) -> Option<(String, TimeSpan)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [recording, _, start, end] = fields.as_slice() else {
        return None;
    };
    let (start, end): (f64, f64) = (start.parse().ok()?, end.parse().ok()?);
    let is_time = start.is_finite() && end.is_finite() && start <= end;
    let span = TimeSpan::new(MediaTime::from_seconds(start), MediaTime::from_seconds(end));
    is_time.then(|| ((*recording).to_owned(), span))
}

fn picovoice_file(path: &Path) -> Result<Vec<Found>, ReadReferencesError> {
    #[derive(Deserialize)]
    struct File {
        tests: Tests,
    }
    #[derive(Deserialize)]
    struct Tests {
        #[serde(default)]
        diarization_tests: Vec<Test>,
    }
    #[derive(Deserialize)]
    struct Test {
        audio_file: String,
        #[serde(default)]
        segments: Vec<Segment>,
    }
    #[derive(Deserialize)]
    struct Segment {
        start_sec: f64,
        end_sec: f64,
        speaker_tag: u32,
    }
    let file: File = serde_json::from_str(&text_of(path)?).map_err(|source| ReadReferencesError::Json {
        path: path.to_owned(),
        source,
    })?;
    let turn = |segment: Segment| SpeakerTurn {
        speaker: SpeakerLabel::new(segment.speaker_tag.to_string()),
        span: TimeSpan::new(
            MediaTime::from_seconds(segment.start_sec),
            MediaTime::from_seconds(segment.end_sec),
        ),
    };
    // Tests of other kinds give words and no segments.
    let tests = file
        .tests
        .diarization_tests
        .into_iter()
        .filter(|test| !test.segments.is_empty());
    let found = tests.map(|test| Found {
        file: path.to_owned(),
        recording: test.audio_file,
        turns: test.segments.into_iter().map(turn).collect(),
        is_only: false,
    });
    Ok(found.collect())
}

fn files_below(folder: &Path) -> Result<BTreeSet<PathBuf>, ReadReferencesError> {
    let walk = WalkDir::new(folder).follow_links(true).into_iter();
    let mut files = BTreeSet::new();
    for entry in walk {
        let entry = entry.map_err(|error| ReadReferencesError::Io {
            path: error.path().unwrap_or(folder).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_file() {
            files.insert(entry.into_path());
        }
    }
    Ok(files)
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

fn text_of(path: &Path) -> Result<String, ReadReferencesError> {
    std::fs::read_to_string(path).map_err(|source| ReadReferencesError::Io {
        path: path.to_owned(),
        source,
    })
}

fn lost(without_sound: &[String]) -> String {
    if without_sound.is_empty() {
        String::new()
    } else {
        format!("; there is no sound for {}", without_sound.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<References, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut found = read_references(folder.path()).map_err(|error| error.to_string())?;
        for reference in &mut found.recordings {
            reference.sound = reference.sound.strip_prefix(folder.path()).unwrap().to_owned();
        }
        Ok(found)
    }

    const TURN: &str = "SPEAKER a 1 0.5 1.5 <NA> <NA> ann <NA> <NA>\n";

    fn sounds(found: &References) -> Vec<&str> {
        found
            .recordings
            .iter()
            .map(|reference| reference.sound.to_str().unwrap())
            .collect()
    }

    #[test]
    fn the_sound_is_found_by_the_recordings_name() {
        let two = format!("{TURN}SPEAKER b 1 0 1 <NA> <NA> bob <NA> <NA>\nSPEAKER c 1 0 1 <NA> <NA> bob <NA>\n");
        let found = read(&[
            ("refs/all.rttm", &two),
            ("refs/all.uem", "a 1 0.25 9\n;; note\na NA 10 20\n"),
            ("sound/a.Mix-Headset.wav", ""),
            ("sound/ab.wav", ""),
            ("other/b.flac", ""),
        ])
        .unwrap();
        assert_eq!(sounds(&found), ["sound/a.Mix-Headset.wav", "other/b.flac"]);
        assert_eq!(found.without_sound, ["c"]);
        let annotated = found.recordings[0].annotated.as_ref().unwrap();
        assert_eq!((annotated[0].start.0, annotated[1].end.0), (250, 20_000));
        assert_eq!(found.recordings[1].annotated, None);
    }

    #[test]
    fn the_only_sound_beside_a_reference_of_one_recording_may_bear_another_name() {
        let found = read(&[("x/a.rttm", TURN), ("x/test_a.wav", ""), ("y/other.wav", "")]).unwrap();
        assert_eq!(sounds(&found), ["x/test_a.wav"]);
        let error = read(&[("x/a.rttm", TURN), ("x/b.wav", ""), ("x/c.wav", "")]).unwrap_err();
        assert!(error.contains("no sound for a"), "{error}");
    }

    #[test]
    fn picovoice_segments_are_read() {
        let json = r#"{"tests":{"diarization_tests":[{"audio_file":"test.wav",
            "segments":[{"start_sec":1.7,"end_sec":3.9,"speaker_tag":1}]},{"audio_file":"words.wav"}]}}"#;
        let found = read(&[("p/test_data.json", json), ("p/test.wav", ""), ("q/test.wav", "")]).unwrap();
        assert_eq!(sounds(&found), ["p/test.wav"]);
        assert_eq!(found.recordings[0].turns[0].span.end.0, 3900);
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let check = |name: &str, content: &str, expected: &str| {
            let error = read(&[("a.wav", ""), (name, content)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "a.rttm",
            &format!("{TURN}SPEAKER a 1 x 1 <NA> <NA> ann\n"),
            "a.rttm at line 2",
        );
        check("a.uem", "a 1 0\n", "a.uem:1");
        check("test_data.json", "{}", "test_data.json");
        check("a.txt", "", "no recording");
    }
}
