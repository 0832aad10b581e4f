//! Recordings through the server: uploaded, heard as by `greffier run`, played, and transcribed as OpenAI's clients ask.
//! Real words need a real model: the shared demo model is used where it is.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::downloads::{Server as Hub, manifest, speech_model};
use crate::server::{Server, form};
use crate::workbench::{Workbench, random_model, sample, shared, silence};

#[test]
fn a_recording_that_is_uploaded_becomes_what_greffier_run_makes_of_it() {
    let Some(recording) = shared("audio/faster-whisper/stereo_diarization.wav") else {
        return;
    };
    let alone = Workbench::new();
    let model = shared("demo-model/demo-en-fr-q5_1.bin").unwrap_or_else(|| random_model(&alone));
    let report = alone.json(&["run", &recording, "--speech-model", &model]);
    let expected = alone.json(&["show", report["meeting"]["id"].as_str().unwrap()]);

    let bench = Workbench::new();
    let server = Server::start(&bench, &["--anonymous", "--speech-model", &model]);
    let content = fs::read(&recording).unwrap();
    let sent = |name: &str| {
        let job = server.upload(name, &content, &[]).json();
        let job = server.ended(job["job"]["id"].as_str().unwrap());
        assert_eq!(
            (&job["state"], &job["lane"]),
            (&json!("done"), &json!("speech")),
            "{job:#}"
        );
        job["meetings"][0].as_str().unwrap().to_owned()
    };
    let id = sent("2026-05-04-stereo_diarization.wav");
    let transcript = server.get(&format!("/v1/meetings/{id}/transcript")).json();
    let texts = |transcript: &Value| -> Vec<Value> {
        let utterances = transcript["utterances"].as_array().unwrap().iter();
        utterances.map(|utterance| utterance["text"].clone()).collect()
    };
    assert_eq!(texts(&transcript), texts(&expected["transcript"]));
    assert_eq!(
        transcript["suppressed"].as_array().unwrap().len(),
        report["transcript"]["suppressed"]
    );

    // Under another name it is the same meeting, and can still be played.
    assert_eq!(sent("again.wav"), id);
    let meeting = server.get(&format!("/v1/meetings/{id}")).json();
    assert!(
        meeting["started_at"].as_str().unwrap().starts_with("2026-05-04"),
        "{meeting:#}"
    );
    let sound = meeting["recording"].as_str().unwrap();
    let part = server.call("GET", sound, &[("range", "bytes=0-3")], &[]);
    assert_eq!((part.status, part.body.as_slice()), (206, b"RIFF".as_slice()));
    assert!(
        fs::read_dir(bench.path("library/work")).unwrap().next().is_none(),
        "a meeting that is kept needs no journal"
    );
}

#[test]
fn a_recording_that_is_not_for_the_model_is_given_up_at_once() {
    let Some(recording) = shared("audio/jfk/jfk.wav") else {
        return;
    };
    let bench = Workbench::new();
    let server = Server::start(&bench, &["--anonymous", "--speech-model", "demo"]);
    let job = server.upload("jfk.wav", &fs::read(recording).unwrap(), &[]).json();
    let job = server.ended(job["job"]["id"].as_str().unwrap());
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("dead"), &json!(1)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap();
    assert!(error.contains("greffier models pull"), "{error}");
}

#[test]
fn a_recording_that_cannot_be_decoded_is_given_up_at_once() {
    let bench = Workbench::new();
    let server = Server::start(&bench, &["--anonymous", "--speech-model", "demo"]);
    let mut broken = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
    broken.extend([0xff; 64]);
    let job = server.upload("broken.wav", &broken, &[]).json();
    let job = server.ended(job["job"]["id"].as_str().unwrap());
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("dead"), &json!(1)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap();
    assert!(error.contains("broken.wav"), "{error}");
}

#[test]
fn what_was_taken_out_is_read_and_put_back_over_http() {
    let Some(recording) = shared("audio/faster-whisper/stereo_diarization.wav") else {
        return;
    };
    let bench = Workbench::new();
    // What a model that knows nothing makes of speech is what the guards are there for.
    let model = random_model(&bench);
    let id = bench.json(&["run", &recording, "--speech-model", &model])["meeting"]["id"].clone();
    let id = id.as_str().unwrap();
    let server = Server::start(&bench, &["--anonymous"]);
    let transcript = || server.get(&format!("/v1/meetings/{id}/transcript")).json();
    let before = transcript();
    let taken_out = before["suppressed"].as_array().unwrap();
    assert!(!taken_out.is_empty());
    let restore = |position: usize| {
        let path = format!("/v1/meetings/{id}/suppressed/{position}/restore");
        server.call("POST", &path, &[], &[]).status
    };
    assert_eq!(restore(0), 200);
    let after = transcript();
    assert_eq!(after["suppressed"].as_array().unwrap().len(), taken_out.len() - 1);
    let utterances = after["utterances"].as_array().unwrap();
    assert!(
        utterances
            .iter()
            .any(|utterance| utterance["text"] == taken_out[0]["text"])
    );
    assert_eq!(restore(99), 404);
}

