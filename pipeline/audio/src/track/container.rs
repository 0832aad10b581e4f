//! The built-in decoders (symphonia, with libopus): which audio tracks does the file hold?

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{FORMAT_ID_ADTS, FORMAT_ID_MP1, FORMAT_ID_MP2, FORMAT_ID_MP3};
use symphonia::core::formats::{FormatId, FormatOptions, FormatReader, Track};
use symphonia::core::io::{MediaSource, MediaSourceStream, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;

use super::decoded::DecodedTrack;
use super::{CHANNELS_MAX, TrackInfo, TrackSource, mp4, resample, titles};
use crate::Warning;

/// Channels of a track whose container does not tell.
const CHANNELS_UNTOLD: usize = 1;

/// The tag of the first frame of MP3 lies within this many bytes.
const FIRST_FRAME_MAX: u64 = 4096;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs
});

/// A file as symphonia sees it.
pub(crate) struct Container {
    pub(crate) tracks: Vec<ContainerTrack>,
    pub(crate) duration: Option<Duration>,
    /// Whether `duration` is the file's word, not an estimate by its size.
    states_length: bool,
    /// Audio tracks without a decoder.
    pub(crate) left_out: Vec<Warning>,
    reading: Reading,
}

#[derive(Clone)]
pub(crate) struct ContainerTrack {
    /// The container's own number of the track.
    pub(crate) id: u32,
    /// Place among the audio tracks of the file.
    pub(crate) place: usize,
    pub(crate) info: TrackInfo,
}

/// Why the decoder gave no packet or no sound.
pub(super) enum Fault {
    /// A new stream follows in the same file; decoders begin anew.
    Reset,
    /// The file ends within a packet.
    Cut,
    /// The bytes make no sense, or the decoder itself failed.
    Broken(String),
}

/// How the bytes are offered to symphonia.
#[derive(Clone, Copy)]
enum Reading {
    /// As the file is.
    Plain,
    /// As if the file still had the length it had before it was cut: MP4 boxes that end beyond the file are refused
    /// otherwise, and what is there of them with them.
    AsIfWhole(u64),
    /// From begin to end, without following pointers, which lead beyond the end of a Matroska file that was cut.
    Straight,
}

impl Container {
    /// Probes the content of `path`, whole or cut.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let reading = mp4::length_before_cut(path).map_or(Reading::Plain, Reading::AsIfWhole);
        let first = match Self::open_as(path, reading) {
            Ok(container) if !container.tracks.is_empty() => return Ok(container),
            Ok(container) => container
                .left_out
                .first()
                .map_or_else(|| "no audio track".to_owned(), Warning::to_string),
            Err(reason) => reason,
        };
        match Self::open_as(path, Reading::Straight) {
            Ok(container) if !container.tracks.is_empty() => Ok(container),
            _ => Err(first),
        }
    }

    fn open_as(path: &Path, reading: Reading) -> Result<Self, String> {
        let format = open_format(path, reading)?;
        let (mut tracks, mut left_out) = (Vec::new(), Vec::new());
        let audio = format
            .tracks()
            .iter()
            .filter_map(|track| Some((track, audio_parameters(track)?)));
        for (place, (track, parameters)) in audio.enumerate() {
            match make_decoder(parameters) {
                Ok(_) => tracks.push(ContainerTrack {
                    id: track.id,
                    place,
                    info: describe(track, parameters),
                }),
                Err(reason) => left_out.push(Warning::TrackLeftOut {
                    track: place + 1,
                    reason,
                }),
            }
        }
        let ids = tracks.iter().map(|track| track.id).collect::<Vec<_>>();
        for (track, title) in tracks.iter_mut().zip(titles::read(path, &ids)) {
            track.info.name = title.name;
            track.info.language = track.info.language.take().or(title.language);
            track.info.delay = title.delay;
        }
        Ok(Self {
            duration: duration(format.as_ref()),
            states_length: states_length(path, format.format_info().format),
            tracks,
            left_out,
            reading,
        })
    }

    /// Begins to read the `index`th of `tracks`, by a file handle of its own: so one track may run ahead of another as
    /// far as the file's interleaving goes, and nothing has to be kept for the slower one.
    pub(crate) fn read_track(&self, path: &Path, index: usize) -> Result<Box<dyn TrackSource>, String> {
        let mut track = self.tracks[index].clone();
        // Where one track is all there is, its end must be the recording's.
        let whole = self.duration.filter(|_| self.tracks.len() == 1);
        track.info.duration = track.info.duration.or(whole).filter(|_| self.states_length);
        let format = open_format(path, self.reading)?;
        DecodedTrack::new(format, track).map(|track| Box::new(track) as Box<dyn TrackSource>)
    }
}

