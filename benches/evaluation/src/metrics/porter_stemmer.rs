//! Porter's stemmer with the extensions of NLTK, because rouge-score counts English words by exactly these stems.
//! Sources: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980; the behaviour of
//! `nltk.stem.porter.PorterStemmer` in its default mode, which the tests compare with.

/// Forms that the rules would get wrong, with their stems.
const IRREGULAR: &[(&str, &str)] = &[
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// When a suffix may go, given what stands before it.
#[derive(Clone, Copy)]
enum Condition {
    /// Measure above this.
    MeasureAbove(usize),
    /// Measure above 1, and `s` or `t` before the suffix.
    AfterSOrT,
    /// Measure above 0, the `l` of `logi` counted in.
    LogWithL,
}

type Rule = (&'static str, &'static str, Condition);

const POSITIVE: Condition = Condition::MeasureAbove(0);
const ABOVE_ONE: Condition = Condition::MeasureAbove(1);

const DERIVATIONS: &[Rule] = &[
    ("ational", "ate", POSITIVE),
    ("tional", "tion", POSITIVE),
    ("enci", "ence", POSITIVE),
    ("anci", "ance", POSITIVE),
    ("izer", "ize", POSITIVE),
    ("bli", "ble", POSITIVE),
    ("alli", "al", POSITIVE),
    ("entli", "ent", POSITIVE),
    ("eli", "e", POSITIVE),
    ("ousli", "ous", POSITIVE),
    ("ization", "ize", POSITIVE),
    ("ation", "ate", POSITIVE),
    ("ator", "ate", POSITIVE),
    ("alism", "al", POSITIVE),
    ("iveness", "ive", POSITIVE),
    ("fulness", "ful", POSITIVE),
    ("ousness", "ous", POSITIVE),
    ("aliti", "al", POSITIVE),
    ("iviti", "ive", POSITIVE),
    ("biliti", "ble", POSITIVE),
    ("fulli", "ful", POSITIVE),
    ("logi", "log", Condition::LogWithL),
];

const ADJECTIVES: &[Rule] = &[
    ("icate", "ic", POSITIVE),
    ("ative", "", POSITIVE),
    ("alize", "al", POSITIVE),
    ("iciti", "ic", POSITIVE),
    ("ical", "ic", POSITIVE),
    ("ful", "", POSITIVE),
    ("ness", "", POSITIVE),
];

const ENDINGS: &[Rule] = &[
    ("al", "", ABOVE_ONE),
    ("ance", "", ABOVE_ONE),
    ("ence", "", ABOVE_ONE),
    ("er", "", ABOVE_ONE),
    ("ic", "", ABOVE_ONE),
    ("able", "", ABOVE_ONE),
    ("ible", "", ABOVE_ONE),
    ("ant", "", ABOVE_ONE),
    ("ement", "", ABOVE_ONE),
    ("ment", "", ABOVE_ONE),
    ("ent", "", ABOVE_ONE),
    ("ion", "", Condition::AfterSOrT),
    ("ou", "", ABOVE_ONE),
    ("ism", "", ABOVE_ONE),
    ("ate", "", ABOVE_ONE),
    ("iti", "", ABOVE_ONE),
    ("ous", "", ABOVE_ONE),
    ("ive", "", ABOVE_ONE),
    ("ize", "", ABOVE_ONE),
];

/// The stem of `word`, which is in lower case. Words that are not ASCII are returned as they are.
pub fn porter_stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 || !word.is_ascii() {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    strip_plural(&mut stem);
    strip_past_and_gerund(&mut stem);
    turn_final_y(&mut stem);
    strip_derivation(&mut stem);
    apply(&mut stem, ADJECTIVES);
    apply(&mut stem, ENDINGS);
    strip_final_e(&mut stem);
    if stem.ends_with("ll") && measure(&stem[..stem.len() - 1]) > 1 {
        stem.pop();
    }
    stem
}

/// Step 1a.
fn strip_plural(word: &mut String) {
    let end = word.len();
    if word.ends_with("ies") && end == 4 {
        word.truncate(end - 1);
    } else if word.ends_with("sses") || word.ends_with("ies") {
        word.truncate(end - 2);
    } else if word.ends_with('s') && !word.ends_with("ss") {
        word.truncate(end - 1);
    }
}

/// Step 1b.
fn strip_past_and_gerund(word: &mut String) {
    let end = word.len();
    if word.ends_with("ied") {
        word.truncate(if end == 4 { end - 1 } else { end - 2 });
        return;
    }
    if word.ends_with("eed") {
        if measure(&word[..end - 3]) > 0 {
            word.truncate(end - 1);
        }
        return;
    }
    let before = |suffix| word.strip_suffix(suffix).filter(|stem| has_vowel(stem)).map(str::len);
    let Some(length) = before("ed").or_else(|| before("ing")) else {
        return;
    };
    word.truncate(length);
    if word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz") {
        word.push('e');
    } else if ends_in_double_consonant(word) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_in_short_syllable(word) {
        word.push('e');
    }
}

