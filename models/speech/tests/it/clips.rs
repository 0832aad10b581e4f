//! The public clips of `../shared/audio` as 16 kHz mono samples, for tests that are skipped where the folder is absent.

use std::fs::File;
use std::path::{Path, PathBuf};

use speech::sound::Span;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// The folder of shared test data, or nothing, said on the screen, where it is absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("GREFFIER_SHARED").map_or(beside, PathBuf::from);
    if folder.join("audio/manifest.tsv").is_file() {
        return Some(folder);
    }
    println!(
        "skipped: {} has no audio/manifest.tsv; set GREFFIER_SHARED",
        folder.display()
    );
    None
}

/// A clip of 16 or 48 kHz, its channels mixed, at 16 kHz.
pub(crate) fn clip(shared: &Path, name: &str) -> Vec<f32> {
    recording(&shared.join("audio").join(name))
}

/// A recording of 16 or 48 kHz, its channels mixed, at 16 kHz.
pub(crate) fn recording(path: &Path) -> Vec<f32> {
    let (samples, rate, channels) = decode_file(path);
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    match rate {
        16_000 => mono,
        48_000 => third(&mono),
        other => panic!(
            "{}: the tests use clips of 16 and 48 kHz, not {other} Hz",
            path.display()
        ),
    }
}

/// Samples of all channels in turn, rate, and number of channels.
pub(crate) fn decode_file(path: &Path) -> (Vec<f32>, u32, usize) {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    let file = MediaSourceStream::new(Box::new(File::open(path).unwrap()), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), file, FormatOptions::default(), MetadataOptions::default())
        .unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap();
    let mut decoder = codecs
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .unwrap();
    let track = track.id;
    let (mut samples, mut packet_samples, mut rate, mut channels) = (Vec::new(), Vec::new(), 0, 1);
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id == track {
            let decoded = decoder.decode(&packet).unwrap();
            (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
            decoded.copy_to_vec_interleaved(&mut packet_samples);
            samples.extend_from_slice(&packet_samples);
        }
    }
    (samples, rate, channels)
}

/// Every third sample after a low pass at 7.2 kHz (windowed sinc of 97 taps).
fn third(samples: &[f32]) -> Vec<f32> {
    let half = 48_i32;
    let taps: Vec<f32> = (-half..=half)
        .map(|n| {
            let x = std::f32::consts::PI * n as f32;
            let sinc = if n == 0 { 0.3 } else { (0.3 * x).sin() / x };
            sinc * (0.5 + 0.5 * (x / (half + 1) as f32).cos())
        })
        .collect();
    (0..samples.len() / 3)
        .map(|at| {
            let centre = 3 * at as i32;
            let tap = |(tap, offset): (&f32, i32)| {
                let at = usize::try_from(centre + offset).ok();
                tap * at.and_then(|at| samples.get(at)).copied().unwrap_or(0.0)
            };
            taps.iter().zip(-half..=half).map(tap).sum()
        })
        .collect()
}

/// One line of an RTTM file.
pub(crate) struct Turn {
    pub(crate) recording: String,
    pub(crate) span: Span,
}

/// The turns of an RTTM file.
pub(crate) fn reference_turns(path: &Path) -> Vec<Turn> {
    let ms = |field: &str| (field.parse::<f64>().unwrap() * 1000.0).round() as i64;
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let start_ms = ms(fields[3]);
            Turn {
                recording: fields[1].to_owned(),
                span: Span::new(start_ms, start_ms + ms(fields[4])),
            }
        })
        .collect()
}
