//! The language of a text, as an ISO 639-1 code.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language by its two-letter ISO 639-1 code. French and English have analyzers and prompts of their own; any other
/// is carried through and treated by the rules that need no knowledge of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 2]);

/// The code is not two ASCII letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{code}` is not a two-letter language code such as `en` or `fr`")]
pub struct ParseLanguageError {
    /// What was given.
    pub code: String,
}

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(*b"en");
    /// French.
    pub const FRENCH: Self = Self(*b"fr");

    /// The two letters.
    pub fn code(&self) -> &str {
        // Both bytes are ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("en")
    }
}

impl FromStr for Language {
    type Err = ParseLanguageError;

    /// Reads `fr`, `FR` and regional forms such as `fr-CA` or `fr_FR`.
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        match primary.as_bytes() {
            &[a, b] if a.is_ascii_lowercase() && b.is_ascii_lowercase() => Ok(Self([a, b])),
            _ => Err(ParseLanguageError { code: code.to_owned() }),
        }
    }
}

impl TryFrom<String> for Language {
    type Error = ParseLanguageError;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        code.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regional_codes_are_read_as_their_language() {
        assert_eq!("fr-CA".parse(), Ok(Language::FRENCH));
        assert_eq!("EN_us".parse(), Ok(Language::ENGLISH));
        assert!("français".parse::<Language>().is_err());
        assert!("".parse::<Language>().is_err());
    }
}
