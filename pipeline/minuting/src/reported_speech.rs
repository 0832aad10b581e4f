//! Turns what somebody said of himself and of the group into what minutes say of them: "I think we need a chip" becomes
//! "the Industrial Designer thinks the team needs a chip". Every word is one of the speaker's, or a pronoun, article or
//! verb form that grammar asks for, or the speaker's own name or role.

mod narrator;
mod verbs;

use std::collections::VecDeque;

use crate::compression::Token;
pub use narrator::Narrator;
pub(crate) use narrator::as_text;
use verbs::{is_adverb, is_auxiliary_before_subject, singular_auxiliary, takes_no_verb, third_person};

/// What the clause says about persons, beside the words it keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    /// The speaker spoke of himself.
    pub speaker: bool,
    /// The speaker spoke of the group.
    pub group: bool,
    /// The speaker addressed somebody, or people in general.
    pub addressed: bool,
}

/// `tokens` in the third person, or `None` when the speaker speaks of himself and `speaker` is not known. `speaker` and
/// `group` are noun phrases with their article, in lower case but for names: "the Project Manager", "the team".
pub fn report(tokens: &[Token], speaker: Option<&str>, group: &str) -> Option<(Vec<Token>, Persons)> {
    let mut reporter = Reporter {
        speaker,
        group,
        persons: Persons::default(),
        written: Vec::with_capacity(tokens.len() + 4),
        left: tokens.iter().flat_map(expand_contraction).collect(),
    };
    while let Some(token) = reporter.left.pop_front() {
        reporter.write(token)?;
    }
    Some((reporter.written, reporter.persons))
}

/// What `tokens`, said in French, say about persons; where the speaker speaks of himself and is known by name, that name
/// is put before them, because French verbs do not change their person by rule alone.
pub fn attribute_in_french(tokens: &[Token], speaker: Option<&str>) -> (Vec<Token>, Persons) {
    let mut persons = Persons::default();
    for token in tokens {
        match token.bare.split(['\'', '’', '-']).next().unwrap_or_default() {
            "je" | "j" | "me" | "m" | "moi" | "mon" | "ma" | "mes" => persons.speaker = true,
            "nous" | "notre" | "nos" => persons.group = true,
            "vous" | "votre" | "vos" | "tu" | "te" | "toi" | "ton" | "tes" => persons.addressed = true,
            _ => {}
        }
    }
    let mut attributed = Vec::with_capacity(tokens.len() + 3);
    if let (true, Some(speaker), Some(first)) = (persons.speaker, speaker, tokens.first()) {
        let name = speaker.split_whitespace().chain([":"]);
        attributed.extend(name.map(|word| Token::new(word, first.utterance)));
    }
    attributed.extend_from_slice(tokens);
    (attributed, persons)
}

/// "I'm" as "I am", "let's" as "we should"; any other token as it is.
fn expand_contraction(token: &Token) -> Vec<Token> {
    let parts = match token.bare.as_str() {
        "i'm" => ["i", "am"],
        "i've" => ["i", "have"],
        "i'll" => ["i", "will"],
        "i'd" => ["i", "would"],
        "we're" => ["we", "are"],
        "we've" => ["we", "have"],
        "we'll" => ["we", "will"],
        "we'd" => ["we", "would"],
        "let's" => ["we", "should"],
        _ => return vec![token.clone()],
    };
    let second = format!("{}{}", parts[1], token.mark());
    vec![
        Token::new(parts[0], token.utterance),
        Token::new(second, token.utterance),
    ]
}

struct Reporter<'a> {
    speaker: Option<&'a str>,
    group: &'a str,
    persons: Persons,
    written: Vec<Token>,
    left: VecDeque<Token>,
}

