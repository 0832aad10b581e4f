//! A library of its own for each test, and the built program to use on it.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audio::WavFile;
use serde_json::Value;
use speech::model_file::{ModelDimensions, TensorType, write_random_model};

pub(crate) struct Workbench {
    folder: tempfile::TempDir,
}

impl Workbench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        self.write_bytes(name, content.as_bytes())
    }

    pub(crate) fn write_bytes(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program with a library and a models folder of this test: no encoder, so answers do not depend on what is
    /// installed.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("greffier"));
        command
            .env("GREFFIER_LIBRARY", self.path("library"))
            .env("GREFFIER_MODELS", self.path("models"))
            .env("GREFFIER_LANGUAGE", "en")
            .env_remove("GREFFIER_SPEECH_MODEL")
            .arg("--quiet");
        // Servers of the tests are on this machine.
        for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(proxy).env_remove(proxy.to_uppercase());
        }
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// What the program printed; it must have succeeded.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the program printed with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[&["--json"], arguments].concat())).unwrap()
    }

    /// What the program said on standard error; it must have failed with this exit code.
    pub(crate) fn failure(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stderr).unwrap()
    }
}

/// A file of the sample meetings.
pub(crate) fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../datasets/sample")
        .join(name);
    assert!(path.exists(), "{}", path.display());
    path.to_str().unwrap().to_owned()
}

/// A file or folder of the shared test data, or nothing, said on the screen.
pub(crate) fn shared(name: &str) -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("GREFFIER_SHARED").map_or_else(beside, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path.to_string_lossy().into_owned());
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// Seconds of silence as a WAV file.
pub(crate) fn silence(bench: &Workbench, name: &str, seconds: usize) -> String {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut wav = WavFile::create(&path).unwrap();
    wav.write(&vec![0.0; seconds * 16_000]).unwrap();
    wav.finish().unwrap();
    path.to_string_lossy().into_owned()
}

/// A speech model of true shape with weights that know nothing.
pub(crate) fn random_model(bench: &Workbench) -> String {
    let path = bench.path("random.bin");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    write_random_model(&ModelDimensions::DEMO, TensorType::Q8_0, 7, &mut file).unwrap();
    path.to_string_lossy().into_owned()
}
