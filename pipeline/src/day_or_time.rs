//! Times as people write them: a day, or a full time.

use jiff::Timestamp;

/// Reads a day as its first instant (UTC), or a full time.
///
/// # Errors
/// What to write instead.
pub fn day_or_time(text: &str) -> Result<Timestamp, String> {
    instant(text, jiff::civil::Time::MIN)
}

/// As [`day_or_time`], with a day as its last instant.
///
/// # Errors
/// What to write instead.
pub fn end_of_day_or_time(text: &str) -> Result<Timestamp, String> {
    instant(text, jiff::civil::Time::MAX)
}

fn instant(text: &str, time_of_day: jiff::civil::Time) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| "use a day (2026-03-01) or a time (2026-03-01T09:00:00Z)".to_owned())?;
    let zoned = day
        .to_datetime(time_of_day)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}
