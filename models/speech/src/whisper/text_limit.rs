//! A window's text ends with the token that ends texts, also where its length is limited.
//!
//! Where whisper.cpp's own limit cuts a text, the last token is a word's. The alignment of words then steps over it to
//! the segment after the last one, which is not there: it reads 56 bytes beyond what was allocated, and where that is the
//! end of a page, the process ends (1.8.3, `whisper_exp_compute_token_level_timestamps_dtw`). So after as many tokens as
//! a window may have, the end is the one token left to choose.
#![allow(unsafe_code, reason = "whisper.cpp hands logits to a C function as a pointer")]

use std::ffi::{c_int, c_void};
use std::ptr::without_provenance_mut;

use whisper_rs::whisper_rs_sys::{whisper_context, whisper_n_vocab, whisper_state, whisper_token_eot};
use whisper_rs::{FullParams, WhisperTokenData};

/// Lets a window have at most `tokens_max` tokens, and then the end.
pub(super) fn limit_tokens(parameters: &mut FullParams<'_, '_>, tokens_max: i32) {
    // The one beyond is the end itself.
    parameters.set_max_tokens(tokens_max);
    let limit = usize::try_from(tokens_max).unwrap_or_default();
    // SAFETY: the function takes the other pointer for a number, and logits for as many as whisper.cpp says they are.
    unsafe {
        parameters.set_filter_logits_callback(Some(end_at_limit));
        parameters.set_filter_logits_callback_user_data(without_provenance_mut(limit));
    }
}

/// Called for each token before it is chosen; `limit` is a number, not an address.
unsafe extern "C" fn end_at_limit(
    context: *mut whisper_context,
    _: *mut whisper_state,
    _: *const WhisperTokenData,
    tokens: c_int,
    logits: *mut f32,
    limit: *mut c_void,
) {
    if usize::try_from(tokens).is_ok_and(|tokens| tokens < limit.addr()) {
        return;
    }
    // SAFETY: the context is the one that decodes; there is a logit for each token of its vocabulary, the end among them,
    // and nobody else holds them during the call.
    unsafe {
        let (vocabulary, end) = (whisper_n_vocab(context), whisper_token_eot(context));
        let logits = std::slice::from_raw_parts_mut(logits, vocabulary as usize);
        logits.fill(f32::NEG_INFINITY);
        logits[end as usize] = 0.0;
    }
}
