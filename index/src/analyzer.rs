//! From text to terms: French and English each by their own rules, any other language by case and accents alone.
//!
//! French needs an elision filter that tantivy does not have: "l'index" and "jusqu'ici" must give "index" and "ici", while
//! "aujourd'hui" and "prud'homme" are words.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use datasets::Language;
use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenFilter,
    TokenStream, Tokenizer,
};

/// The analyzers, one per field of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Analyzer {
    /// Possessives, stop words, Snowball stemming, folding.
    English,
    /// Elision, stop words, Snowball stemming, folding.
    French,
    /// Folding alone.
    Other,
}

impl Analyzer {
    /// All of them, in the order of their fields.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::French, Self::Other];

    /// The one for texts in `language`.
    pub(crate) fn for_language(language: Language) -> Self {
        match language {
            Language::ENGLISH => Self::English,
            Language::FRENCH => Self::French,
            _ => Self::Other,
        }
    }

    /// The name under which it is registered, and the field that it fills.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "words_en",
            Self::French => "words_fr",
            Self::Other => "words_other",
        }
    }

    /// A copy of it. What it has learnt of words stays with the copy.
    pub(crate) fn build(self) -> TextAnalyzer {
        static BUILT: LazyLock<[TextAnalyzer; 3]> =
            LazyLock::new(|| Analyzer::ALL.map(|analyzer| TermTokenizer::new(analyzer.rules()).into()));
        BUILT[self as usize].clone()
    }

    /// From word to term, step by step.
    fn rules(self) -> TextAnalyzer {
        use tantivy::tokenizer::Language as Snowball;
        let words = TextAnalyzer::builder(WordTokenizer::default())
            .filter(RemoveLongFilter::limit(60))
            .filter(LowerCaser);
        match self {
            Self::English => words
                .filter(ApostropheFilter(Apostrophes::English))
                .filter(StopWordFilter::remove(list(ENGLISH_STOP_WORDS)))
                .filter(Stemmer::new(Snowball::English))
                .filter(AsciiFoldingFilter)
                .build(),
            Self::French => words
                .filter(ApostropheFilter(Apostrophes::French))
                .filter(StopWordFilter::remove(list(FRENCH_STOP_WORDS)))
                .filter(Stemmer::new(Snowball::French))
                .filter(AsciiFoldingFilter)
                .build(),
            Self::Other => words.filter(AsciiFoldingFilter).build(),
        }
    }
}

/// Bytes that are looked at to tell a language.
pub(crate) const DETECTION_BYTES: usize = 4000;

/// Analyzers of all languages with what they have learnt of words, which the next who lends them has too.
pub(crate) struct LentAnalyzers(Vec<TextAnalyzer>);

/// Those that nobody uses now.
static IDLE_ANALYZERS: Mutex<Vec<Vec<TextAnalyzer>>> = Mutex::new(Vec::new());

impl LentAnalyzers {
    pub(crate) fn new() -> Self {
        let idle = idle_analyzers().pop();
        Self(idle.unwrap_or_else(|| Analyzer::ALL.map(Analyzer::build).into()))
    }

    pub(crate) fn get(&mut self, analyzer: Analyzer) -> &mut TextAnalyzer {
        &mut self.0[analyzer as usize]
    }
}

impl Drop for LentAnalyzers {
    fn drop(&mut self) {
        idle_analyzers().push(std::mem::take(&mut self.0));
    }
}

fn idle_analyzers() -> MutexGuard<'static, Vec<Vec<TextAnalyzer>>> {
    // A panic leaves whole analyzers: they are put in and taken out at once or not at all.
    IDLE_ANALYZERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The language of `text`, by its beginning, where that is long and clear enough to tell.
pub(crate) fn detect_language(text: &str) -> Option<Language> {
    let info = whatlang::detect(&text[..text.floor_char_boundary(DETECTION_BYTES)])?;
    if !info.is_reliable() {
        return None;
    }
    match info.lang() {
        whatlang::Lang::Eng => Some(Language::ENGLISH),
        whatlang::Lang::Fra => Some(Language::FRENCH),
        other => other.code().get(..2)?.parse().ok(),
    }
}