#[test]
fn without_a_model_recordings_are_refused_and_a_watched_one_waits_for_one() {
    let bench = Workbench::new();
    let recording = silence(&bench, "inbox/2026-03-05-silence.wav", 2);
    let folder = bench.path("inbox");
    let folder = folder.to_str().unwrap();
    let server = Server::start(&bench, &["--anonymous", "--watch", folder]);
    assert_eq!(server.get("/v1/session").json()["speech_model"], false);
    let content = fs::read(&recording).unwrap();
    // By its name, before it is sent, or by what is in it, at the end.
    let metadata = [("upload-length", "1"), ("upload-metadata", "filename c2lsZW5jZS53YXY=")];
    let begun = server.call("POST", "/v1/uploads", &metadata, &[]);
    for refused in [
        begun,
        server.upload("silence.wav", &content, &[]),
        server.upload("silence.txt", &content, &[]),
    ] {
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.text().contains("no speech model") && refused.header("retry-after").is_none());
    }
    let refused = server.send_form("/v1/audio/transcriptions", "silence.wav", &content, &[("model", "any")]);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(
        fs::read_dir(bench.path("library/service/uploads"))
            .unwrap()
            .next()
            .is_none(),
        "what is refused is not kept"
    );
    assert!(server.stop().success());
    // The only one that is installed needs no name.
    let model = speech_model(7);
    let digest = datasets::library::sha256_hex(&model);
    bench.write("models/manifest.toml", &manifest("speech", &model, Some(&digest)));
    let named = bench.failure(1, &["serve", "--speech-model", "small"]);
    assert!(named.contains("models pull small"), "{named}");
    let hub = Hub::start(model, &[]);
    bench.text(&["models", "pull", "small", "--hub", &hub.address]);
    let server = Server::start(&bench, &["--anonymous", "--watch", folder]);
    let done = loop {
        let jobs = server.get("/v1/jobs").json()["items"].clone();
        if let Some(job) = jobs.get(0) {
            break server.ended(job["id"].as_str().unwrap());
        }
        std::thread::yield_now();
    };
    assert_eq!(
        (&done["state"], &done["meetings"][0]),
        (&json!("done"), &json!("2026-03-05-silence"))
    );
}

#[test]
fn a_recording_of_several_tracks_is_played_as_one() {
    let bench = Workbench::new();
    let planning = bench.write("planning.txt", "Ann: We release on Monday.\n");
    bench.text(&["run", planning.to_str().unwrap()]);
    let source = bench.path("library/meetings/planning/source/planning.txt");
    fs::copy(sample("2026-03-05-release-planning-tracks.mka"), &source).unwrap();
    let server = Server::start(&bench, &["--anonymous"]);
    let meeting = server.get("/v1/meetings/planning").json();
    assert_eq!(meeting["recording"], "/v1/meetings/planning/recording/mix");
    assert_eq!(meeting["original"], "/v1/meetings/planning/recording");
    let mix = meeting["recording"].as_str().unwrap();
    let part = server.call("GET", mix, &[("range", "bytes=0-3")], &[]);
    assert_eq!((part.status, part.body.as_slice()), (206, b"RIFF".as_slice()));
    let whole = server.get(mix);
    assert!(whole.header("content-type").unwrap().starts_with("audio/"));
    let samples: usize = audio::LaneReader::open(&source).unwrap().map(|block| block.len).sum();
    assert_eq!(whole.body.len(), 44 + 2 * samples);
    assert_eq!(server.get("/v1/meetings/nonesuch/recording/mix").status, 404);
    let mixes = || fs::read_dir(bench.path("library/work")).unwrap().count();
    assert_eq!(mixes(), 1);
    assert_eq!(server.call("DELETE", "/v1/meetings/planning", &[], &[]).status, 200);
    assert_eq!(mixes(), 0);
}