/// The audio parameters of `track`, if it is an audio track.
pub(super) fn audio_parameters(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref()?.audio()
}

/// A decoder for `parameters`, or why there is none.
pub(super) fn make_decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, String> {
    if parameters
        .sample_rate
        .is_some_and(|rate| !resample::RATES_HZ.contains(&rate))
    {
        return Err("impossible sampling rate".to_owned());
    }
    if parameters
        .channels
        .as_ref()
        .is_some_and(|channels| channels.count() > CHANNELS_MAX)
    {
        return Err(format!("more than {CHANNELS_MAX} channels"));
    }
    guarded(|| CODECS.make_audio_decoder(parameters, &AudioDecoderOptions::default())).map_err(|fault| match fault {
        Fault::Broken(reason) => reason,
        Fault::Cut | Fault::Reset => "incomplete codec parameters".to_owned(),
    })
}

/// Runs `decode`, and makes a fault of a panic: a hostile or damaged file costs its own job, not the program.
pub(super) fn guarded<T>(decode: impl FnOnce() -> Result<T, Error>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::ResetRequired)) => Err(Fault::Reset),
        Ok(Err(Error::IoError(error))) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Fault::Cut),
        Ok(Err(error)) => Err(Fault::Broken(error.to_string())),
        Err(_) => Err(Fault::Broken("the decoder failed".to_owned())),
    }
}

fn open_format(path: &Path, reading: Reading) -> Result<Box<dyn FormatReader>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let source: Box<dyn MediaSource> = match reading {
        Reading::Plain => Box::new(file),
        Reading::AsIfWhole(length) => Box::new(CutFile { file, length }),
        Reading::Straight => Box::new(ReadOnlySource::new(file)),
    };
    guarded(|| {
        symphonia::default::get_probe().probe(
            &Hint::new(),
            MediaSourceStream::new(source, Default::default()),
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    })
    .map_err(|fault| match fault {
        Fault::Broken(reason) => reason,
        Fault::Cut | Fault::Reset => "the file ends before its first sound".to_owned(),
    })
}

fn describe(track: &Track, parameters: &AudioCodecParameters) -> TrackInfo {
    let channels = parameters
        .channels
        .as_ref()
        .map_or(CHANNELS_UNTOLD, |channels| channels.count());
    TrackInfo {
        name: None,
        language: track
            .language
            .clone()
            .filter(|language| language != "und" && !language.is_empty()),
        channels: channels.max(1),
        duration: track.time_base.zip(track.duration).and_then(|(base, length)| {
            let seconds = base.calc_duration(length)?.as_secs_f64();
            Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|length| !length.is_zero())
        }),
        delay: Duration::ZERO,
    }
}

fn duration(format: &dyn FormatReader) -> Option<Duration> {
    let info = format.media_info();
    let seconds = info.time_base?.calc_duration(info.duration?)?.as_secs_f64();
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|length| !length.is_zero())
}

/// Whether a length in a file of this format is stated there. Streams of MPEG audio and AAC frames have no place for it
/// but the tag that encoders put into the first frame of MP3; without it the length is estimated from the first bit
/// rate, and wrong by far where that changes.
fn states_length(path: &Path, format: FormatId) -> bool {
    match format {
        FORMAT_ID_ADTS => false,
        FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => has_length_tag(path).unwrap_or(false),
        _ => true,
    }
}

/// Whether the first frame of MPEG audio holds one of the tags that count frames. It comes after an ID3v2 tag, if any.
fn has_length_tag(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut head = [0; 10];
    file.read_exact(&mut head)?;
    let skipped = match head {
        // Seven bits in each of four bytes.
        [b'I', b'D', b'3', _, _, _, size @ ..] => {
            10 + size.iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7f))
        }
        _ => 0,
    };
    file.seek(SeekFrom::Start(skipped))?;
    let mut frame = Vec::new();
    file.take(FIRST_FRAME_MAX).read_to_end(&mut frame)?;
    Ok(frame
        .windows(4)
        .any(|word| [b"Xing", b"Info", b"VBRI"].contains(&word.try_into().expect("four bytes"))))
}

/// A file that was cut, and says that it has the length it had before.
struct CutFile {
    file: File,
    length: u64,
}

impl Read for CutFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for CutFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::End(offset) => self
                .file
                .seek(SeekFrom::Start(self.length.saturating_add_signed(offset))),
            other => self.file.seek(other),
        }
    }
}

impl MediaSource for CutFile {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
