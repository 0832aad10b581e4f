//! Phrases that Whisper models write where nobody speaks, learnt from the credits and farewells of films with subtitles.
//! Source: the reports of users of whisper.cpp, faster-whisper and WhisperLive, English and French.

/// Nobody says these in a meeting; each as a part of the text.
const NEVER_SAID: &[&str] = &[
    "amara org",
    "sous titres realises",
    "sous titrage",
    "sous titres par",
    "soustitreur com",
    "radio canada",
    "st 501",
    "subtitles by",
    "subtitled by",
    "captions by",
    "captioned by",
    "transcribed by",
    "transcription by castingwords",
    "translated by",
    "caption by adriana zanotto",
    "www zeoranger co uk",
    "don t forget to like and subscribe",
    "please subscribe to my channel",
    "please subscribe to our channel",
    "abonnez vous a la chaine",
    "n oubliez pas de vous abonner",
];

/// People say these too; each as the whole text.
const OFTEN_INVENTED: &[&str] = &[
    "thank you",
    "thank you very much",
    "thank you so much",
    "thank you for watching",
    "thanks for watching",
    "thank you for listening",
    "thanks",
    "bye",
    "bye bye",
    "you",
    "so",
    "oh",
    "okay",
    "the end",
    "i ll see you next time",
    "see you next time",
    "see you in the next video",
    "music",
    "applause",
    "silence",
    "merci",
    "merci beaucoup",
    "merci d avoir regarde",
    "merci d avoir regarde cette video",
    "merci de votre attention",
    "merci a tous",
    "au revoir",
    "a bientot",
    "a la prochaine",
    "c est parti",
    "musique",
    "applaudissements",
    "generique",
];

/// Whether the text holds a credit line.
pub(super) fn never_said(text: &str) -> bool {
    let text = format!(" {} ", normalized(text));
    NEVER_SAID
        .iter()
        .any(|phrase| text.contains(&format!(" {phrase} ")) || text.contains(&format!(" {phrase}")))
}

/// Whether the text is nothing but a phrase that is often invented, once or more.
pub(super) fn often_invented(text: &str) -> bool {
    let text = normalized(text);
    OFTEN_INVENTED.iter().any(|phrase| {
        let rest = text.replace(phrase, "");
        !text.is_empty() && rest.chars().all(|c| c == ' ')
    })
}

/// Lower case, without accents, anything but letters and digits as one space.
fn normalized(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'â' | 'ä' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'î' | 'ï' => plain.push('i'),
            'ô' | 'ö' => plain.push('o'),
            'ù' | 'û' | 'ü' => plain.push('u'),
            'ç' => plain.push('c'),
            c if c.is_alphanumeric() => plain.push(c),
            _ if plain.ends_with(' ') => {}
            _ => plain.push(' '),
        }
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_found_within_a_text_and_farewells_only_alone() {
        assert!(never_said("Sous-titrage Société Radio-Canada"));
        assert!(never_said("[Subtitles by the community]"));
        assert!(!never_said("We need subtitles for the video."));
        assert!(often_invented("Thank you. Thank you."));
        assert!(often_invented(" Merci d'avoir regardé cette vidéo !"));
        assert!(!often_invented("Thank you, Anna, for the figures."));
        assert!(!often_invented("..."));
    }
}
