//! All that runs weights: text in, vector out; knows no meeting.