/// English or French, whichever has more of its stop words in a line that is too short for statistics of letters; `None`
/// where neither has.
pub(crate) fn language_by_stop_words(line: &str) -> Option<Language> {
    static WORDS: LazyLock<[HashSet<&'static str>; 2]> =
        LazyLock::new(|| [ENGLISH_STOP_WORDS, FRENCH_STOP_WORDS].map(|words| words.split_whitespace().collect()));
    let [mut english, mut french] = [0, 0];
    for word in line.split(|character: char| !character.is_alphabetic()) {
        let word = word.to_lowercase();
        english += usize::from(WORDS[0].contains(word.as_str()));
        french += usize::from(WORDS[1].contains(word.as_str()));
    }
    match english.cmp(&french) {
        std::cmp::Ordering::Greater => Some(Language::ENGLISH),
        std::cmp::Ordering::Less => Some(Language::FRENCH),
        std::cmp::Ordering::Equal => None,
    }
}

/// Lower-cased, folded words with their byte ranges in `text`: names, speakers and styles are compared by them.
pub(crate) fn plain_words(text: &str) -> Vec<Token> {
    tokens(LentAnalyzers::new().get(Analyzer::Other), text)
}

/// All tokens of `text`.
pub(crate) fn tokens(analyzer: &mut TextAnalyzer, text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    analyzer
        .token_stream(text)
        .process(&mut |token: &Token| tokens.push(token.clone()));
    tokens
}

/// Whether a lower-case, folded word stands around what people look for: it says how to answer, not what about.
pub(crate) fn is_request_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| REQUEST_WORDS.split_whitespace().collect());
    WORDS.contains(word)
}

fn list(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

const ENGLISH_STOP_WORDS: &str = "a about above after again against all am an and any are as at be because been before \
    being below between both but by can could did do does doing down during each few for from further had has have having \
    he her here hers him his how i if in into is it its just me more most my no nor not of off on once only or other our \
    ours out over own same she should so some such than that the their theirs them then there these they this those \
    through to too under until up very was we were what when where which while who whom why will with would you your \
    yours im dont thats theres youre weve ive didnt doesnt isnt wasnt cant wont yeah yes uh um uhm mm hmm mmhmm okay ok \
    oh ah know think mean well right like gonna wanna really kind sort may might must also";

const FRENCH_STOP_WORDS: &str = "a ai aie ait alors as au aucun aussi autre aux avais avait avant avec avez avoir avons ayant \
    bien c ça cela ce ceci ces cet cette ceux chaque ci comme comment d dans de des deux donc du elle elles en encore est et \
    étaient étais était étant été être eu eux fait faire faut il ils j je juste l la là le les leur leurs lui m ma mais me même \
    mêmes mes moi moins mon n ne ni non nos notre nous on ont ou où par parce pas peu peut plus pour pourquoi qu quand que \
    quel quelle quelles quels qui quoi s sa sans se sera ses si son sont sous suis sur t ta te tes toi ton tous tout toute \
    toutes très tu un une va vers voilà vos votre vous vont y oui euh ben bah hein bon enfin quoique puisque lorsque jusque";

const REQUEST_WORDS: &str = "summarize summarise summary summaries discuss discusses discussed discussing discussion \
    discussions mention mentions mentioned think thinks thought thoughts say says said talk talked talks opinion opinions view \
    views describe described explain explained agree agreed meeting group team tell find show list \
    resumer resume discuter discute dit dire disent pense penser pensent parle parler avis \
    reunion groupe equipe expliquer explique decrire decrit trouver trouve montrer montre liste";

/// Letters and digits, with single apostrophes inside a word; the curly apostrophe is read as the straight one.
#[derive(Clone, Default)]
struct WordTokenizer {
    token: Token,
}

struct WordStream<'a> {
    text: &'a str,
    at: usize,
    token: &'a mut Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream {
            text,
            at: 0,
            token: &mut self.token,
        }
    }
}

/// Calls `with` for the byte range of each word, as the analyzers cut words.
pub(crate) fn for_each_word(text: &str, mut with: impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some(word) = next_word(text, at) {
        at = word.end;
        with(word);
    }
}

