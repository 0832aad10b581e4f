//! Numbers in digits and in words, French and English, as values that can be compared.

use std::collections::BTreeSet;

use super::words::ProofWord;

/// Values in thousandths, so that 12.5 is exact and two spellings of one number are equal.
pub(crate) type Thousandths = i64;

/// A number as it stands in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberPhrase {
    /// The words it is made of.
    pub(crate) words: std::ops::Range<usize>,
    /// What it may mean: `1,000` is a thousand in English and one in French.
    pub(crate) values: Vec<Thousandths>,
}

/// The longest run of number words that is read as one number; speech holds none longer.
const PHRASE_WORDS_MAX: usize = 10;

/// The numbers of a statement, each at its full length.
pub(crate) fn number_phrases(words: &[ProofWord]) -> Vec<NumberPhrase> {
    let mut phrases = Vec::new();
    let mut position = 0;
    while position < words.len() {
        let phrase = digits_at(words, position).or_else(|| spoken_at(words, position));
        match phrase {
            Some(phrase) => {
                position = phrase.words.end;
                phrases.push(phrase);
            }
            None => position += 1,
        }
    }
    phrases
}

/// Every value that the words could support: also the parts of a longer number, and sums said in pieces
/// ("twelve fifty" for 12.50).
pub(crate) fn supported_values(words: &[ProofWord]) -> BTreeSet<Thousandths> {
    let mut values = BTreeSet::new();
    for position in 0..words.len() {
        values.extend(digit_values(&words[position].folded));
        for end in position + 1..=words.len().min(position + PHRASE_WORDS_MAX) {
            match spoken_value(&words[position..end]) {
                Some(value) => {
                    values.insert(value);
                }
                None if is_number_word(&words[end - 1].folded) => {}
                None => break,
            }
        }
        values.extend(price_at(words, position));
    }
    values
}

/// "twelve fifty": units, then two digits of hundredths.
fn price_at(words: &[ProofWord], position: usize) -> Option<Thousandths> {
    let whole = small_value(&words.get(position)?.folded)?;
    let rest = words.get(position + 1)?;
    let hundredths = small_value(&rest.folded)?;
    (whole >= 1 && (10..100).contains(&hundredths)).then_some(whole * 1000 + hundredths * 10)
}

fn digits_at(words: &[ProofWord], position: usize) -> Option<NumberPhrase> {
    let word = &words[position];
    if !word.has_digit() {
        return None;
    }
    Some(NumberPhrase {
        words: position..position + 1,
        values: digit_values(&word.folded),
    })
}

fn spoken_at(words: &[ProofWord], position: usize) -> Option<NumberPhrase> {
    if !is_number_word(&words[position].folded) {
        return None;
    }
    let longest = words[position..]
        .iter()
        .take(PHRASE_WORDS_MAX)
        .take_while(|word| is_number_word(&word.folded))
        .count();
    let (length, value) = (1..=longest)
        .rev()
        .find_map(|length| Some((length, spoken_value(&words[position..position + length])?)))?;
    // "one", "un" and "une" alone are pronouns and articles far more often than numbers.
    let is_article = length == 1 && matches!(words[position].folded.as_str(), "one" | "un" | "une");
    (!is_article).then(|| NumberPhrase {
        words: position..position + length,
        values: vec![value],
    })
}

/// What the digits of one word may mean: `3rd` 3, `10h30` 10 and 30 as one value each.
pub(crate) fn digit_values(folded: &str) -> Vec<Thousandths> {
    let mut values = Vec::new();
    for group in folded.split(|c: char| !c.is_numeric() && !matches!(c, '.' | ',')) {
        let group = group.trim_matches(['.', ',']);
        if group.is_empty() {
            continue;
        }
        values.extend(decimal(&group.replace(',', ".")));
        if let Some((_, last)) = group.rsplit_once(['.', ',']).filter(|(_, last)| last.len() == 3) {
            debug_assert_eq!(last.len(), 3);
            values.extend(decimal(&group.replace(['.', ','], "")));
        }
    }
    values
}

fn decimal(text: &str) -> Option<Thousandths> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let mut padded: String = fraction.chars().take(3).collect();
    while padded.len() < 3 {
        padded.push('0');
    }
    whole.checked_mul(1000)?.checked_add(padded.parse::<i64>().ok()?)
}

fn is_number_word(folded: &str) -> bool {
    small_value(folded).is_some()
        || scale_value(folded).is_some()
        || matches!(folded, "point" | "virgule" | "and" | "et" | "half" | "demi" | "demie")
}

