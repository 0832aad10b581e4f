//! Manifests of clips: tab-separated, a header line that names the columns, one clip a line.
//!
//! `file` (relative to the manifest) must be there. `lang` is an ISO 639-1 code, `-` where nobody speaks, anything else
//! where languages mix. `reference_transcript` is empty where nobody wrote down what is said; parts in brackets
//! (`[left] … [right] …`) are the words of one speaker after the other. Other columns are passed over.

use std::path::{Path, PathBuf};

use datasets::Language;

/// A line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// As the manifest names it.
    pub file: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its line in the manifest, counted from 1.
    pub line: usize,
    /// What is spoken, where it is one language.
    pub language: Option<Language>,
    /// What is said, where somebody wrote it down.
    pub reference: Option<String>,
    /// Whether anybody speaks.
    pub has_speech: bool,
}

/// A manifest could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadManifestError {
    /// The file could not be opened, or is no text.
    #[error("cannot read the manifest {}", path.display())]
    Io {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A column that must be there is not named by the first line.
    #[error("{}:1: there is no column `{column}`; the first line names the columns, with tabs between", path.display())]
    Column {
        /// The manifest.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A line has more or fewer fields than there are columns.
    #[error("{}:{line}: {found} fields, and the first line names {expected}; a tab within a text?", path.display())]
    Fields {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Its fields.
        found: usize,
        /// The columns.
        expected: usize,
    },
    /// A line names no file.
    #[error("{}:{line}: the column `file` is empty", path.display())]
    NoFile {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// There is no clip in it.
    #[error("{}: no clip is listed", path.display())]
    Empty {
        /// The manifest.
        path: PathBuf,
    },
}

/// Reads the manifest at `path`. Whether its clips are there is not looked at.
///
/// # Errors
/// When it is not readable, or a line does not fit: file and line are named.
pub fn read_manifest(path: &Path) -> Result<Vec<Clip>, ReadManifestError> {
    let text = std::fs::read_to_string(path).map_err(|source| ReadManifestError::Io {
        path: path.to_owned(),
        source,
    })?;
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let header = lines.next().map_or("", |(_, line)| line);
    let columns = Columns::new(path, header)?;
    let clips: Result<Vec<Clip>, _> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| columns.clip(path, number, line))
        .collect();
    match clips {
        Ok(clips) if clips.is_empty() => Err(ReadManifestError::Empty { path: path.to_owned() }),
        clips => clips,
    }
}

struct Columns {
    count: usize,
    file: usize,
    language: Option<usize>,
    reference: Option<usize>,
}

impl Columns {
    fn new(path: &Path, header: &str) -> Result<Self, ReadManifestError> {
        let names: Vec<&str> = header.split('\t').map(str::trim).collect();
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let missing = |column| ReadManifestError::Column {
            path: path.to_owned(),
            column,
        };
        Ok(Self {
            count: names.len(),
            file: place("file").ok_or_else(|| missing("file"))?,
            language: place("lang"),
            reference: place("reference_transcript"),
        })
    }

    fn clip(&self, manifest: &Path, line: usize, text: &str) -> Result<Clip, ReadManifestError> {
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        // Editors cut empty fields off the end of a line.
        let needed = self.file + 1;
        if fields.len() > self.count || fields.len() < needed {
            return Err(ReadManifestError::Fields {
                path: manifest.to_owned(),
                line,
                found: fields.len(),
                expected: self.count,
            });
        }
        let field = |place: Option<usize>| place.and_then(|place| fields.get(place)).copied().unwrap_or("");
        let file = fields[self.file];
        if file.is_empty() {
            return Err(ReadManifestError::NoFile {
                path: manifest.to_owned(),
                line,
            });
        }
        let (language, reference) = (field(self.language), field(self.reference));
        Ok(Clip {
            file: file.to_owned(),
            path: manifest.parent().unwrap_or(Path::new("")).join(file),
            line,
            language: language.parse().ok(),
            reference: Some(reference.to_owned()).filter(|reference| !reference.is_empty()),
            has_speech: language != "-" || !reference.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Clip>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.tsv");
        std::fs::write(&path, text).unwrap();
        read_manifest(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name_whatever_their_order() {
        let clips = read("\u{feff}lang\tseconds\tfile\treference_transcript\r\nfr\t3.0\ta/b.ogg\tOui.\r\n-\t1\tn.wav\r\n\r\nmixed\t1\tm.mp3\t\r\n").unwrap();
        let told: Vec<_> = clips
            .iter()
            .map(|clip| (clip.line, clip.language, clip.reference.as_deref(), clip.has_speech))
            .collect();
        assert_eq!(
            told,
            [
                (2, Some(Language::FRENCH), Some("Oui."), true),
                (3, None, None, false),
                (5, None, None, true),
            ]
        );
        assert!(clips[0].path.ends_with("a/b.ogg"));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("name\tlang\na.wav\ten\n", "manifest.tsv:1: there is no column `file`");
        check("file\tlang\na.wav\ten\tand more\n", "manifest.tsv:2: 3 fields");
        check(
            "file\tlang\na.wav\ten\n\t\n \ten\n",
            "manifest.tsv:4: the column `file`",
        );
        check("file\tlang\n", "no clip");
        check("", "no column");
    }
}