impl Reporter<'_> {
    fn write(&mut self, token: Token) -> Option<()> {
        match token.bare.as_str() {
            "i" => {
                let speaker = self.speaker?;
                let first = !std::mem::replace(&mut self.persons.speaker, true);
                self.write_subject(&token, if first { speaker } else { "they" }, first);
            }
            "we" => {
                let first = !std::mem::replace(&mut self.persons.group, true);
                self.write_subject(&token, if first { self.group } else { "they" }, first);
            }
            "me" => self.write_speaker(&token, "", "them")?,
            "my" => self.write_speaker(&token, "'s", "their")?,
            "mine" => self.write_speaker(&token, "'s", "theirs")?,
            "myself" => {
                self.speaker?;
                self.phrase("themselves", &token);
            }
            "us" => self.write_group(&token, "", "them"),
            "our" => self.write_group(&token, "'s", "their"),
            "ours" => self.write_group(&token, "'s", "theirs"),
            "ourselves" => self.phrase("themselves", &token),
            "gonna" => self.phrase("going to", &token),
            "wanna" => self.phrase("want to", &token),
            "gotta" => self.phrase("have to", &token),
            "cuz" | "'cause" => self.phrase("because", &token),
            word => {
                let you = [
                    "you", "your", "yours", "yourself", "you're", "you've", "you'll", "you'd",
                ];
                self.persons.addressed |= you.contains(&word);
                self.written.push(token);
            }
        }
        Some(())
    }

    fn write_speaker(&mut self, token: &Token, ending: &str, again: &str) -> Option<()> {
        let speaker = self.speaker?;
        let first = !std::mem::replace(&mut self.persons.speaker, true);
        if first {
            self.phrase(&format!("{speaker}{ending}"), token);
        } else {
            self.phrase(again, token);
        }
        Some(())
    }

    fn write_group(&mut self, token: &Token, ending: &str, again: &str) {
        let first = !std::mem::replace(&mut self.persons.group, true);
        let phrase = if first {
            format!("{}{ending}", self.group)
        } else {
            again.to_owned()
        };
        self.phrase(&phrase, token);
    }

    /// Writes a subject and brings the verb around it into its person.
    fn write_subject(&mut self, token: &Token, phrase: &str, singular: bool) {
        let mut inverted = false;
        if let Some(before) = self.written.last_mut() {
            inverted = before.mark().is_empty() && is_auxiliary_before_subject(&before.bare);
            if let Some(form) = singular_auxiliary(&before.bare).filter(|_| singular && inverted) {
                *before = Token::new(form, before.utterance);
            }
        }
        self.phrase(phrase, token);
        if inverted || !token.mark().is_empty() {
            return;
        }
        while let Some(adverb) = self.left.pop_front_if(|next| is_adverb(&next.bare)) {
            self.written.push(adverb);
        }
        if let Some(verb) = self.left.pop_front_if(|next| !takes_no_verb(&next.bare)) {
            let form = third_person(&verb.bare, singular);
            if form == verb.bare {
                self.written.push(verb);
            } else {
                self.phrase(&form, &verb);
            }
        }
    }

    /// Writes `phrase` in the place of `token`, with its mark.
    fn phrase(&mut self, phrase: &str, token: &Token) {
        let words: Vec<&str> = phrase.split(' ').collect();
        for (at, word) in words.iter().enumerate() {
            let mark = if at + 1 == words.len() { token.mark() } else { "" };
            self.written.push(Token::new(format!("{word}{mark}"), token.utterance));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let tokens: Vec<Token> = text.split(' ').map(|word| Token::new(word, 0)).collect();
        let (reported, _) = report(&tokens, Some("the Project Manager"), "the team").unwrap();
        let words: Vec<&str> = reported.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn the_first_person_becomes_the_third() {
        check(
            "I think we need a chip.",
            "the Project Manager thinks the team needs a chip.",
        );
        check(
            "I don't know if I like it",
            "the Project Manager doesn't know if they like it",
        );
        check(
            "we have decided that we use rubber",
            "the team has decided that they use rubber",
        );
        check(
            "We'll also try our best, all of us.",
            "the team will also try their best, all of them.",
        );
        check(
            "my favourite is what I've drawn",
            "the Project Manager's favourite is what they have drawn",
        );
        check("let's start.", "the team should start.");
        check(
            "we were late and I said so",
            "the team was late and the Project Manager said so",
        );
    }

    #[test]
    fn questions_keep_their_order() {
        check("Do we need a display?", "does the team need a display?");
        check("should I send it?", "should the Project Manager send it?");
        check("are we done?", "is the team done?");
    }

    #[test]
    fn what_others_do_stays_as_it_is() {
        check("the users want it", "the users want it");
    }

    #[test]
    fn a_french_speaker_who_speaks_of_himself_is_named() {
        let attribute = |text: &str| {
            let tokens: Vec<Token> = text.split(' ').map(|word| Token::new(word, 0)).collect();
            let (tokens, persons) = attribute_in_french(&tokens, Some("Anne Roy"));
            let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
            (words.join(" "), persons.addressed)
        };
        assert_eq!(
            attribute("j'approuve le budget"),
            ("Anne Roy : j'approuve le budget".to_owned(), false)
        );
        assert_eq!(
            attribute("vous votez le budget"),
            ("vous votez le budget".to_owned(), true)
        );
    }

    #[test]
    fn an_unknown_speaker_cannot_speak_of_himself() {
        assert!(report(&[Token::new("I", 0), Token::new("agree", 0)], None, "the team").is_none());
        assert!(report(&[Token::new("we", 0), Token::new("agree", 0)], None, "the team").is_some());
    }
}
