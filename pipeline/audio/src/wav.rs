//! Lanes as a WAV file of 16 kHz 16-bit samples, a channel each, for players and other programs.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::{SAMPLE_RATE_HZ, WavError, to_i16};

/// The most that a WAV file can hold, less its header: 37 hours of one channel.
pub const WAV_BYTES_MAX: u64 = u32::MAX as u64 - 1024;

/// A WAV file being written. It appears under its name when it is whole, by [`WavFile::finish`].
pub struct WavFile {
    path: PathBuf,
    partial: PathBuf,
    writer: Option<hound::WavWriter<BufWriter<File>>>,
}

impl WavFile {
    /// Begins a file of one channel that will stand at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(path: &Path) -> Result<Self, WavError> {
        Self::with_channels(path, 1)
    }

    /// Begins a file of several channels that will stand at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn with_channels(path: &Path, channels: u16) -> Result<Self, WavError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let spec = hound::WavSpec {
            channels,
            sample_rate: SAMPLE_RATE_HZ,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        match hound::WavWriter::create(&partial, spec) {
            Ok(writer) => Ok(Self {
                path: path.to_owned(),
                partial,
                writer: Some(writer),
            }),
            Err(source) => Err(WavError { path: partial, source }),
        }
    }

    /// Appends `samples` at 16 kHz; with several channels a sample of each in turn.
    ///
    /// # Errors
    /// When the disk is full, or the file passes [`WAV_BYTES_MAX`].
    pub fn write(&mut self, samples: &[f32]) -> Result<(), WavError> {
        let writer = self
            .writer
            .as_mut()
            .expect("only `finish` takes the writer, and it takes `self`");
        samples
            .iter()
            .try_for_each(|&sample| writer.write_sample(to_i16(sample)))
            .map_err(|source| self.error(source))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn finish(mut self) -> Result<(), WavError> {
        let writer = self
            .writer
            .take()
            .expect("only `finish` takes the writer, and it takes `self`");
        writer.finalize().map_err(|source| self.error(source))?;
        File::open(&self.partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .map_err(|source| self.error(source.into()))
    }

    fn error(&self, source: hound::Error) -> WavError {
        WavError {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for WavFile {
    /// What was not finished is taken away; after `finish` there is nothing under this name.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_i16;

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lane.wav");
        let samples = [0, 1, -1, i16::MAX, i16::MIN];
        let mut file = WavFile::create(&path).unwrap();
        file.write(&samples.map(from_i16)).unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(reader.spec().sample_rate, SAMPLE_RATE_HZ);
        assert_eq!(reader.samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), samples);
    }

    #[test]
    fn what_was_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(WavFile::create(&dir.path().join("lane.wav")).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
