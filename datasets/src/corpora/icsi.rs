//! The ICSI corpus: research meetings of three to nine people, in the records of [`super::ami`].
//!
//! Janin et al., "The ICSI meeting corpus", ICASSP 2003; CC BY 4.0. Differences: roles are written out (`Professor`),
//! dialogue acts are those of MRDA, a summary has `progress` and no `actions`, and half the meetings have no summary.

use super::ami::AmiMeeting;

/// A meeting of the corpus.
pub type IcsiMeeting = AmiMeeting;

/// The series of the meeting `id`: its first three letters name the research group, `Bmr` of `Bmr012`.
pub fn series(id: &str) -> &str {
    id.char_indices().nth(3).map_or(id, |(end, _)| &id[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_the_group() {
        assert_eq!(series("Bmr012"), "Bmr");
        assert_eq!(series("B"), "B");
        assert_eq!(series("éàü1"), "éàü");
    }
}
