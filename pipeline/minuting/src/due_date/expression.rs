//! Reads one expression of a day: what it says, before it is known when it was said.

use jiff::civil::Weekday;

use super::lexicon::{count, day_of_month, is_ordinal, month, weekday};

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// "tomorrow", "in three days".
    InDays(i64),
    /// "in two months".
    InMonths(i64),
    /// "Friday", « vendredi prochain ».
    Weekday(Weekday),
    /// "next Friday".
    NextWeekday(Weekday),
    /// "next week", "the end of the month": the end of the period that many ahead.
    EndOf { period: Period, ahead: i64 },
    /// "the second of April", « le 12 ».
    DayOfMonth {
        day: i8,
        month: Option<i8>,
        year: Option<i16>,
    },
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Week,
    Month,
    Year,
}

/// The expression that begins at `words[at]`, with its length in words.
pub(super) fn expression_at(words: &[&str], at: usize) -> Option<(usize, Expression)> {
    let rest = &words[at..];
    let previous = at.checked_sub(1).map(|before| words[before]);
    if matches!(previous, Some("last" | "past" | "every" | "each" | "chaque")) {
        return None;
    }
    relative_day(rest)
        .or_else(|| end_of_period(rest))
        .or_else(|| period(rest))
        .or_else(|| in_units(rest))
        .or_else(|| calendar_day(rest, previous))
        .or_else(|| named_weekday(rest))
}

fn relative_day(words: &[&str]) -> Option<(usize, Expression)> {
    let (length, days) = match *words {
        ["après", "demain", ..] => (2, 2),
        ["day", "after", "tomorrow", ..] => (3, 2),
        [
            "tomorrow" | "demain",
            "morning" | "afternoon" | "evening" | "matin" | "soir" | "midi",
            ..,
        ] => (2, 1),
        ["tomorrow" | "demain", ..] => (1, 1),
        ["aujourd", "hui", ..] | ["ce", "soir", ..] | ["cet", "après", "midi"] => (2, 0),
        ["today" | "tonight", ..] => (1, 0),
        _ => return None,
    };
    Some((length, Expression::InDays(days)))
}

/// "end of next week", « fin du mois », « la fin de l'année ».
fn end_of_period(words: &[&str]) -> Option<(usize, Expression)> {
    let (skipped, rest) = match words {
        ["end", "of", rest @ ..] => (2, rest),
        ["fin", "de", "l", rest @ ..] => (3, rest),
        ["fin", "de", "la" | "cette", rest @ ..] => (3, rest),
        ["fin", "de" | "du", rest @ ..] => (2, rest),
        _ => return None,
    };
    let (length, expression) = match rest {
        ["the" | "this", name, ..] => (2, whole_period(name, 0)?),
        ["next", name, ..] => (2, whole_period(name, 1)?),
        [name, "prochain" | "prochaine", ..] => (2, whole_period(name, 1)?),
        [name, ..] if month(name).is_none() => (1, whole_period(name, 0)?),
        _ => return None,
    };
    Some((skipped + length, expression))
}

fn whole_period(name: &str, ahead: i64) -> Option<Expression> {
    Some(match name {
        "day" | "journée" | "afternoon" | "après" if ahead == 0 => Expression::InDays(0),
        "week" | "semaine" => Expression::EndOf {
            period: Period::Week,
            ahead,
        },
        "month" | "mois" => Expression::EndOf {
            period: Period::Month,
            ahead,
        },
        "year" | "année" => Expression::EndOf {
            period: Period::Year,
            ahead,
        },
        _ => return None,
    })
}

/// "next week", "this month", « la semaine prochaine », « cette semaine ».
fn period(words: &[&str]) -> Option<(usize, Expression)> {
    let (length, name, ahead) = match *words {
        ["next", name, ..] => (2, name, 1),
        ["this" | "cette" | "ce", name, ..] => (2, name, 0),
        ["la" | "le" | "l", name, "prochain" | "prochaine", ..] => (3, name, 1),
        [name, "prochain" | "prochaine", ..] => (2, name, 1),
        _ => return None,
    };
    if let Some(weekday) = weekday(name) {
        let french = length == 3 || words[0] == name;
        let expression = match ahead {
            1 if !french => Expression::NextWeekday(weekday),
            _ => Expression::Weekday(weekday),
        };
        return Some((length, expression));
    }
    let whole = whole_period(name, ahead).filter(|expression| matches!(expression, Expression::EndOf { .. }))?;
    Some((length, whole))
}

/// "in two weeks", "within ten days", « dans quinze jours », « sous huit jours ».
fn in_units(words: &[&str]) -> Option<(usize, Expression)> {
    let [lead, number, unit, ..] = *words else { return None };
    if !matches!(lead, "in" | "within" | "dans" | "sous") {
        return None;
    }
    let number = count(number)?;
    let expression = match unit {
        "day" | "days" | "jour" | "jours" => Expression::InDays(number),
        "week" | "weeks" | "semaine" | "semaines" => Expression::InDays(number * 7),
        "month" | "months" | "mois" => Expression::InMonths(number),
        _ => return None,
    };
    Some((3, expression))
}

/// "the second of April", "March 12th, 2027", « le 12 mars », "the 3rd".
fn calendar_day(words: &[&str], previous: Option<&str>) -> Option<(usize, Expression)> {
    let (length, day, month_number) = match *words {
        [day, "of", name, ..] if month(name).is_some() => (3, day_of_month(day)?, month(name)),
        [day, name, ..] if month(name).is_some() => (2, day_of_month(day)?, month(name)),
        [name, "the", day, ..] if month(name).is_some() && is_ordinal(day) => (3, day_of_month(day)?, month(name)),
        [name, day, ..] if month(name).is_some() && day.starts_with(|c: char| c.is_ascii_digit()) => {
            (2, day_of_month(day)?, month(name))
        }
        [day, ..] if previous == Some("the") && is_ordinal(day) && day.starts_with(|c: char| c.is_ascii_digit()) => {
            (1, day_of_month(day)?, None)
        }
        [day, ..] if previous == Some("le") && day.chars().all(|c| c.is_ascii_digit()) => (1, day_of_month(day)?, None),
        _ => return None,
    };
    let year = month_number
        .and_then(|_| words.get(length)?.parse::<i16>().ok())
        .filter(|year| (2000..=2100).contains(year));
    let length = length + usize::from(year.is_some());
    Some((
        length,
        Expression::DayOfMonth {
            day,
            month: month_number,
            year,
        },
    ))
}

fn named_weekday(words: &[&str]) -> Option<(usize, Expression)> {
    let weekday = weekday(words.first()?)?;
    if matches!(words.get(1), Some(&"dernier" | &"dernière" | &"passé")) {
        return None;
    }
    let part_of_day = matches!(
        words.get(1),
        Some(&"morning" | &"afternoon" | &"evening" | &"matin" | &"soir")
    );
    Some((1 + usize::from(part_of_day), Expression::Weekday(weekday)))
}
