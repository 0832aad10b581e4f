//! What symphonia does not tell of an MP4 or QuickTime file: names, languages and late starts of its tracks, and the
//! length it should have. Source: ISO/IEC 14496-12 (`trak`, `mdhd`, `udta`, `elst`); the box `name` in `udta` is
//! QuickTime's.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::titles::{Title, language, name};

/// The type of the first box.
pub(super) const MAGIC: &[u8] = b"ftyp";

/// A movie box is read as a whole; one with the tables of eight hours takes a few MiB.
const MOVIE_MAX: u64 = 64 << 20;

/// Reads titles by track id.
pub(super) fn read(mut file: impl Read + Seek) -> std::io::Result<Vec<(u32, Title)>> {
    let mut titles: Vec<(u32, Title)> = Vec::new();
    walk(&mut file, |kind, body| {
        if kind == b"moov" {
            let mut movie = Vec::new();
            body.take(MOVIE_MAX).read_to_end(&mut movie)?;
            let scale = find(&movie, &[b"mvhd"]).and_then(time_scale);
            let tracks = Boxes(&movie).filter(|(kind, _)| kind == b"trak");
            titles = tracks.filter_map(|(_, track)| title(track, scale)).collect();
        }
        Ok(())
    })?;
    // A piece of a longer recording keeps its distance from that one's start in all of its tracks.
    let common = titles.iter().map(|(_, title)| title.delay).min().unwrap_or_default();
    for (_, title) in &mut titles {
        title.delay -= common;
    }
    Ok(titles)
}

/// The length that the file at `path` should have by its boxes, if it is an MP4 file and shorter than that: it was cut.
pub(super) fn length_before_cut(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let is = file.metadata().ok()?.len();
    let mut magic = [0; 8];
    file.read_exact(&mut magic).ok()?;
    let should = (&magic[4..] == MAGIC).then(|| walk(&mut file, |_, _| Ok(())))?.ok()?;
    (should > is).then_some(should)
}

/// Calls `visit` with type and body of each box of the file, and returns where the last one ends or should end.
fn walk<F: Read + Seek>(
    file: &mut F,
    mut visit: impl FnMut(&[u8; 4], &mut dyn Read) -> std::io::Result<()>,
) -> std::io::Result<u64> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut at = 0_u64;
    // A box has a header of eight bytes; less than that at the end of the file is none.
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at))?;
        let (kind, header, size) = top_box(file, end - at)?;
        visit(&kind, &mut file.take(size - header))?;
        at = at.saturating_add(size);
    }
    Ok(at)
}

/// Type, header length and whole length of the box at the file's position, `left` bytes before its end.
fn top_box(file: &mut impl Read, left: u64) -> std::io::Result<([u8; 4], u64, u64)> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [a, b, c, d, kind @ ..] = head;
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, left),
        1 => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            (16, u64::from_be_bytes(long))
        }
        size => (8, u64::from(size)),
    };
    // A box that is shorter than its header would never be passed.
    Ok((kind, header, size.max(header)))
}

fn title(track: &[u8], movie_scale: Option<u32>) -> Option<(u32, Title)> {
    let head = find(track, &[b"tkhd"])?;
    // Version 1 has 64-bit times before the id.
    let id_at = if head.first()? == &1 { 20 } else { 12 };
    let id = u32::from_be_bytes(head.get(id_at..id_at + 4)?.try_into().ok()?);
    let media = find(track, &[b"mdia", b"mdhd"]);
    Some((
        id,
        Title {
            // The handler's name is the muxer's ("SoundHandler"), not the speaker's.
            name: find(track, &[b"udta", b"name"]).and_then(name),
            language: media.and_then(packed_language),
            delay: find(track, &[b"edts", b"elst"])
                .zip(movie_scale)
                .and_then(|(edits, scale)| empty_edit(edits, scale))
                .unwrap_or_default(),
        },
    ))
}

/// Units of the movie's clock in a second.
fn time_scale(movie_header: &[u8]) -> Option<u32> {
    let at = if movie_header.first()? == &1 { 20 } else { 12 };
    Some(u32::from_be_bytes(movie_header.get(at..at + 4)?.try_into().ok()?)).filter(|&scale| scale > 0)
}

