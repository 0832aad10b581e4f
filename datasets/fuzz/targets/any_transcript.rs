//! Any bytes as a transcript: encodings and the recognition of formats.
#![no_main]

use datasets::formats;
use datasets_fuzz::check_result;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let format = formats::recognise("meeting.vtt", bytes);
    check_result(format, formats::read("meeting.vtt", bytes));
});
