//! Pulls a small model from a server on this machine that behaves like the hub on a bad day.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use datasets::library::sha256_hex;
use indicatif::ProgressBar;
use models::weights::{Manifest, WeightsStore};
use pipeline::download::{Origins, pull};

/// What the server does with each request in turn; after the last it serves well.
#[derive(Clone, Copy, Debug)]
enum Behaviour {
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

struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(content: Vec<u8>, script: &[Behaviour]) -> Self {
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

fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(|number| number.to_le_bytes()).collect()
}

fn manifest(content: &[u8]) -> Manifest {
    Manifest::parse(&format!(
        "[[model]]\nname = \"small\"\nkind = \"sentence-encoder\"\npurpose = \"a test\"\nlicence = \"Apache-2.0\"\n\
         [[model.file]]\npath = \"model.bin\"\nbytes = {}\nsha256 = \"{}\"\n\
         [[model.source]]\nkind = \"hub\"\nrepository = \"someone/small\"\nrevision = \"main\"\n",
        content.len(),
        sha256_hex(content)
    ))
    .unwrap()
}

fn try_pull(folder: &std::path::Path, server: &Server) -> anyhow::Result<std::path::PathBuf> {
    let manifest = manifest(&content());
    let entry = manifest.model("small").unwrap().clone();
    let store = WeightsStore::new(folder, manifest);
    let origins = Origins {
        mirror: None,
        hub: server.address.clone(),
    };
    pull(&store, &entry, &origins, &ProgressBar::hidden())
}

fn check(script: &[Behaviour], requests: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content(), script);
    let model = try_pull(folder.path(), &server).unwrap();
    assert_eq!(std::fs::read(model.join("model.bin")).unwrap(), content());
    let seen = server.requests.lock().unwrap().clone();
    assert_eq!(seen, requests);
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
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 400000",
        ],
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    check(
        &[Behaviour::CutInHalf, Behaviour::IgnoreRange],
        &[
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 0",
            "GET /someone/small/resolve/main/model.bin HTTP/1.1 from 400000",
        ],
    );
}

#[test]
fn wrong_bytes_never_load_and_the_next_pull_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content(), &[Behaviour::WrongBytes]);
    let error = format!("{:#}", try_pull(folder.path(), &server).unwrap_err());
    assert!(error.contains("model.bin"), "{error}");
    try_pull(folder.path(), &server).unwrap();
}

#[test]
fn a_refusal_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(content(), &[Behaviour::Forbid]);
    let error = format!("{:#}", try_pull(folder.path(), &server).unwrap_err());
    assert!(
        error.contains("403") && error.contains("greffier models import"),
        "{error}"
    );
}

#[test]
fn a_mirror_directory_needs_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = tempfile::tempdir().unwrap();
    std::fs::create_dir(mirror.path().join("small")).unwrap();
    std::fs::write(mirror.path().join("small/model.bin"), content()).unwrap();
    let manifest = manifest(&content());
    let entry = manifest.model("small").unwrap().clone();
    let store = WeightsStore::new(folder.path(), manifest);
    let origins = Origins {
        mirror: Some(mirror.path().to_owned()),
        hub: "http://127.0.0.1:1".to_owned(),
    };
    pull(&store, &entry, &origins, &ProgressBar::hidden()).unwrap();
}
