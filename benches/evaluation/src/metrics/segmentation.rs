//! Pk and WindowDiff of linear segmentation.
//!
//! Pk: Beeferman, Berger and Lafferty, "Statistical Models for Text Segmentation", 1999. WindowDiff: Pevzner and Hearst,
//! "A Critique and Improvement of an Evaluation Metric for Text Segmentation", 2002. The window is half the mean length
//! of the reference segments, at least 2.

/// Share of the windows that are judged wrongly, in 0..=1; lower is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentationError {
    /// Wrong on whether both ends of the window are in one segment.
    pub pk: f64,
    /// Wrong on how many boundaries lie within the window.
    pub window_diff: f64,
}

/// Compares boundaries, each the position of the first unit of a segment in 1..`units`, without repeats.
pub fn segmentation_error(reference: &[usize], hypothesis: &[usize], units: usize) -> SegmentationError {
    let window = window(reference.len() + 1, units);
    let (reference, hypothesis) = (
        boundaries_before(reference, units),
        boundaries_before(hypothesis, units),
    );
    let windows = units.saturating_sub(window);
    let (mut pk, mut window_diff) = (0_usize, 0_usize);
    for first in 0..windows {
        let within = |counts: &[usize]| counts[first + window + 1] - counts[first + 1];
        let (expected, found) = (within(&reference), within(&hypothesis));
        pk += usize::from((expected == 0) != (found == 0));
        window_diff += usize::from(expected != found);
    }
    let share = |errors: usize| errors as f64 / windows.max(1) as f64;
    SegmentationError {
        pk: share(pk),
        window_diff: share(window_diff),
    }
}

fn window(segments: usize, units: usize) -> usize {
    ((units as f64 / segments as f64 / 2.0).round_ties_even() as usize).max(2)
}

/// For each position, how many boundaries lie before it.
fn boundaries_before(boundaries: &[usize], units: usize) -> Vec<usize> {
    let mut counts = vec![0; units + 1];
    for &boundary in boundaries {
        counts[boundary + 1] += 1;
    }
    for at in 1..counts.len() {
        counts[at] += counts[at - 1];
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &[usize], hypothesis: &[usize], units: usize, pk: f64, window_diff: f64) {
        let error = segmentation_error(reference, hypothesis, units);
        assert!(
            (error.pk - pk).abs() < 1e-9 && (error.window_diff - window_diff).abs() < 1e-9,
            "{error:?}"
        );
    }

    #[test]
    fn errors_are_those_of_the_definitions() {
        check(&[5], &[5], 10, 0.0, 0.0);
        // Window 2 of 10 units: 8 windows, two of which hold the missed boundary.
        check(&[5], &[], 10, 2.0 / 8.0, 2.0 / 8.0);
        check(&[5], &[6], 10, 2.0 / 8.0, 2.0 / 8.0);
        // The second boundary hides from Pk where the first one is in the window as well.
        check(&[5], &[5, 6], 10, 1.0 / 8.0, 2.0 / 8.0);
        check(&[], &[], 0, 0.0, 0.0);
    }
}
