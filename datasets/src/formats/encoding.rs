//! Bytes to text: UTF-8 or UTF-16, else Windows-1252 with a warning; recordings and office files are told apart.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::ReadProblem;

/// Text and what had to be assumed to get it.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) warning: Option<String>,
}

/// How many bytes are looked at to tell text from something else.
const PROBE_BYTES: usize = 4096;

/// First bytes of files that people take for transcripts, from the definitions of these formats.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"PK\x03\x04", "a Word, OpenDocument or zip file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"{\\rtf", "a rich text document"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document"),
    (0, b"RIFF", "a WAV or AVI recording"),
    (0, b"FORM", "an AIFF recording"),
    (0, b"caff", "a CAF recording"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"\xff\xfb", "an MP3 recording"),
    (0, b"\xff\xf3", "an MP3 recording"),
    (0, b"\xff\xf1", "an AAC recording"),
    (0, b"\xff\xf9", "an AAC recording"),
    (0, b"#!AMR", "an AMR recording"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media recording"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"fLaC", "a FLAC recording"),
    (4, b"ftyp", "an MP4 recording"),
    (0, b"\x1a\x45\xdf\xa3", "a WebM or Matroska recording"),
    (0, b"\x1f\x8b", "a gzip archive"),
];

/// Decodes `bytes`; the byte order mark does not stay in the text.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, ReadProblem> {
    if let Some(kind) = signature(bytes) {
        return Err(ReadProblem::Binary { kind });
    }
    let decoded = if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        with(encoding, bytes)
    } else if let Some(encoding) = utf16_without_mark(bytes) {
        with(encoding, bytes)
    } else if bytes.iter().take(PROBE_BYTES).any(|&byte| byte == 0) {
        return Err(ReadProblem::Binary { kind: "binary data" });
    } else if looks_like_json(bytes) {
        // JSON is UTF-8 by definition. whisper.cpp cuts characters between tokens, which leaves a few bad bytes.
        with(UTF_8, bytes)
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        Decoded {
            text: text.to_owned(),
            warning: None,
        }
    } else {
        let mut decoded = with(WINDOWS_1252, bytes);
        decoded.warning = Some("the file is not UTF-8; it was read as Windows-1252".to_owned());
        decoded
    };
    if decoded.text.trim().is_empty() {
        return Err(ReadProblem::Empty);
    }
    Ok(decoded)
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, _, replaced) = encoding.decode(bytes);
    Decoded {
        text: text.into_owned(),
        warning: replaced.then(|| format!("some characters are not valid {} and were replaced", encoding.name())),
    }
}

fn signature(bytes: &[u8]) -> Option<&'static str> {
    SIGNATURES
        .iter()
        .find(|(offset, magic, _)| bytes.get(*offset..).is_some_and(|rest| rest.starts_with(magic)))
        .map(|&(_, _, kind)| kind)
}

/// Whether a file that begins with `head` (a few bytes are enough) holds sound and not text.
pub fn is_recording(head: &[u8]) -> bool {
    signature(head).is_some_and(|kind| kind.ends_with(" recording"))
}

/// Text of mostly Latin letters in UTF-16 has a zero in every second byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let probe = bytes.get(..bytes.len().min(PROBE_BYTES)).unwrap_or_default();
    let zeros = |parity: usize| probe.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = probe.len() / 2;
    match () {
        () if pairs < 4 => None,
        () if odd * 10 >= pairs * 7 && even * 20 < pairs => Some(UTF_16LE),
        () if even * 10 >= pairs * 7 && odd * 20 < pairs => Some(UTF_16BE),
        () => None,
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], text: &str, warned: bool) {
        let decoded = decode(bytes).unwrap();
        assert_eq!(decoded.text, text);
        assert_eq!(decoded.warning.is_some(), warned, "{:?}", decoded.warning);
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        check("Réunion".as_bytes(), "Réunion", false);
        check(b"\xef\xbb\xbfR\xc3\xa9union", "Réunion", false);
        check(b"\xff\xfeR\0\xe9\0u\0n\0i\0o\0n\0", "Réunion", false);
        check(b"\xfe\xff\0R\0\xe9\0u\0n\0i\0o\0n", "Réunion", false);
        check(b"R\0\xe9\0u\0n\0i\0o\0n\0", "Réunion", false);
        check(b"R\xe9union", "Réunion", true);
    }

    #[test]
    fn broken_json_stays_utf8() {
        check(b" {\"text\":\"R\xc3\xa9 \xc3\"}", " {\"text\":\"Ré \u{fffd}\"}", true);
    }

    #[test]
    fn recordings_and_documents_are_named() {
        for (bytes, expected) in [
            (&b"ID3\x03\0\0"[..], "an MP3 recording"),
            (b"PK\x03\x04rest", "a Word, OpenDocument or zip file"),
            (b"\0\0\0\x20ftypM4A ", "an MP4 recording"),
            (b"abc\0\0\0\0", "binary data"),
        ] {
            let Err(ReadProblem::Binary { kind }) = decode(bytes) else {
                panic!("{bytes:?}");
            };
            assert_eq!(kind, expected);
        }
        assert!(matches!(decode(b" \r\n"), Err(ReadProblem::Empty)));
    }
}
