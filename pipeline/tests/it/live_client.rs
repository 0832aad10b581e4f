//! A client of live meetings for tests: a real WebSocket to a running server, and sound to send.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use audio::LaneReader;
use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::HandshakeError;
use tungstenite::{Error, Message, WebSocket};

use crate::server::Caller;
use crate::workbench::sample;

/// How long a test waits for an event.
const PATIENCE: Duration = Duration::from_secs(90);
/// Samples in a frame: a tenth of a second.
const FRAME_SAMPLES: usize = 1600;

/// A connection to a live meeting, and what was told over it.
pub(crate) struct LiveClient {
    socket: WebSocket<TcpStream>,
    pub(crate) hello: Value,
    pub(crate) events: Vec<Value>,
    /// The code with which the server closed the connection.
    pub(crate) closed: Option<u16>,
}

impl LiveClient {
    /// Connects; events after number `after` are told.
    pub(crate) fn connect(server: &Caller, live: &Value, after: u64) -> Self {
        Self::try_connect(server, live, after).unwrap_or_else(|status| panic!("refused with {status}"))
    }

    /// The same, or the status of the refusal.
    pub(crate) fn try_connect(server: &Caller, live: &Value, after: u64) -> Result<Self, u16> {
        Self::connect_if_there(server, live, after).expect("the server is there")
    }

    /// The same; `None` where the server is gone, or goes before it says hello.
    pub(crate) fn connect_if_there(server: &Caller, live: &Value, after: u64) -> Option<Result<Self, u16>> {
        let host = server.address.strip_prefix("http://").unwrap();
        let path = live["socket"].as_str().unwrap();
        let mut request = format!("ws://{host}{path}?after={after}")
            .into_client_request()
            .unwrap();
        if let Some(token) = server.token() {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        let stream = TcpStream::connect(host).ok()?;
        let socket = match tungstenite::client(request, stream) {
            Ok((socket, _)) => socket,
            Err(HandshakeError::Failure(Error::Http(answer))) => return Some(Err(answer.status().as_u16())),
            Err(_) => return None,
        };
        let mut client = Self {
            socket,
            hello: Value::Null,
            events: Vec::new(),
            closed: None,
        };
        client.hello = client.until_if_there(|event| event["event"] == "hello")?;
        Some(Ok(client))
    }

    /// Sends a frame as it is; `false` when the connection is gone.
    pub(crate) fn send(&mut self, message: Message) -> bool {
        self.socket.get_ref().set_read_timeout(None).unwrap();
        self.socket.send(message).is_ok()
    }

    /// Sends samples of a track.
    pub(crate) fn send_samples(&mut self, track: u16, position: usize, samples: &[i16]) -> bool {
        let sound: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.send(frame(track, position as u64, &sound))
    }

    /// Sends all tracks from sample `from` to sample `to`, in step, and hears what is told meanwhile.
    pub(crate) fn send_tracks(&mut self, tracks: &[Vec<i16>], from: usize, to: usize) {
        for at in (from..to).step_by(FRAME_SAMPLES) {
            for (number, track) in (0..).zip(tracks) {
                let end = (at + FRAME_SAMPLES).min(to);
                assert!(self.send_samples(number, at, &track[at.min(track.len())..end.min(track.len())]));
            }
            self.hear(Duration::from_micros(1));
        }
    }

    pub(crate) fn finish(&mut self) {
        assert!(self.send(Message::text(r#"{"type": "finish"}"#)));
    }

    /// Hears what is told within `wait` or, once something was, at once.
    pub(crate) fn hear(&mut self, wait: Duration) -> bool {
        let mut has_heard = false;
        self.socket.get_ref().set_read_timeout(Some(wait)).unwrap();
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.events.push(serde_json::from_str(&text).unwrap());
                    has_heard = true;
                    self.socket
                        .get_ref()
                        .set_read_timeout(Some(Duration::from_micros(1)))
                        .unwrap();
                }
                Ok(Message::Close(frame)) => self.closed = frame.map(|frame| frame.code.into()).or(Some(1005)),
                Ok(_) => {}
                Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return has_heard;
                }
                Err(_) => {
                    self.closed = self.closed.or(Some(1006));
                    return has_heard;
                }
            }
        }
    }

    /// Hears until an event that is `wanted`, which may be told already.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_if_there(wanted)
            .unwrap_or_else(|| panic!("closed with {:?}: {:#?}", self.closed, self.events.last()))
    }

    /// The same; `None` once the connection is closed.
    pub(crate) fn until_if_there(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.events.iter().find(|event| wanted(event)) {
                return Some(event.clone());
            }
            if self.closed.is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "{:#?}", self.events.last());
            self.hear(Duration::from_millis(100));
        }
    }

    /// Hears until the server closes the connection.
    pub(crate) fn until_closed(&mut self) -> u16 {
        let deadline = Instant::now() + PATIENCE;
        while self.closed.is_none() {
            assert!(Instant::now() < deadline);
            self.hear(Duration::from_millis(100));
        }
        self.closed.unwrap()
    }

    /// Number of the last event.
    pub(crate) fn last(&self) -> u64 {
        let numbers = self.events.iter().filter_map(|event| event["seq"].as_u64());
        numbers.max().unwrap_or(0)
    }
}

/// A binary frame.
pub(crate) fn frame(track: u16, position: u64, sound: &[u8]) -> Message {
    Message::binary([&track.to_le_bytes()[..], &position.to_le_bytes(), sound].concat())
}

/// The first seconds of a sample meeting, a track for each who speaks.
pub(crate) fn sample_tracks(seconds: usize) -> Vec<Vec<f32>> {
    let end = seconds * 16_000;
    let mut tracks: Vec<Vec<f32>> = Vec::new();
    for block in LaneReader::open(sample("2026-03-05-release-planning-tracks.mka").as_ref()).unwrap() {
        for lane in block.lanes {
            let number = lane.lane.0;
            tracks.resize_with(tracks.len().max(number + 1), Vec::new);
            // Who joined later was silent before.
            tracks[number].resize(block.start as usize, 0.0);
            tracks[number].extend(lane.samples);
        }
        if block.start as usize >= end {
            break;
        }
    }
    tracks.iter_mut().for_each(|track| track.resize(end, 0.0));
    tracks
}

/// As frames hold them.
pub(crate) fn samples_of(lanes: &[Vec<f32>]) -> Vec<Vec<i16>> {
    let of_lane = |lane: &Vec<f32>| lane.iter().copied().map(audio::to_i16).collect();
    lanes.iter().map(of_lane).collect()
}

/// The samples of a recording that greffier wrote, track by track.
pub(crate) fn recorded(path: &Path, tracks: usize) -> Vec<Vec<i16>> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|word| word == b"data").unwrap() + 8;
    let (samples, _) = bytes[data..].as_chunks::<2>();
    let of_track = |track| {
        samples
            .iter()
            .skip(track)
            .step_by(tracks)
            .copied()
            .map(i16::from_le_bytes)
    };
    (0..tracks).map(|track| of_track(track).collect()).collect()
}

/// The recording holds what was sent, from its begin on, and at least `samples` of it.
pub(crate) fn check_recording(path: &Path, sent: &[Vec<i16>], samples: usize) {
    for (track, (kept, sent)) in recorded(path, sent.len()).iter().zip(sent).enumerate() {
        assert!(
            kept.len() >= samples && kept.len() <= sent.len(),
            "{} of {samples}",
            kept.len()
        );
        let other = kept.iter().zip(sent).position(|(kept, sent)| kept != sent);
        assert_eq!(other, None, "sample of track {track}");
    }
}
