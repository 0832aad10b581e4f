//! Who is on which track: titles and languages of tracks, which symphonia does not hand out. Recorders that keep one
//! track per participant write the participant's name there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::{matroska, mp4};

/// What a container says of a track beside its sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Title {
    pub(super) name: Option<String>,
    pub(super) language: Option<String>,
    /// How long after the recording's start the track begins, where its own time stamps do not say so.
    pub(super) delay: Duration,
}

/// The titles of the tracks with these `ids` in the file at `path`; empty where there are none to be had.
pub(super) fn read(path: &Path, ids: &[u32]) -> Vec<Title> {
    let found = File::open(path)
        .ok()
        .and_then(|file| read_all(file).ok())
        .unwrap_or_default();
    let title = |id: &u32| found.iter().find(|(of, _)| of == id).map(|(_, title)| title.clone());
    ids.iter().map(|id| title(id).unwrap_or_default()).collect()
}

/// Titles by the container's own track number.
fn read_all(mut file: impl Read + Seek) -> std::io::Result<Vec<(u32, Title)>> {
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    if magic.starts_with(&matroska::MAGIC) {
        matroska::read(file)
    } else if &magic[4..] == mp4::MAGIC {
        mp4::read(file)
    } else {
        Ok(Vec::new())
    }
}

/// `written` as a name, if it holds one.
pub(super) fn name(written: &[u8]) -> Option<String> {
    let written = String::from_utf8_lossy(written);
    let name = written.trim_matches(|letter: char| letter.is_control() || letter.is_whitespace());
    (!name.is_empty()).then(|| name.to_owned())
}

/// `written` as a language tag, unless it says that the language is unknown.
pub(super) fn language(written: &[u8]) -> Option<String> {
    name(written).filter(|language| language != "und")
}
