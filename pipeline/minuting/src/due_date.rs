//! Until when something is to be done, only when it was said: finds the words ("by next Friday", « d'ici la fin du
//! mois ») and, where they name a day, which day they mean, counted from the day of the meeting.
//!
//! Conventions where speech leaves room: a bare weekday is the next one after the meeting; a week ends on its Friday, a
//! month and a year on their last day; English "next Friday" said earlier in the same week may mean either of two days
//! and therefore gets no date.

mod expression;
mod lexicon;

use datasets::DueDate;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use self::expression::{Expression, Period, expression_at};
use crate::text::words_in;

/// The first due date said in `text`, French or English. `meeting_day` is the day that "tomorrow" counts from; without
/// it only the words are given.
pub fn find_due_date(text: &str, meeting_day: Option<Date>) -> Option<DueDate> {
    let ranges: Vec<_> = words_in(text).collect();
    let words: Vec<String> = ranges.iter().map(|range| text[range.clone()].to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    (0..words.len()).find_map(|at| {
        let (length, expression) = expression_at(&words, at)?;
        let first = at - lexicon::preposition_before(&words[..at]);
        // "announce the second of April" names the day of something else; French says « le 12 mars » for until as well.
        let names_a_date = matches!(expression, Expression::DayOfMonth { .. });
        let is_french_date = at > 0 && words[at - 1] == "le";
        if names_a_date && first == at && !is_french_date {
            return None;
        }
        Some(DueDate {
            text: text[ranges[first].start..ranges[at + length - 1].end].to_owned(),
            date: meeting_day.and_then(|day| resolve(&expression, day)),
        })
    })
}

/// The day that `expression` means when said on `today`; `None` where it may mean several or lies outside the calendar.
fn resolve(expression: &Expression, today: Date) -> Option<Date> {
    match *expression {
        Expression::InDays(days) => today.checked_add(days.days()).ok(),
        Expression::InMonths(months) => today.checked_add(months.months()).ok(),
        Expression::Weekday(weekday) => today.nth_weekday(1, weekday).ok(),
        Expression::NextWeekday(weekday) => unambiguous_next(today, weekday),
        Expression::EndOf { period, ahead } => end_of(period, ahead, today),
        Expression::DayOfMonth { day, month, year } => next_day_of_month(today, day, month, year),
    }
}

/// "Next Monday" said on a Friday has one meaning, said on the Sunday before too; said on a Tuesday "next Friday" has two.
fn unambiguous_next(today: Date, weekday: Weekday) -> Option<Date> {
    let coming = today.nth_weekday(1, weekday).ok()?;
    (monday_of(coming)? != monday_of(today)?).then_some(coming)
}

fn monday_of(day: Date) -> Option<Date> {
    day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
        .ok()
}

fn end_of(period: Period, ahead: i64, today: Date) -> Option<Date> {
    match period {
        Period::Week => monday_of(today)?.checked_add((ahead * 7 + 4).days()).ok(),
        Period::Month => Some(today.first_of_month().checked_add(ahead.months()).ok()?.last_of_month()),
        Period::Year => Some(today.first_of_year().checked_add(ahead.years()).ok()?.last_of_year()),
    }
}

fn next_day_of_month(today: Date, day: i8, month: Option<i8>, year: Option<i16>) -> Option<Date> {
    if let (Some(year), Some(month)) = (year, month) {
        return Date::new(year, month, day).ok();
    }
    // Four years hold a 29 February; a bare day comes back within two months.
    let candidates = (0..48).filter_map(|ahead| today.first_of_month().checked_add(ahead.months()).ok());
    candidates
        .filter(|first| month.is_none_or(|month| first.month() == month))
        .filter_map(|first| Date::new(first.year(), first.month(), day).ok())
        .find(|date| *date >= today)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// A Thursday.
    const TODAY: Date = date(2026, 3, 5);

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, Option<Date>)>) {
        let due = find_due_date(text, Some(TODAY));
        let found = due.as_ref().map(|due| (due.text.as_str(), due.date));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn english_due_dates() {
        check(
            "I will finish the search page before Friday.",
            Some(("before Friday", Some(date(2026, 3, 6)))),
        );
        check(
            "I send it by the end of the month",
            Some(("by the end of the month", Some(date(2026, 3, 31)))),
        );
        check(
            "I will send you the draft tomorrow.",
            Some(("tomorrow", Some(date(2026, 3, 6)))),
        );
        check("do it next week please", Some(("next week", Some(date(2026, 3, 13)))));
        check(
            "on the second of April",
            Some(("on the second of April", Some(date(2026, 4, 2)))),
        );
        check(
            "by March 12th, 2027, okay",
            Some(("by March 12th, 2027", Some(date(2027, 3, 12)))),
        );
        check("by the 3rd", Some(("by the 3rd", Some(date(2026, 4, 3)))));
        check("in two weeks", Some(("in two weeks", Some(date(2026, 3, 19)))));
        check("by next Friday", Some(("by next Friday", None)));
        check("by next Monday", Some(("by next Monday", Some(date(2026, 3, 9)))));
    }

    #[test]
    fn french_due_dates() {
        check(
            "je l'envoie d'ici vendredi",
            Some(("d'ici vendredi", Some(date(2026, 3, 6)))),
        );
        check("avant le 12 mars", Some(("avant le 12 mars", Some(date(2026, 3, 12)))));
        check(
            "avant le premier avril",
            Some(("avant le premier avril", Some(date(2026, 4, 1)))),
        );
        check(
            "d'ici la fin du mois",
            Some(("d'ici la fin du mois", Some(date(2026, 3, 31)))),
        );
        check(
            "la semaine prochaine",
            Some(("la semaine prochaine", Some(date(2026, 3, 13)))),
        );
        check("je le fais demain", Some(("demain", Some(date(2026, 3, 6)))));
        check("lundi prochain", Some(("lundi prochain", Some(date(2026, 3, 9)))));
        check(
            "dans quinze jours",
            Some(("dans quinze jours", Some(date(2026, 3, 20)))),
        );
        check("dans trois mois", Some(("dans trois mois", Some(date(2026, 6, 5)))));
        check(
            "pour la fin de l'année",
            Some(("pour la fin de l'année", Some(date(2026, 12, 31)))),
        );
    }

    #[test]
    fn what_names_no_coming_day_is_no_due_date() {
        for text in [
            "last Friday",
            "vendredi dernier",
            "I may march on",
            "one more week",
            "the 45th",
            "in the end",
            "",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn without_the_day_of_the_meeting_only_the_words_are_given() {
        let due = find_due_date("by Friday", None);
        assert_eq!(
            due,
            Some(DueDate {
                text: "by Friday".to_owned(),
                date: None
            })
        );
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched(text in "\\PC{0,40}|((in|by|the|next|dans|[0-9]{1,20}|week|jours|mai|of|friday) ){1,6}") {
            find_due_date(&text, Some(TODAY));
        }
    }
}