#[test]
fn openai_s_interface_answers_in_all_its_forms_and_keeps_nothing() {
    let bench = Workbench::new();
    let (recording, words) = match (shared("audio/jfk/jfk.flac"), shared("demo-model/demo-en-fr-q5_1.bin")) {
        (Some(recording), Some(_)) => (recording, true),
        _ => (silence(&bench, "silence.wav", 2), false),
    };
    let model = shared("demo-model/demo-en-fr-q5_1.bin").unwrap_or_else(|| random_model(&bench));
    let server = Server::start(&bench, &["--anonymous", "--speech-model", &model]);
    let content = fs::read(&recording).unwrap();
    let ask = |fields: &[(&str, &str)]| {
        let fields = [&[("model", "whisper-1")], fields].concat();
        server.send_form("/v1/audio/transcriptions", "talk.flac", &content, &fields)
    };
    let plain = ask(&[]).json();
    let text = plain["text"].as_str().unwrap();
    assert_eq!(!text.is_empty(), words, "{plain}");
    assert_eq!(ask(&[("response_format", "text")]).text().trim_end(), text);
    assert!(ask(&[("response_format", "vtt")]).text().starts_with("WEBVTT"));
    assert_eq!(ask(&[("response_format", "srt")]).text().contains("-->"), words);
    let verbose = ask(&[
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("language", "en"),
    ]);
    let verbose = verbose.json();
    assert_eq!(
        (&verbose["language"], &verbose["text"]),
        (&json!("english"), &json!(text))
    );
    assert_eq!(!verbose["words"].as_array().unwrap().is_empty(), words, "{verbose}");
    let speakers = ask(&[("response_format", "diarized_json")]).json();
    assert_eq!(
        !speakers["segments"].as_array().unwrap().is_empty(),
        words,
        "{speakers}"
    );
    let streamed = ask(&[("stream", "true")]);
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"));
    assert!(streamed.text().contains("transcript.text.done"));
    assert_eq!(ask(&[("response_format", "tiff")]).status, 400);
    let no_sound = server.send_form("/v1/audio/transcriptions", "talk.txt", b"Ann: Hello.", &[]);
    assert_eq!(no_sound.status, 422, "{}", no_sound.text());
    assert_eq!(server.get("/v1/models").json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/meetings").json()["total"], 0);
    assert!(
        fs::read_dir(bench.path("library/service/uploads"))
            .unwrap()
            .next()
            .is_none()
    );
}

/// The sample's talk over and over, for half an hour.
fn long_talk(bench: &Workbench, path: &str) -> Vec<u8> {
    let path = bench.path(path);
    let mut wav = audio::WavFile::create(&path).unwrap();
    let talk: Vec<f32> = audio::LaneReader::open(sample("2026-03-05-release-planning-mixed.ogg").as_ref())
        .unwrap()
        .flat_map(|block| {
            block
                .lanes
                .into_iter()
                .next()
                .map_or_else(Vec::new, |lane| lane.samples)
        })
        .collect();
    for _ in 0..8 {
        wav.write(&talk).unwrap();
    }
    wav.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn a_recording_that_nobody_wants_any_more_is_heard_no_further() {
    let bench = Workbench::new();
    let talk = long_talk(&bench, "talk.wav");
    let server = Server::start(&bench, &["--anonymous", "--speech-model", "demo"]);
    let is_empty = |folder: &str| fs::read_dir(bench.path(folder)).unwrap().next().is_none();
    let job = server.upload("talk.wav", &talk, &[]).json()["job"]["id"].clone();
    let job = format!("/v1/jobs/{}", job.as_str().unwrap());
    let step = || server.get(&job).json()["progress"].clone();
    server.until("the recording is heard", || {
        step()["step"] == "transcribing" && step()["done"].as_u64() > Some(0)
    });
    let asked = server.call("DELETE", &job, &[], &[]);
    assert_eq!(asked.status, 202, "{}", asked.text());
    server.until("the job is gone", || server.get(&job).status == 404);
    server.until("its file is gone", || is_empty("library/service/uploads"));
    assert!(is_empty("library/work"), "nor what was heard of it is kept");
    assert_eq!(server.get("/v1/meetings").json()["total"], 0);
    // The next one is heard at once.
    let next = server.upload(
        "silence.wav",
        &fs::read(silence(&bench, "silence.wav", 2)).unwrap(),
        &[],
    );
    let next = server.ended(next.json()["job"]["id"].as_str().unwrap());
    assert_eq!(next["state"], "done", "{next:#}");
}

#[test]
fn a_transcription_whose_caller_has_gone_is_ended() {
    let bench = Workbench::new();
    let talk = long_talk(&bench, "talk.wav");
    let server = Server::start(&bench, &["--anonymous", "--speech-model", "demo"]);
    let (content_type, form) = form("talk.wav", &talk, &[("model", "any")]);
    let host = server.address.trim_start_matches("http://");
    let mut caller = std::net::TcpStream::connect(host).unwrap();
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        form.len()
    );
    caller.write_all(head.as_bytes()).unwrap();
    caller.write_all(&form).unwrap();
    let is_heard = || {
        let uploads = walkdir::WalkDir::new(bench.path("library/service/uploads"));
        let mut files = uploads.into_iter().filter_map(Result::ok);
        files.any(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"))
    };
    server.until("the recording is heard", is_heard);
    drop(caller);
    // There is one model: the next is heard when it has let go of this one.
    server.until("the next is heard", || {
        let content = fs::read(silence(&bench, "silence.wav", 2)).unwrap();
        let heard = server.send_form("/v1/audio/transcriptions", "silence.wav", &content, &[]);
        heard.status == 200
    });
    let metrics = server.get("/metrics").text();
    let mut lines = metrics.lines();
    let heard = lines.find_map(|line| line.strip_prefix("greffier_sound_seconds_total "));
    assert!(heard.unwrap().parse::<f64>().unwrap() < 60.0, "{metrics}");
}
