//! A job that was cut short after its meeting could be seen runs once more: what people did to the meeting meanwhile stands.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::Server;
use crate::workbench::Workbench;

const TALK: &str = "Ann: The budget of the library is approved.\nBob: I will order the shelves by Friday.\n";

/// A server whose upload is done, the meeting that came of it, and how the job was just before that was written down.
struct CutShort {
    bench: Workbench,
    meeting: String,
    job: String,
    upload: PathBuf,
}

impl CutShort {
    fn new() -> (Self, Server) {
        let bench = Workbench::new();
        let server = Server::start(&bench, &["--anonymous"]);
        let accepted = server.upload("shelves.txt", TALK.as_bytes(), &[("title", "Shelves")]);
        let job = accepted.json()["job"]["id"].as_str().unwrap().to_owned();
        let meeting = server.ended(&job)["meetings"][0].as_str().unwrap().to_owned();
        let store = store(&bench);
        store
            .execute_batch(
                "create table cut_short as select * from jobs;
                 update cut_short set state = 'running', meetings = null, finished_at = null;",
            )
            .unwrap();
        let parameters: String = store
            .query_row("select parameters from cut_short", [], |row| row.get(0))
            .unwrap();
        let parameters: Value = serde_json::from_str(&parameters).unwrap();
        let upload = PathBuf::from(parameters["path"].as_str().unwrap());
        let this = Self {
            bench,
            meeting,
            job,
            upload,
        };
        (this, server)
    }

    /// The server as it starts after the kill, the job done once more.
    fn again(&self, server: Server) -> Server {
        server.kill();
        let store = store(&self.bench);
        store
            .execute_batch("delete from jobs; insert into jobs select * from cut_short")
            .unwrap();
        let parameters = "insert into uploads (id, length, file_name, parameters, job, created_at)
             select substr(idempotency_key, 8), 1, 'shelves.txt', parameters, id, created_at from cut_short";
        store.execute(parameters, []).unwrap();
        std::fs::create_dir_all(self.upload.parent().unwrap()).unwrap();
        std::fs::write(&self.upload, TALK).unwrap();
        let server = Server::start(&self.bench, &["--anonymous"]);
        while store
            .query_row("select count(*) from jobs where state <> 'done'", [], |row| row.get(0))
            .is_ok_and(|left: i64| left > 0)
        {
            std::thread::yield_now();
        }
        server
    }

    fn uploads(&self) -> usize {
        let folder = self.bench.path("library/service/uploads");
        std::fs::read_dir(folder).unwrap().count()
    }
}

fn store(bench: &Workbench) -> Connection {
    let store = Connection::open(bench.path("library/service/service.sqlite")).unwrap();
    store.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    store
}

#[test]
fn what_was_deleted_stays_deleted() {
    let (cut_short, server) = CutShort::new();
    let path = format!("/v1/meetings/{}", cut_short.meeting);
    assert_eq!(server.call("DELETE", &path, &[], &[]).status, 200);
    let server = cut_short.again(server);
    assert_eq!(server.get("/v1/meetings").json()["total"], 0);
    // What the process was killed before is done at the latest when it starts again.
    assert!(server.stop().success());
    let server = Server::start(&cut_short.bench, &["--anonymous"]);
    assert_eq!(server.get("/v1/jobs").json()["items"], json!([]), "no job tells of it");
    assert_eq!(cut_short.uploads(), 0, "nor does a file");
}

#[test]
fn what_was_renamed_keeps_its_name() {
    let (cut_short, server) = CutShort::new();
    let path = format!("/v1/meetings/{}", cut_short.meeting);
    let change = json!({ "title": "Shelves and chairs", "series": "library" });
    assert_eq!(server.send("PATCH", &path, &change).status, 200);
    let server = cut_short.again(server);
    let meetings = server.get("/v1/meetings").json();
    assert_eq!(
        (
            &meetings["total"],
            &meetings["items"][0]["title"],
            &meetings["items"][0]["series"]
        ),
        (&json!(1), &json!("Shelves and chairs"), &json!("library")),
        "{meetings:#}"
    );
    assert_eq!(server.ended(&cut_short.job)["meetings"], json!([cut_short.meeting]));
}

#[test]
fn a_kill_just_before_the_end_leaves_no_upload() {
    let (cut_short, server) = CutShort::new();
    server.kill();
    // As it is when the job is done, and the file is not taken away yet.
    std::fs::create_dir_all(cut_short.upload.parent().unwrap()).unwrap();
    std::fs::write(&cut_short.upload, TALK).unwrap();
    let store = store(&cut_short.bench);
    store
        .execute_batch(
            "insert into uploads (id, length, file_name, parameters, created_at)
             select substr(idempotency_key, 8), 1, 'shelves.txt', parameters, created_at from jobs",
        )
        .unwrap();
    let server = Server::start(&cut_short.bench, &["--anonymous"]);
    assert_eq!(cut_short.uploads(), 0);
    assert_eq!(server.get("/v1/meetings").json()["total"], 1);
}

#[test]
fn a_watched_file_whose_meeting_was_deleted_does_not_come_again() {
    let bench = Workbench::new();
    bench.write("inbox/shelves.txt", TALK);
    let folder = bench.path("inbox");
    let arguments = ["--anonymous", "--watch", folder.to_str().unwrap()];
    let server = Server::start(&bench, &arguments);
    let listed = || server.get("/v1/meetings").json();
    while listed()["total"] == 0 {
        std::thread::yield_now();
    }
    let id = listed()["items"][0]["id"].as_str().unwrap().to_owned();
    while server.get("/v1/jobs?state=done").json()["items"] == json!([]) {
        std::thread::yield_now();
    }
    assert_eq!(
        server.call("DELETE", &format!("/v1/meetings/{id}"), &[], &[]).status,
        200
    );
    assert_eq!(server.get("/v1/jobs").json()["items"], json!([]), "no job tells of it");
    // Another file is taken after the folder was looked at twice.
    bench.write(
        "inbox/chairs.txt",
        "Ann: The chairs are here.\nBob: I will count them.\n",
    );
    while listed()["total"] == 0 {
        std::thread::yield_now();
    }
    let meetings = listed();
    assert_eq!(
        (&meetings["total"], &meetings["items"][0]["title"]),
        (&json!(1), &json!("chairs")),
        "{meetings:#}"
    );
}
