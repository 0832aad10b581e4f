//! Words that name a day or a part of it, French and English under one code each, so that a translation can be proven.

/// The day, month or relative day that `folded` names; `None` for any other word.
///
/// `may`, `march`, `second` and `mars` are words of their own too: the first two count only when `capitalised`.
pub(crate) fn date_code(folded: &str, capitalised: bool) -> Option<&'static str> {
    if matches!(folded, "may" | "march") && !capitalised {
        return None;
    }
    Some(match folded {
        "monday" | "lundi" => "monday",
        "tuesday" | "mardi" => "tuesday",
        "wednesday" | "mercredi" => "wednesday",
        "thursday" | "jeudi" => "thursday",
        "friday" | "vendredi" => "friday",
        "saturday" | "samedi" => "saturday",
        "sunday" | "dimanche" => "sunday",
        "january" | "janvier" => "january",
        "february" | "février" => "february",
        "march" | "mars" => "march",
        "april" | "avril" => "april",
        "may" | "mai" => "may",
        "june" | "juin" => "june",
        "july" | "juillet" => "july",
        "august" | "août" => "august",
        "september" | "septembre" => "september",
        "october" | "octobre" => "october",
        "november" | "novembre" => "november",
        "december" | "décembre" => "december",
        "today" | "aujourd" => "today",
        "tomorrow" | "demain" => "tomorrow",
        "yesterday" | "hier" => "yesterday",
        "tonight" => "tonight",
        "noon" | "midi" => "noon",
        "midnight" | "minuit" => "midnight",
        _ => return None,
    })
}