/// The first word at or after `at`.
fn next_word(text: &str, at: usize) -> Option<Range<usize>> {
    let mut start = at;
    while !is_in_word(text, start)? {
        start += width(text, start);
    }
    let mut end = start;
    loop {
        end += width(text, end);
        match is_in_word(text, end) {
            Some(true) => {}
            Some(false) if text[end..].starts_with(is_apostrophe) => {
                let after = end + width(text, end);
                if is_in_word(text, after) != Some(true) {
                    return Some(start..end);
                }
                end = after;
            }
            _ => return Some(start..end),
        }
    }
}

/// Whether the character at `at` is a letter or a digit; `None` at the end. Most are ASCII, which is told by the byte.
#[inline]
fn is_in_word(text: &str, at: usize) -> Option<bool> {
    match *text.as_bytes().get(at)? {
        byte @ 0..0x80 => Some(byte.is_ascii_alphanumeric()),
        _ => text[at..].chars().next().map(char::is_alphanumeric),
    }
}

/// Bytes of the character at `at`.
#[inline]
fn width(text: &str, at: usize) -> usize {
    match text.as_bytes().get(at) {
        Some(0..0x80) | None => 1,
        Some(_) => text[at..].chars().next().map_or(1, char::len_utf8),
    }
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}' | '\u{02bc}')
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = next_word(self.text, self.at) else {
            self.at = self.text.len();
            return false;
        };
        let (start, end) = (word.start, word.end);
        self.token.text.clear();
        self.token.text.extend(
            self.text[word]
                .chars()
                .map(|character| if is_apostrophe(character) { '\'' } else { character }),
        );
        self.token.offset_from = start;
        self.token.offset_to = end;
        self.token.position = self.token.position.wrapping_add(1);
        self.at = end;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Words that are remembered at most; then all are forgotten.
const REMEMBERED_MAX: usize = 100_000;

/// Cuts words and remembers the term of each: a meeting says few words often, and stemming is dear.
struct TermTokenizer {
    rules: TextAnalyzer,
    /// By the word as written; `None` for what the rules leave out.
    terms: HashMap<Box<str>, Option<Box<str>>, foldhash::fast::RandomState>,
    token: Token,
}

impl TermTokenizer {
    fn new(rules: TextAnalyzer) -> Self {
        Self {
            rules,
            terms: HashMap::default(),
            token: Token::default(),
        }
    }
}

impl Clone for TermTokenizer {
    /// With nothing remembered: a clone may serve one short text.
    fn clone(&self) -> Self {
        Self::new(self.rules.clone())
    }
}

struct TermStream<'a> {
    tokenizer: &'a mut TermTokenizer,
    text: &'a str,
    at: usize,
}

impl Tokenizer for TermTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        self.token.reset();
        if self.terms.len() > REMEMBERED_MAX {
            self.terms.clear();
        }
        TermStream {
            tokenizer: self,
            text,
            at: 0,
        }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let TermTokenizer { rules, terms, token } = &mut *self.tokenizer;
        while let Some(word) = next_word(self.text, self.at) {
            self.at = word.end;
            let written = &self.text[word.clone()];
            if !terms.contains_key(written) {
                let term = tokens(rules, written).pop().map(|token| token.text.into_boxed_str());
                terms.insert(written.into(), term);
            }
            token.position = token.position.wrapping_add(1);
            if let Some(Some(term)) = terms.get(written) {
                token.text.clear();
                token.text.push_str(term);
                (token.offset_from, token.offset_to) = (word.start, word.end);
                return true;
            }
        }
        self.at = self.text.len();
        false
    }

    fn token(&self) -> &Token {
        &self.tokenizer.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokenizer.token
    }
}

#[derive(Clone, Copy)]
enum Apostrophes {
    English,
    French,
}

impl Apostrophes {
    /// What is left of `word`; `None` when it stays as it is.
    fn strip(self, word: &str) -> Option<String> {
        if !word.contains('\'') {
            return None;
        }
        match self {
            Self::English => Some(word.strip_suffix("'s").unwrap_or(word).replace('\'', "")),
            Self::French => {
                let mut rest = word;
                while let Some((head, tail)) = rest.split_once('\'') {
                    if !FRENCH_ELISIONS.contains(&head) {
                        break;
                    }
                    rest = tail;
                }
                (rest.len() < word.len()).then(|| rest.to_owned())
            }
        }
    }
}

