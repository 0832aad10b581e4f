//! Pulls models from a server on this machine that behaves like the hub on a bad day: some bytes, and a speech model.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use datasets::library::sha256_hex;
use indicatif::ProgressBar;
use models::weights::{Manifest, WeightsStore};
use pipeline::download::{Origins, pull};
use speech::model_file::{ModelDimensions, ModelFile, TensorType, write_random_model};

/// What the server does with each request in turn; after the last it serves well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Sends what was asked for.
    Serve,
    /// Sends the first half of it and hangs up.
    CutInHalf,
    /// Sends everything, whatever range was asked for.
    IgnoreRange,
    /// Points to another address, as the hub does to its file servers.
    Redirect,
    /// Refuses.
    Forbid,
    /// Sends as many bytes, all of them wrong.
    WrongBytes,
}

pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(content: Vec<u8>, script: &[Behaviour]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let script: Vec<Behaviour> = script.to_vec();
        let mut script = script.into_iter();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let behaviour = script.next().unwrap_or(Behaviour::Serve);
                answer(stream, &content, behaviour, &log);
            }
        });
        Self { address, requests }
    }
}

fn answer(mut stream: TcpStream, content: &[u8], behaviour: Behaviour, log: &Mutex<Vec<String>>) {
    let mut from = 0;
    let mut first = String::new();
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
        if first.is_empty() {
            first = line;
        }
    }
    log.lock().unwrap().push(format!("{first} from {from}"));
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    let rest = &content[from..];
    let (head, body) = match behaviour {
        Behaviour::Serve => (head("206 Partial Content", rest.len(), ""), rest.to_vec()),
        Behaviour::CutInHalf => (
            head("206 Partial Content", rest.len(), ""),
            rest[..rest.len() / 2].to_vec(),
        ),
        Behaviour::IgnoreRange => (head("200 OK", content.len(), ""), content.to_vec()),
        Behaviour::Redirect => (head("302 Found", 0, "Location: /elsewhere\r\n"), Vec::new()),
        Behaviour::Forbid => (head("403 Forbidden", 0, ""), Vec::new()),
        Behaviour::WrongBytes => (head("206 Partial Content", rest.len(), ""), vec![b'x'; rest.len()]),
    };
    // The client may have hung up; the next request is what matters.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn some_bytes() -> Vec<u8> {
    (0..200_000_u32).flat_map(|number| number.to_le_bytes()).collect()
}

/// A Whisper model in ggml form with weights that know nothing.
pub(crate) fn speech_model(seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_random_model(&ModelDimensions::DEMO, TensorType::Q8_0, seed, &mut bytes).unwrap();
    bytes
}

/// A manifest that lists one model; without its checksum where `sha256` is none.
pub(crate) fn manifest(kind: &str, content: &[u8], sha256: Option<&str>) -> String {
    let sha256 = sha256.map_or(String::new(), |sha256| format!("sha256 = \"{sha256}\"\n"));
    format!(
        "[[model]]\nname = \"small\"\nkind = \"{kind}\"\npurpose = \"a test\"\nlicence = \"Apache-2.0\"\n\
         [[model.file]]\npath = \"model.bin\"\nbytes = {}\n{sha256}\
         [[model.source]]\nkind = \"hub\"\nrepository = \"someone/small\"\nrevision = \"main\"\n",
        content.len(),
    )
}

fn try_pull(
    folder: &std::path::Path,
    content: &[u8],
    sha256: Option<&str>,
    server: &Server,
) -> anyhow::Result<std::path::PathBuf> {
    let manifest = Manifest::parse(&manifest("speech", content, sha256)).unwrap();
    let entry = manifest.model("small").unwrap().clone();
    let store = WeightsStore::new(folder, manifest);
    let origins = Origins {
        mirror: None,
        hub: server.address.clone(),
    };
    pull(&store, &entry, &origins, &ProgressBar::hidden())
}

/// Pulls with the checksum known and unknown; both must ask the server for the same.
fn check(script: &[Behaviour], requests: &[&str]) {
    for content in [some_bytes(), speech_model(7)] {
        let sha256 = sha256_hex(&content);
        for sha256 in [Some(sha256.as_str()), None] {
            let folder = tempfile::tempdir().unwrap();
            let server = Server::start(content.clone(), script);
            let model = try_pull(folder.path(), &content, sha256, &server).unwrap();
            assert!(std::fs::read(model.join("model.bin")).unwrap() == content);
            let half = (content.len() / 2).to_string();
            let expected: Vec<String> = requests.iter().map(|request| request.replace("HALF", &half)).collect();
            assert_eq!(*server.requests.lock().unwrap(), expected);
        }
    }
}

#[test]
fn a_redirect_is_followed() {
    check(
        &[Behaviour::Redirect],
        &[
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 0",
            "GET /elsewhere HTTP/1.1 from 0",
        ],
    );
}

#[test]
fn a_cut_connection_is_resumed_where_it_was() {
    check(
        &[Behaviour::CutInHalf],
        &[
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 0",
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from HALF",
        ],
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    check(
        &[Behaviour::CutInHalf, Behaviour::IgnoreRange],
        &[
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 0",
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from HALF",
        ],
    );
}

#[test]
fn wrong_bytes_never_load_and_the_next_pull_is_whole() {
    let content = speech_model(7);
    let folder = tempfile::tempdir().unwrap();
    let sha256 = sha256_hex(&content);
    let server = Server::start(content.clone(), &[Behaviour::WrongBytes]);
    let error = format!(
        "{:#}",
        try_pull(folder.path(), &content, Some(&sha256), &server).unwrap_err()
    );
    assert!(error.contains("model.bin"), "{error}");
    assert!(!folder.path().join("small/model.bin").exists());
    let model = try_pull(folder.path(), &content, Some(&sha256), &server).unwrap();
    ModelFile::inspect(&model.join("model.bin")).unwrap();
}

#[test]
fn a_checksum_that_nobody_published_is_that_of_the_first_pull() {
    let content = speech_model(7);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content.clone(), &[]);
    let model = try_pull(folder.path(), &content, None, &server).unwrap();
    std::fs::remove_file(model.join("model.bin")).unwrap();
    let other = Server::start(speech_model(8), &[]);
    let error = format!("{:#}", try_pull(folder.path(), &content, None, &other).unwrap_err());
    assert!(error.contains(&sha256_hex(&content)), "{error}");
    try_pull(folder.path(), &content, None, &server).unwrap();
}

#[test]
fn a_refusal_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(some_bytes(), &[Behaviour::Forbid]);
    let error = format!(
        "{:#}",
        try_pull(folder.path(), &some_bytes(), None, &server).unwrap_err()
    );
    assert!(
        error.contains("403") && error.contains("greffier models import"),
        "{error}"
    );
}

#[test]
fn a_mirror_directory_needs_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = tempfile::tempdir().unwrap();
    let content = some_bytes();
    std::fs::create_dir(mirror.path().join("small")).unwrap();
    std::fs::write(mirror.path().join("small/model.bin"), &content).unwrap();
    let manifest = Manifest::parse(&manifest("speech", &content, Some(&sha256_hex(&content)))).unwrap();
    let entry = manifest.model("small").unwrap().clone();
    let store = WeightsStore::new(folder.path(), manifest);
    let origins = Origins {
        mirror: Some(mirror.path().to_owned()),
        hub: "http://127.0.0.1:1".to_owned(),
    };
    pull(&store, &entry, &origins, &ProgressBar::hidden()).unwrap();
}