/// Reads a whole run of number words as one number, French ("quatre vingt douze") and English ("two hundred and five").
fn spoken_value(words: &[ProofWord]) -> Option<Thousandths> {
    let (mut total, mut group, mut last_small) = (0_i64, 0_i64, None);
    let (mut seen_number, mut joined) = (false, false);
    for (position, word) in words.iter().enumerate() {
        let folded = word.folded.as_str();
        if let Some(value) = small_value(folded) {
            // "soixante dix", "quatre vingt douze", "twenty five" add up; "five twenty" and "three four" do not.
            group = match last_small {
                Some(4) if value == 20 && matches!(folded, "vingt" | "vingts") => group - 4 + 80,
                Some(tens) if !adds_to(tens, value) => return None,
                _ => group + value,
            };
            last_small = Some(if group % 100 == 80 && value == 20 { 80 } else { value });
            seen_number = true;
            joined = false;
        } else if let Some(scale) = scale_value(folded) {
            if scale == 100 {
                group = group.max(1).checked_mul(100)?;
            } else {
                total = total.checked_add(group.max(1).checked_mul(scale)?)?;
                group = 0;
            }
            last_small = None;
            seen_number = true;
            joined = false;
        } else if matches!(folded, "point" | "virgule") && seen_number {
            let fraction = fraction_value(&words[position + 1..])?;
            return Some((total + group) * 1000 + fraction);
        } else if matches!(folded, "half" | "demi" | "demie") && joined && position + 1 == words.len() {
            return Some((total + group) * 1000 + 500);
        } else if matches!(folded, "and" | "et") && seen_number && !joined {
            joined = true;
        } else {
            return None;
        }
    }
    (seen_number && !joined)
        .then(|| (total + group).checked_mul(1000))
        .flatten()
}

/// Whether a small number may follow another within one number: after tens come units, in French also teens.
fn adds_to(previous: i64, value: i64) -> bool {
    match previous {
        60 | 80 => (1..20).contains(&value),
        20..=90 if previous % 10 == 0 => (1..10).contains(&value),
        10 => (7..10).contains(&value),
        _ => false,
    }
}

/// The digits after a spoken decimal point, each alone or as one number below a hundred.
fn fraction_value(words: &[ProofWord]) -> Option<Thousandths> {
    let mut digits = String::new();
    for word in words {
        digits.push_str(&small_value(&word.folded)?.to_string());
    }
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    while digits.len() < 3 {
        digits.push('0');
    }
    digits.parse().ok()
}

fn scale_value(folded: &str) -> Option<i64> {
    Some(match folded {
        "hundred" | "hundreds" | "cent" | "cents" => 100,
        "thousand" | "thousands" | "mille" => 1_000,
        "million" | "millions" => 1_000_000,
        "billion" | "billions" | "milliard" | "milliards" => 1_000_000_000,
        _ => return None,
    })
}

fn small_value(folded: &str) -> Option<i64> {
    Some(match folded {
        "zero" | "zéro" => 0,
        "one" | "un" | "une" => 1,
        "two" | "deux" => 2,
        "three" | "trois" | "third" | "troisième" => 3,
        "four" | "quatre" | "fourth" | "quatrième" => 4,
        "five" | "cinq" | "fifth" | "cinquième" => 5,
        "six" | "sixth" | "sixième" => 6,
        "seven" | "sept" | "seventh" | "septième" => 7,
        "eight" | "huit" | "eighth" | "huitième" => 8,
        "nine" | "neuf" | "ninth" | "neuvième" => 9,
        "ten" | "dix" | "tenth" | "dixième" => 10,
        "eleven" | "onze" => 11,
        "twelve" | "douze" => 12,
        "thirteen" | "treize" => 13,
        "fourteen" | "quatorze" => 14,
        "fifteen" | "quinze" => 15,
        "sixteen" | "seize" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        "twenty" | "vingt" | "vingts" => 20,
        "thirty" | "trente" => 30,
        "forty" | "quarante" => 40,
        "fifty" | "cinquante" => 50,
        "sixty" | "soixante" => 60,
        "seventy" | "septante" => 70,
        "eighty" | "octante" | "huitante" => 80,
        "ninety" | "nonante" => 90,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::proof_words;
    use super::*;

    #[test]
    fn numbers_in_words_and_digits_have_the_same_value() {
        fn check(text: &str, expected: &[&[Thousandths]]) {
            let words = proof_words(text);
            let values: Vec<Vec<Thousandths>> =
                number_phrases(&words).into_iter().map(|phrase| phrase.values).collect();
            assert_eq!(values, expected, "{text}");
        }
        check("twenty five euros", &[&[25_000]]);
        check("twenty-five", &[&[25_000]]);
        check("25", &[&[25_000]]);
        check("two hundred and five thousand", &[&[205_000_000]]);
        check("quatre-vingt-douze", &[&[92_000]]);
        check("soixante et onze", &[&[71_000]]);
        check("quatre vingts", &[&[80_000]]);
        check("douze virgule cinq", &[&[12_500]]);
        check("twelve point two five", &[&[12_250]]);
        check("three and a half", &[&[3_000]]);
        check("1,000", &[&[1_000, 1_000_000]]);
        check("three four", &[&[3_000], &[4_000]]);
        check("this one and that one", &[]);
        check("deux mille vingt-six", &[&[2_026_000]]);
        check("999999999999999999999", &[&[]]);
    }

    #[test]
    fn evidence_supports_the_parts_of_its_numbers() {
        let words = proof_words("it is twelve fifty, or two hundred");
        let values = supported_values(&words);
        for value in [12_000, 50_000, 12_500, 2_000, 200_000, 100_000] {
            assert!(values.contains(&value), "{value}");
        }
        assert!(!values.contains(&62_000));
    }
}
