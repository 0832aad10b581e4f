//! Reads a ggml file header by header and never past its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::ModelFileError;
use super::layout::{TensorLayout, TensorType};

/// `ggml` as a little-endian number.
pub(super) const MAGIC: i32 = 0x6767_6d6c;

pub(super) struct GgmlReader {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl GgmlReader {
    pub(super) fn open(path: &Path) -> Result<Self, ModelFileError> {
        let failed = |source| ModelFileError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 16, file),
            at: 0,
            length,
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn unusable(&self, problem: impl Into<String>) -> ModelFileError {
        ModelFileError::Unusable {
            path: self.path.clone(),
            problem: problem.into(),
            at: self.at,
        }
    }

    pub(super) fn magic(&mut self) -> Result<(), ModelFileError> {
        if self.i32()? == MAGIC {
            Ok(())
        } else {
            Err(self.unusable("it is no ggml file (its first bytes differ)"))
        }
    }

    pub(super) fn i32(&mut self) -> Result<i32, ModelFileError> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(i32::from_le_bytes(bytes))
    }

    /// At most some thousands of bytes: they are held in memory.
    pub(super) fn bytes(&mut self, length: usize) -> Result<Vec<u8>, ModelFileError> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), ModelFileError> {
        let step = i64::try_from(bytes).ok().filter(|_| bytes <= self.length - self.at);
        let Some(step) = step else {
            return Err(self.unusable(format!("it ends too early: {bytes} bytes should follow")));
        };
        self.file.seek_relative(step).map_err(|source| self.failed(source))?;
        self.at += bytes;
        Ok(())
    }

    /// Walks the tensors up to the end of the file: exactly those of `expected`, each once.
    pub(super) fn tensors(&mut self, expected: &[TensorLayout]) -> Result<(), ModelFileError> {
        let mut missing: BTreeMap<&str, &TensorLayout> =
            expected.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        while self.at < self.length {
            let (name, shape, kind) = self.tensor_header()?;
            let Some(tensor) = missing.remove(name.as_str()) else {
                return Err(self.unusable(format!("the tensor `{name}` is not of this model or comes twice")));
            };
            if shape != tensor.shape || kind != tensor.kind.code() {
                let wanted = (tensor.shape, tensor.kind.code());
                return Err(self.unusable(format!(
                    "`{name}` has the shape and type {:?}, not {wanted:?}",
                    (shape, kind)
                )));
            }
            self.skip(tensor.bytes())?;
        }
        match missing.keys().next() {
            Some(name) => Err(self.unusable(format!("it ends too early: `{name}` is missing"))),
            None => Ok(()),
        }
    }

    fn tensor_header(&mut self) -> Result<(String, [i32; 4], i32), ModelFileError> {
        let (dimensions, name_length, kind) = (self.i32()?, self.i32()?, self.i32()?);
        if !(0..=4).contains(&dimensions) || !(1..=128).contains(&name_length) {
            return Err(self.unusable(format!(
                "no tensor has {dimensions} dimensions and a name of {name_length} bytes"
            )));
        }
        let mut shape = [1; 4];
        for dimension in shape.iter_mut().take(dimensions as usize) {
            *dimension = self.i32()?;
        }
        let name = String::from_utf8_lossy(&self.bytes(name_length as usize)?).into_owned();
        Ok((name, shape, kind))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ModelFileError> {
        if bytes.len() as u64 > self.length - self.at {
            return Err(self.unusable("it ends too early"));
        }
        self.file.read_exact(bytes).map_err(|source| self.failed(source))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> ModelFileError {
        ModelFileError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

impl TensorLayout {
    /// Length of its data.
    pub(super) fn bytes(&self) -> u64 {
        let values: u64 = self.shape.iter().map(|&dimension| dimension as u64).product();
        let (block, bytes) = self.kind.block();
        values / block * bytes
    }
}

impl TensorType {
    /// Values per block, and bytes per block.
    pub(super) fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q2K => (256, 84),
            Self::Q3K => (256, 110),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }
}
