//! Loops: a recognizer that lost its place says the same again and again.

use miniz_oxide::deflate::compress_to_vec_zlib;

/// Longest phrase, in words, whose repetition is looked for.
const PHRASE_WORDS_MAX: usize = 12;
/// Of the words, the share that must stand in the loop.
const LOOP_SHARE: f64 = 0.6;

/// Length of the text over its length when compressed by zlib; OpenAI's measure. Talk has 1 to 2.
pub fn compression_ratio(text: &str) -> f32 {
    let compressed = compress_to_vec_zlib(text.as_bytes(), 6).len();
    text.len() as f32 / compressed.max(1) as f32
}

/// Whether most of the text is one phrase over and over. People repeat a word or two, so it takes more times where the
/// text is not `improbable` otherwise.
pub fn is_loop(text: &str, improbable: bool) -> bool {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect()
        })
        .collect();
    (1..=PHRASE_WORDS_MAX.min(words.len() / 2)).any(|phrase| {
        let times = longest_run(&words, phrase);
        let times_min = match (phrase, improbable) {
            (1, true) | (2.., false) => 4,
            (1, false) => 6,
            _ => 3,
        };
        times >= times_min && (times * phrase) as f64 >= LOOP_SHARE * words.len() as f64
    })
}

/// How often in a row a phrase of `length` words comes, for the phrase that comes most.
fn longest_run(words: &[String], length: usize) -> usize {
    let (mut longest, mut same) = (0, 0);
    for at in length..words.len() {
        same = if words[at] == words[at - length] { same + 1 } else { 0 };
        longest = longest.max(same);
    }
    longest / length + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_by_phrase() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(longest_run(&words("a a a a"), 1), 4);
        assert_eq!(longest_run(&words("x a b a b a b"), 2), 3);
        assert_eq!(longest_run(&words("a b c d"), 1), 1);
    }

    #[test]
    fn loops_are_told_from_emphasis() {
        assert!(is_loop("I am sure. I am sure. I am sure. I am sure.", false));
        assert!(is_loop("la la la la", true));
        assert!(!is_loop("very, very, very good", false));
        assert!(!is_loop("yes, yes, yes", false));
        assert!(!is_loop("", true));
        assert!(compression_ratio(&"and then we went ".repeat(12)) > 2.4);
        assert!(compression_ratio("The budget for the second quarter is with Pierre.") < 1.5);
    }
}
