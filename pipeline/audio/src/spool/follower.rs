//! Reads a lane of a spool while it is being recorded, or after: the disk is the queue between who records and who
//! listens, so that no listener, however slow, costs memory or sound.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::{SAMPLE_BYTES, io_error};
use crate::{SpoolError, from_i16};

/// A reader of one lane's file.
#[derive(Debug)]
pub struct LaneFollower {
    path: PathBuf,
    file: File,
}

impl LaneFollower {
    /// Opens the lane's file to read from sample `from` on.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, from: u64) -> Result<Self, SpoolError> {
        let open = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(from * SAMPLE_BYTES))?;
            Ok(file)
        };
        Ok(Self {
            path: path.to_owned(),
            file: open().map_err(io_error(path))?,
        })
    }

    /// Appends the next samples to `out`, at most `samples_max`, and tells how many there were: none where all that is
    /// there was read. More may come later.
    ///
    /// # Errors
    /// When the disk is broken.
    pub fn read(&mut self, samples_max: usize, out: &mut Vec<f32>) -> Result<usize, SpoolError> {
        let mut bytes = Vec::with_capacity(samples_max * SAMPLE_BYTES as usize);
        let piece = samples_max as u64 * SAMPLE_BYTES;
        let failed = io_error(&self.path);
        (&mut self.file).take(piece).read_to_end(&mut bytes).map_err(&failed)?;
        let (samples, half) = bytes.as_chunks::<2>();
        if !half.is_empty() {
            // The recorder is just writing the rest of it.
            self.file.seek(SeekFrom::Current(-1)).map_err(&failed)?;
        }
        out.extend(samples.iter().map(|&sample| from_i16(i16::from_le_bytes(sample))));
        Ok(samples.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn whole_samples_are_read_as_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lane-000.pcm");
        let mut writer = File::create(&path).unwrap();
        let mut follower = LaneFollower::open(&path, 1).unwrap();
        let mut read = |samples_max| {
            let mut out = Vec::new();
            assert_eq!(follower.read(samples_max, &mut out).unwrap(), out.len());
            out.into_iter().map(crate::to_i16).collect::<Vec<_>>()
        };
        assert_eq!(read(10), [0; 0]);
        writer.write_all(&[9, 0, 1, 0, 2, 0, 3]).unwrap();
        assert_eq!(read(1), [1]);
        assert_eq!(read(10), [2]);
        writer.write_all(&[1]).unwrap();
        assert_eq!(read(10), [259]);
        assert_eq!(read(10), [0; 0]);
    }
}
