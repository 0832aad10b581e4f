//! Names and languages of the tracks of a Matroska or WebM file. Source: RFC 9559; EBML: RFC 8794.

use std::io::Read;

use super::titles::{Title, language, name};

/// How an EBML file begins.
pub(super) const MAGIC: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// Titles stand before the sound, within this many bytes.
const HEAD_MAX: u64 = 1 << 20;

const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const NAME: u32 = 0x536e;
const LANGUAGE: u32 = 0x0022_b59c;
const LANGUAGE_BCP47: u32 = 0x0022_b59d;

/// Reads titles by track number.
pub(super) fn read(file: impl Read) -> std::io::Result<Vec<(u32, Title)>> {
    let mut head = Vec::new();
    file.take(HEAD_MAX).read_to_end(&mut head)?;
    Ok(Elements(&head)
        .filter(|(id, _)| *id == SEGMENT)
        .flat_map(|(_, segment)| Elements(segment))
        .filter(|(id, _)| *id == TRACKS)
        .flat_map(|(_, tracks)| Elements(tracks))
        .filter(|(id, _)| *id == TRACK_ENTRY)
        .filter_map(|(_, entry)| track(entry))
        .collect())
}

fn track(entry: &[u8]) -> Option<(u32, Title)> {
    let (mut number, mut title, mut tag) = (None, Title::default(), None);
    for (id, body) in Elements(entry) {
        match id {
            TRACK_NUMBER => number = u32::try_from(unsigned(body)?).ok(),
            NAME => title.name = name(body),
            LANGUAGE => title.language = language(body),
            LANGUAGE_BCP47 => tag = language(body),
            _ => {}
        }
    }
    title.language = tag.or(title.language);
    Some((number?, title))
}

/// The elements of a master element, as id and body; what is cut or makes no sense ends them.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let id_len = self.0.first()?.leading_zeros() as usize + 1;
        let id = unsigned(self.0.get(..id_len).filter(|_| id_len <= 4)?)? as u32;
        let rest = &self.0[id_len..];
        let size_len = rest.first()?.leading_zeros() as usize + 1;
        let marked = unsigned(rest.get(..size_len).filter(|_| size_len <= 8)?)?;
        let mask = (1_u64 << (7 * size_len)) - 1;
        let rest = &rest[size_len..];
        // All ones: the size was not known when it was written. Such an element, and one that is cut, goes to the end.
        let size = match marked & mask {
            unknown if unknown == mask => rest.len(),
            size => usize::try_from(size).unwrap_or(usize::MAX).min(rest.len()),
        };
        let (body, after) = rest.split_at(size);
        self.0 = after;
        Some((id, body))
    }
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An element of less than 127 bytes.
    fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
        [id, &[0x80 | body.len() as u8], body].concat()
    }

    fn file(entries: &[Vec<u8>]) -> Vec<u8> {
        let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &entries.concat());
        // A segment that was written live: of unknown size.
        let segment = [&[0x18, 0x53, 0x80, 0x67, 0x01], &[0xff; 7][..], &tracks].concat();
        [element(&MAGIC, b"webm"), segment].concat()
    }

    fn entry(number: u8, name: &[u8], language: &[u8], tag: &[u8]) -> Vec<u8> {
        let mut body = element(&[0xd7], &[number]);
        body.extend(element(&[0x53, 0x6e], name));
        body.extend(element(&[0x22, 0xb5, 0x9c], language));
        body.extend(element(&[0x22, 0xb5, 0x9d], tag));
        element(&[0xae], &body)
    }

    #[test]
    fn names_and_languages_are_read() {
        let file = file(&[entry(1, "Zoé".as_bytes(), b"fre", b"fr-CA"), entry(2, b"", b"eng", b"")]);
        let titles = read(file.as_slice()).unwrap();
        let of = |at: usize| {
            (
                titles[at].0,
                titles[at].1.name.as_deref(),
                titles[at].1.language.as_deref(),
            )
        };
        assert_eq!(of(0), (1, Some("Zoé"), Some("fr-CA")));
        assert_eq!(of(1), (2, None, Some("eng")));
    }

    proptest! {
        #[test]
        fn damage_is_survived(place in 0_usize..120, byte: u8, kept in 0_usize..150) {
            let mut file = file(&[entry(1, b"Alice", b"fre", b"fr"), entry(2, b"Bob", b"eng", b"en")]);
            let at = place % file.len();
            file[at] = byte;
            file.truncate(kept);
            let _ = read(file.as_slice());
        }
    }
}
