//! Pages of lists that are short for most: whole unless they are very long.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{Answer, Problem};

/// Items on a page, at most and unless asked otherwise.
const LIMIT: usize = 1000;

/// How many items are wanted.
pub(super) fn limit_of(asked: Option<usize>) -> usize {
    asked.unwrap_or(LIMIT).clamp(1, LIMIT)
}

/// Cuts what is beyond `limit` off; the cursor of the next page, if there is one, names the `place` of the last item that
/// stays.
pub(super) fn cut<T, K: Serialize>(items: &mut Vec<T>, limit: usize, place: impl Fn(&T) -> K) -> Option<String> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more)?;
    let place = serde_json::to_vec(&place(last)).ok()?;
    Some(URL_SAFE_NO_PAD.encode(place))
}

/// The place that a cursor names.
pub(super) fn read_cursor<K: DeserializeOwned>(cursor: &str) -> Answer<K> {
    let place = URL_SAFE_NO_PAD.decode(cursor).ok();
    let place = place.and_then(|place| serde_json::from_slice(&place).ok());
    place.ok_or_else(|| Problem::bad_request("cursor: take it from `next` of the page before"))
}