/// Length of the empty edit with which the track begins: somebody who joined late.
fn empty_edit(edits: &[u8], movie_scale: u32) -> Option<Duration> {
    let number = |at: usize, len: usize| {
        let bytes = edits.get(at..at + len)?;
        Some(bytes.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte)))
    };
    let len = if edits.first()? == &1 { 8 } else { 4 };
    let (length, media_time) = (number(8, len)?, number(8 + len, len)?);
    let is_empty = media_time == u64::MAX >> (64 - 8 * len);
    let seconds = length as f64 / f64::from(movie_scale);
    is_empty.then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// Three letters of five bits each, counted from the one before `a`.
fn packed_language(media_header: &[u8]) -> Option<String> {
    let at = if media_header.first()? == &1 { 32 } else { 20 };
    let packed = u16::from_be_bytes(media_header.get(at..at + 2)?.try_into().ok()?);
    let letters = [packed >> 10, packed >> 5, packed].map(|bits| 0x60 + (bits & 31) as u8);
    letters.iter().all(u8::is_ascii_lowercase).then(|| language(&letters))?
}

/// The body of the box at `path` within `boxes`.
fn find<'a>(boxes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(boxes, |body, wanted| {
        Boxes(body).find(|(kind, _)| kind == *wanted).map(|(_, body)| body)
    })
}

/// The boxes of a container box, as type and body; what is cut or makes no sense ends them.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[a, b, c, d, k0, k1, k2, k3] = self.0.first_chunk::<8>()?;
        let size = (u32::from_be_bytes([a, b, c, d]) as usize).min(self.0.len());
        let (whole, after) = self.0.split_at(size);
        self.0 = after;
        Some(([k0, k1, k2, k3], whole.get(8..)?))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    fn track(id: u8, name: &[u8], delay: u8) -> Vec<u8> {
        let head = boxed(b"tkhd", &[&[0; 12][..], &[0, 0, 0, id], &[0; 64]].concat());
        // One edit, of nothing, for `delay` units of the movie's clock.
        let edit = boxed(
            b"elst",
            &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, delay, 255, 255, 255, 255, 0, 1, 0, 0],
        );
        // "fra" in five bits a letter.
        let media = boxed(
            b"mdia",
            &boxed(b"mdhd", &[&[0; 20][..], &[0x1a, 0x41], &[0; 2]].concat()),
        );
        let name = boxed(b"udta", &boxed(b"name", name));
        boxed(b"trak", &[head, boxed(b"edts", &edit), media, name].concat())
    }

    fn movie(tracks: &[Vec<u8>]) -> Vec<u8> {
        let head = boxed(b"mvhd", &[&[0; 12][..], &[0, 0, 0, 10], &[0; 84]].concat());
        let movie = boxed(b"moov", &[head, tracks.concat()].concat());
        [boxed(b"ftyp", b"isom"), boxed(b"mdat", &[7; 100]), movie].concat()
    }

    #[test]
    fn titles_languages_and_late_starts_are_read() {
        let file = movie(&[track(1, b"Alice", 30), track(2, b"", 55)]);
        let title = |name: Option<&str>, millis| Title {
            name: name.map(str::to_owned),
            language: Some("fra".to_owned()),
            delay: Duration::from_millis(millis),
        };
        let expected = vec![(1, title(Some("Alice"), 0)), (2, title(None, 2_500))];
        assert_eq!(read(Cursor::new(file)).unwrap(), expected);
    }

    #[test]
    fn a_file_that_was_cut_tells_how_long_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.mp4");
        let whole = movie(&[]);
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(length_before_cut(&path), None);
        std::fs::write(&path, &whole[..50]).unwrap();
        assert_eq!(length_before_cut(&path), Some(12 + 108));
    }

    proptest! {
        #[test]
        fn damage_is_survived(place in 0_usize..300, byte: u8, kept in 0_usize..400) {
            let mut file = movie(&[track(1, b"Alice", 30), track(2, b"Bob", 55)]);
            let at = place % file.len();
            file[at] = byte;
            file.truncate(kept);
            let _ = read(Cursor::new(file));
        }
    }
}
