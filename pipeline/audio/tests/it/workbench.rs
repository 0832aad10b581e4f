//! What the tests share: making files with ffmpeg, finding the shared clips, and measuring what was decoded.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use audio::{LaneId, LaneReader, Warning};

/// All that was read from a recording.
pub(crate) struct Heard {
    pub(crate) lanes: Vec<Vec<f32>>,
    pub(crate) labels: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) samples: u64,
}

/// Reads `path` to its end. A lane that woke late is filled up with silence before.
pub(crate) fn hear(path: &Path) -> Result<Heard, audio::OpenError> {
    let mut reader = LaneReader::open(path)?;
    let (mut lanes, mut samples) = (Vec::<Vec<f32>>::new(), 0);
    for block in reader.by_ref() {
        assert_eq!(block.start, samples, "blocks follow each other");
        for lane in &block.lanes {
            assert_eq!(lane.samples.len(), block.len);
            let LaneId(id) = lane.lane;
            lanes.resize(lanes.len().max(id + 1), Vec::new());
            lanes[id].resize(block.start as usize, 0.0);
            lanes[id].extend_from_slice(&lane.samples);
        }
        samples = block.end();
    }
    Ok(Heard {
        labels: reader.lanes().iter().map(audio::Lane::label).collect(),
        warnings: reader.warnings(),
        lanes,
        samples,
    })
}

impl Heard {
    pub(crate) fn seconds(&self) -> f64 {
        self.samples as f64 / 16_000.0
    }
}

/// Whether ffmpeg is installed; says so when it is not.
pub(crate) fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg")
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: ffmpeg is not installed (apt-get install ffmpeg)");
    }
    found
}

/// Runs ffmpeg with `arguments`, words parted by blanks, and the file to write.
pub(crate) fn ffmpeg(arguments: &str, output: &Path) {
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(output)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// The folder of shared test data, or a message that the test is skipped.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("GREFFIER_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let found = root.join("audio/manifest.tsv").exists();
    if !found {
        println!("skipped: no shared audio at {}; set GREFFIER_SHARED", root.display());
    }
    found.then_some(root)
}

/// Share of the energy of `samples` that lies at `hertz`, by Goertzel's sum; 1 for a pure tone.
pub(crate) fn tone_share(samples: &[f32], hertz: f64) -> f64 {
    let (mut cosine, mut sine, mut energy) = (0.0, 0.0, 0.0);
    for (at, &sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hertz * at as f64 / 16_000.0;
        cosine += f64::from(sample) * phase.cos();
        sine += f64::from(sample) * phase.sin();
        energy += f64::from(sample) * f64::from(sample);
    }
    if energy > 0.0 {
        2.0 * (cosine * cosine + sine * sine) / (samples.len() as f64 * energy)
    } else {
        0.0
    }
}

/// The most memory this process ever had, in bytes; zero where the system does not tell.
pub(crate) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
