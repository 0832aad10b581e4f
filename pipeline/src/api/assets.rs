//! The page, served from the program itself: plain files, no build step.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use datasets::library::sha256_hex;

use super::router::Api;

struct Asset {
    address: &'static str,
    media_type: &'static str,
    content: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($address:literal, $file:literal, $media_type:expr) => {
        Asset {
            address: $address,
            media_type: $media_type,
            content: include_str!(concat!("../../page/", $file)),
        }
    };
}

static ASSETS: [Asset; 16] = [
    asset!("/", "index.html", "text/html; charset=utf-8"),
    asset!("/page/style.css", "style.css", "text/css; charset=utf-8"),
    asset!("/page/icon.svg", "icon.svg", "image/svg+xml"),
    asset!("/page/main.js", "main.js", SCRIPT),
    asset!("/page/api.js", "api.js", SCRIPT),
    asset!("/page/dom.js", "dom.js", SCRIPT),
    asset!("/page/words.js", "words.js", SCRIPT),
    asset!("/page/library.js", "library.js", SCRIPT),
    asset!("/page/meeting.js", "meeting.js", SCRIPT),
    asset!("/page/actions.js", "actions.js", SCRIPT),
    asset!("/page/add.js", "add.js", SCRIPT),
    asset!("/page/prepare.js", "prepare.js", SCRIPT),
    asset!("/page/live.js", "live.js", SCRIPT),
    asset!("/page/live_socket.js", "live_socket.js", SCRIPT),
    asset!("/page/microphone.js", "microphone.js", SCRIPT),
    asset!("/page/pcm_worklet.js", "pcm_worklet.js", SCRIPT),
];

/// The routes of the page.
pub(super) fn routes() -> Router<Arc<Api>> {
    ASSETS.iter().fold(Router::new(), |routes, asset| {
        let tag = format!("\"{}\"", &sha256_hex(asset.content.as_bytes())[..16]);
        let answer = move |headers: HeaderMap| std::future::ready(answer(asset, &tag, &headers));
        routes.route(asset.address, get(answer))
    })
}

fn answer(asset: &Asset, tag: &str, headers: &HeaderMap) -> Response {
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.content.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    // Asked for again each time, so that page and interface are always of one version.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_asks_for_is_served_and_nothing_comes_from_elsewhere() {
        let served: Vec<&str> = ASSETS.iter().map(|asset| asset.address).collect();
        for asset in &ASSETS {
            for (start, _) in asset.content.match_indices("from \"./") {
                let rest = &asset.content[start + 8..];
                let name = rest.split('"').next().unwrap();
                assert!(served.contains(&format!("/page/{name}").as_str()), "{name}");
            }
            for word in ["https://", "http://"] {
                let foreign = asset.content.replace("http://www.w3.org/2000/svg", "");
                assert!(!foreign.contains(word), "{} names another site", asset.address);
            }
        }
    }
}
