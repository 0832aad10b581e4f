//! Any bytes as a contact, a mail, an event or a document.
#![no_main]

use datasets::formats::{contact, mail, read_context};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = contact::read("ann.vcf", bytes);
    let _ = mail::read("note.eml", bytes);
    for item in read_context("note.txt", bytes).unwrap_or_default() {
        assert!(!item.id.as_str().is_empty());
    }
});
