//! Any bytes read as WebVTT.
#![no_main]

use datasets::formats::Format;
use datasets_fuzz::check_reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check_reader(Format::WebVtt, bytes));
