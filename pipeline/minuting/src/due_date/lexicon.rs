//! The words of calendars, French and English.

use jiff::civil::Weekday;

/// How many of the words that end `before` lead into a due date: "by the", « d'ici le ».
pub(super) fn preposition_before(before: &[&str]) -> usize {
    let longest_first: [&[&str]; 27] = [
        &["au", "plus", "tard", "le"],
        &["d", "ici", "à", "la"],
        &["au", "plus", "tard"],
        &["no", "later", "than"],
        &["d", "ici", "la"],
        &["d", "ici", "le"],
        &["d", "ici", "à"],
        &["avant", "la"],
        &["avant", "le"],
        &["pour", "la"],
        &["pour", "le"],
        &["d", "ici"],
        &["jusqu", "au"],
        &["jusqu", "à"],
        &["by", "the"],
        &["before", "the"],
        &["until", "the"],
        &["on", "the"],
        &["for", "the"],
        &["at", "the"],
        &["avant"],
        &["pour"],
        &["by"],
        &["before"],
        &["until"],
        &["on"],
        &["for"],
    ];
    let found = longest_first.iter().find(|preposition| before.ends_with(preposition));
    found.map_or(0, |preposition| preposition.len())
}

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "lundi" => Weekday::Monday,
        "tuesday" | "mardi" => Weekday::Tuesday,
        "wednesday" | "mercredi" => Weekday::Wednesday,
        "thursday" | "jeudi" => Weekday::Thursday,
        "friday" | "vendredi" => Weekday::Friday,
        "saturday" | "samedi" => Weekday::Saturday,
        "sunday" | "dimanche" => Weekday::Sunday,
        _ => return None,
    })
}

pub(super) fn month(word: &str) -> Option<i8> {
    let months = [
        ["january", "janvier"],
        ["february", "février"],
        ["march", "mars"],
        ["april", "avril"],
        ["may", "mai"],
        ["june", "juin"],
        ["july", "juillet"],
        ["august", "août"],
        ["september", "septembre"],
        ["october", "octobre"],
        ["november", "novembre"],
        ["december", "décembre"],
    ];
    (1..)
        .zip(months)
        .find_map(|(number, names)| names.contains(&word).then_some(number))
}

/// A day of the month in digits, as an English ordinal or as a French number word.
pub(super) fn day_of_month(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let suffix = &word[digits.len()..];
    let day = if matches!(word, "a" | "an" | "un" | "une") {
        return None;
    } else if digits.is_empty() {
        ordinal(word).or_else(|| count(word).and_then(|count| i8::try_from(count).ok()))?
    } else if matches!(suffix, "" | "st" | "nd" | "rd" | "th" | "er") {
        digits.parse().ok()?
    } else {
        return None;
    };
    (1..=31).contains(&day).then_some(day)
}

/// "the second", "the 3rd", « le premier »: a day even without a month.
pub(super) fn is_ordinal(word: &str) -> bool {
    let has_digits = word.starts_with(|c: char| c.is_ascii_digit());
    day_of_month(word).is_some()
        && (ordinal(word).is_some() || has_digits && !word.ends_with(|c: char| c.is_ascii_digit()))
}

fn ordinal(word: &str) -> Option<i8> {
    let ordinals = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
    ];
    if matches!(word, "premier" | "1er") {
        return Some(1);
    }
    (1..)
        .zip(ordinals)
        .find_map(|(number, name)| (name == word).then_some(number))
}

/// A small number in digits or words, as it is used to count days, weeks and months.
pub(super) fn count(word: &str) -> Option<i64> {
    if let Ok(number) = word.parse::<i64>() {
        return (1..=1000).contains(&number).then_some(number);
    }
    Some(match word {
        "a" | "an" | "one" | "un" | "une" => 1,
        "two" | "deux" => 2,
        "three" | "trois" => 3,
        "four" | "quatre" => 4,
        "five" | "cinq" => 5,
        "six" => 6,
        "seven" | "sept" => 7,
        "eight" | "huit" => 8,
        "nine" | "neuf" => 9,
        "ten" | "dix" => 10,
        "eleven" | "onze" => 11,
        "twelve" | "douze" => 12,
        "treize" => 13,
        "quatorze" => 14,
        "fifteen" | "quinze" => 15,
        "seize" => 16,
        "twenty" | "vingt" => 20,
        "thirty" | "trente" => 30,
        _ => return None,
    })
}
