//! Models as one file for machines without a network: a plain tar with a `SHA256SUMS` that `sha256sum -c` reads.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use super::store::{WeightsError, WeightsStore, at};

/// The list of checksums, the first member of a bundle.
const CHECKSUMS: &str = "SHA256SUMS";

impl WeightsStore {
    /// Writes models into a bundle, after checking them.
    ///
    /// # Errors
    /// When a model is unknown, incomplete or changed, or the writer refuses.
    pub fn export_bundle(&self, names: &[&str], writer: impl Write) -> Result<(), WeightsError> {
        let mut checksums = String::new();
        for name in names {
            self.open(name)?;
            let entry = self.entry(name)?;
            for file in &entry.files {
                let sha256 = self.sha256(entry, file)?.unwrap_or_default();
                checksums.push_str(&format!("{sha256}  {name}/{}\n", file.path));
            }
        }
        let mut bundle = tar::Builder::new(writer);
        append(&mut bundle, CHECKSUMS, checksums.len() as u64, checksums.as_bytes())?;
        for name in names {
            let entry = self.entry(name)?;
            for file in &entry.files {
                let path = self.path(entry, file);
                let source = std::fs::File::open(&path).map_err(at(&path))?;
                append(&mut bundle, &format!("{name}/{}", file.path), file.bytes, source)?;
            }
        }
        bundle
            .into_inner()
            .and_then(|mut writer| writer.flush())
            .map_err(at(Path::new("bundle")))
    }

    /// Takes the models out of a bundle and returns their names. Only files of the manifest are taken, and only with
    /// the manifest's checksum; the bundle's own list counts where the manifest has none.
    ///
    /// # Errors
    /// When it is no bundle, holds something that the manifest does not know, breaks off, or a checksum is wrong.
    pub fn import_bundle(&self, reader: impl Read) -> Result<Vec<String>, WeightsError> {
        let broken = |error: std::io::Error| WeightsError::Bundle {
            problem: error.to_string(),
        };
        let mut archive = tar::Archive::new(reader);
        let mut names: Vec<String> = Vec::new();
        let mut listed = BTreeMap::new();
        for member in archive.entries().map_err(broken)? {
            let mut member = member.map_err(broken)?;
            let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
            if path == CHECKSUMS {
                let mut text = String::new();
                member.read_to_string(&mut text).map_err(broken)?;
                listed = checksums(&text);
                continue;
            }
            let Some((model, file)) = path.split_once('/') else {
                return Err(WeightsError::Bundle {
                    problem: format!("{path:?} is not a file of a model"),
                });
            };
            let mut arriving = self.begin_file(model, file)?;
            arriving.expect_sha256(listed.get(&path));
            arriving.restart()?;
            arriving.write_all_from(&mut member)?;
            arriving.finish()?;
            if names.last().is_none_or(|last| last != model) {
                names.push(model.to_owned());
            }
        }
        names.iter().try_for_each(|name| self.open(name).map(drop))?;
        if names.is_empty() {
            return Err(WeightsError::Bundle {
                problem: "there is no model in it".to_owned(),
            });
        }
        Ok(names)
    }
}

/// The lines of a `SHA256SUMS`: checksums by path.
fn checksums(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        line.split_once("  ")
            .map(|(sha256, path)| (path.to_owned(), sha256.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

fn append(
    bundle: &mut tar::Builder<impl Write>,
    path: &str,
    bytes: u64,
    source: impl Read,
) -> Result<(), WeightsError> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o644);
    bundle
        .append_data(&mut header, path, source)
        .map_err(at(Path::new(path)))
}