/// Step 1c as NLTK has it: only after a consonant that is not the whole stem.
fn turn_final_y(word: &mut String) {
    let end = word.len();
    if word.ends_with('y') && end > 2 && consonants(word)[end - 2] {
        word.truncate(end - 1);
        word.push('i');
    }
}

/// Step 2; `alli` is shortened first and the result goes through the step again.
fn strip_derivation(word: &mut String) {
    while word.ends_with("alli") && measure(&word[..word.len() - 4]) > 0 {
        word.truncate(word.len() - 2);
    }
    apply(word, DERIVATIONS);
}

/// The first rule whose suffix fits decides, whether its condition holds or not.
fn apply(word: &mut String, rules: &[Rule]) {
    let Some((stem, replacement, condition)) = rules.iter().find_map(|(suffix, replacement, condition)| {
        word.strip_suffix(suffix).map(|stem| (stem, replacement, condition))
    }) else {
        return;
    };
    let holds = match condition {
        Condition::MeasureAbove(least) => measure(stem) > *least,
        Condition::AfterSOrT => measure(stem) > 1 && stem.ends_with(['s', 't']),
        Condition::LogWithL => measure(&word[..word.len() - 3]) > 0,
    };
    if holds {
        let length = stem.len();
        word.truncate(length);
        word.push_str(replacement);
    }
}

/// Step 5a.
fn strip_final_e(word: &mut String) {
    if let Some(stem) = word.strip_suffix('e') {
        let measure = measure(stem);
        if measure > 1 || (measure == 1 && !ends_in_short_syllable(stem)) {
            word.pop();
        }
    }
}

/// For each letter whether it is a consonant; `y` is one at the beginning and after a vowel.
fn consonants(word: &str) -> Vec<bool> {
    let mut flags: Vec<bool> = Vec::with_capacity(word.len());
    for letter in word.bytes() {
        let consonant = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => flags.last().is_none_or(|&before| !before),
            _ => true,
        };
        flags.push(consonant);
    }
    flags
}

/// How often a vowel is followed by a consonant.
fn measure(stem: &str) -> usize {
    consonants(stem).windows(2).filter(|pair| !pair[0] && pair[1]).count()
}

fn has_vowel(stem: &str) -> bool {
    consonants(stem).contains(&false)
}

fn ends_in_double_consonant(word: &str) -> bool {
    let letters = word.as_bytes();
    let end = letters.len();
    end >= 2 && letters[end - 1] == letters[end - 2] && consonants(word)[end - 1]
}

/// Consonant, vowel, consonant other than `w`, `x`, `y`; or a word of vowel and consonant.
fn ends_in_short_syllable(word: &str) -> bool {
    match *consonants(word) {
        [.., true, false, true] => !word.ends_with(['w', 'x', 'y']),
        [false, true] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stems as printed by `nltk.stem.porter.PorterStemmer().stem` (nltk 3.10).
    #[test]
    fn stems_are_those_of_nltk() {
        for pair in STEMS.split_whitespace() {
            let (word, stem) = pair.split_once('/').unwrap();
            assert_eq!(porter_stem(word), stem, "{word}");
        }
    }

    const STEMS: &str = "
caresses/caress ponies/poni ties/tie flies/fli dies/die caress/caress cats/cat feed/feed agreed/agre
plastered/plaster bled/bled motoring/motor sing/sing conflated/conflat troubled/troubl sized/size hopping/hop
tanned/tan falling/fall hissing/hiss fizzed/fizz failing/fail filing/file happy/happi sky/sky enjoy/enjoy
enjoyment/enjoy spy/spi relational/relat conditional/condit rational/ration valency/valenc hesitancy/hesit
digitizer/digit conformably/conform radically/radic differently/differ vilely/vile analogously/analog
vietnamization/vietnam predication/predic operator/oper feudalism/feudal decisiveness/decis hopefulness/hope
callousness/callous formality/formal sensitivity/sensit sensibility/sensibl hopefully/hope geology/geolog
archaeology/archaeolog triplicate/triplic formative/form formalize/formal electricity/electr electrical/electr
hopeful/hope goodness/good revival/reviv allowance/allow inference/infer airliner/airlin gyroscopic/gyroscop
adjustable/adjust defensible/defens irritant/irrit replacement/replac adjustment/adjust dependent/depend
adoption/adopt homologous/homolog communism/commun activate/activ angularity/angular effective/effect
bowdlerize/bowdler probate/probat rate/rate cease/ceas control/control roll/roll controlled/control syzygy/syzygi
toy/toy proceeding/proceed skies/sky dying/die news/news spied/spi died/die meetings/meet designers/design
batteries/batteri kinetically/kinet usability/usabl generally/gener yearly/yearli yyyy/yyyi being/be using/use
users/user used/use eyed/eye eggs/egg add/add adding/ad ion/ion as/as added/ad infrared/infrar televisions/televis
functional/function buttons/button really/realli i/i us/us 12th/12th mp3s/mp3
";

    proptest::proptest! {
        #[test]
        fn any_word_has_a_stem(word in "[a-z0-9é]{0,12}") {
            porter_stem(&word);
        }
    }
}