const FRENCH_ELISIONS: [&str; 13] = [
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu",
];

/// Takes off what stands at an apostrophe without being part of the word.
#[derive(Clone)]
struct ApostropheFilter(Apostrophes);

impl TokenFilter for ApostropheFilter {
    type Tokenizer<T: Tokenizer> = ApostropheTokenizer<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> ApostropheTokenizer<T> {
        ApostropheTokenizer {
            rules: self.0,
            tokenizer,
        }
    }
}

#[derive(Clone)]
struct ApostropheTokenizer<T> {
    rules: Apostrophes,
    tokenizer: T,
}

impl<T: Tokenizer> Tokenizer for ApostropheTokenizer<T> {
    type TokenStream<'a> = ApostropheStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        ApostropheStream {
            rules: self.rules,
            tail: self.tokenizer.token_stream(text),
        }
    }
}

struct ApostropheStream<T> {
    rules: Apostrophes,
    tail: T,
}

impl<T: TokenStream> TokenStream for ApostropheStream<T> {
    fn advance(&mut self) -> bool {
        if !self.tail.advance() {
            return false;
        }
        if let Some(stripped) = self.rules.strip(&self.tail.token().text) {
            self.tail.token_mut().text = stripped;
        }
        true
    }

    fn token(&self) -> &Token {
        self.tail.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.tail.token_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(analyzer: Analyzer, text: &str, expected: &[&str]) {
        let found: Vec<String> = tokens(&mut analyzer.build(), text)
            .into_iter()
            .map(|token| token.text)
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn french_elisions_are_taken_off_and_words_with_an_apostrophe_kept() {
        check(Analyzer::French, "l'index jusqu’ici", &["index", "ici"]);
        check(Analyzer::French, "puisqu'elle quoiqu'important", &["import"]);
        check(
            Analyzer::French,
            "le prud'homme, aujourd'hui",
            &["prud'homm", "aujourd'hui"],
        );
        check(Analyzer::French, "Les décisions d'équipe", &["decis", "equip"]);
    }

    #[test]
    fn english_possessives_and_contractions_meet_their_words() {
        check(Analyzer::English, "Ann's budgets don't", &["ann", "budget"]);
        check(Analyzer::English, "The 12 remote controls", &["12", "remot", "control"]);
    }

    #[test]
    fn offsets_point_at_the_words_as_written() {
        let text = "à l’équipe";
        let found = tokens(&mut Analyzer::French.build(), text);
        let token = found.last().expect("one word");
        assert_eq!(
            (token.text.as_str(), &text[token.offset_from..token.offset_to]),
            ("equip", "l’équipe")
        );
    }

    #[test]
    fn languages_are_told_apart() {
        let french = "Nous avons décidé de reporter la livraison de la nouvelle version à la semaine prochaine.";
        assert_eq!(detect_language(french), Some(Language::FRENCH));
        assert_eq!(detect_language("ok"), None);
        let line = "3. Guide : nouveau chapitre sur l'export et traduction en français.";
        assert_eq!(language_by_stop_words(line), Some(Language::FRENCH));
        assert_eq!(
            language_by_stop_words("2. Security audit of the library"),
            Some(Language::ENGLISH)
        );
        assert_eq!(language_by_stop_words("Budget 2026"), None);
    }

    proptest::proptest! {
        #[test]
        fn remembered_terms_are_those_of_the_rules(text in "[a-zA-ZéÉ'’ .0-9]*|\\PC*") {
            for analyzer in Analyzer::ALL {
                let mut remembering = analyzer.build();
                let once = tokens(&mut remembering, &text);
                proptest::prop_assert_eq!(&once, &tokens(&mut remembering, &text));
                let by_rules = tokens(&mut analyzer.rules(), &text);
                proptest::prop_assert_eq!(once, by_rules);
            }
        }

        #[test]
        fn any_text_is_cut_at_character_boundaries(text in "\\PC*") {
            for analyzer in Analyzer::ALL {
                for token in tokens(&mut analyzer.build(), &text) {
                    proptest::prop_assert!(text.get(token.offset_from..token.offset_to).is_some());
                }
            }
        }
    }
}
