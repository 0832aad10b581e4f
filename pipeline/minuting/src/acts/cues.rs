//! Phrases that mark tasks, decisions, questions and unanswered ones, in French and English. For French they are the
//! classifier; for English they stand beside the learnt one.

use std::sync::LazyLock;

use datasets::Language;
use regex::RegexSet;

/// Whether somebody takes on or is given a task in `text`, to be done after the meeting.
///
/// What is done at once ("I'll show you", « je vais vous présenter ») does not count.
pub fn is_commitment(text: &str, language: Language) -> bool {
    let text = folded(text);
    let (commitment, immediate) = match language {
        Language::FRENCH => (&*FRENCH_COMMITMENT, &*FRENCH_IMMEDIATE),
        _ => (&*ENGLISH_COMMITMENT, &*ENGLISH_IMMEDIATE),
    };
    text.split_whitespace().count() >= 5 && commitment.is_match(&text) && !immediate.is_match(&text)
}

/// Whether `text` says that something was decided.
pub fn is_decision(text: &str, language: Language) -> bool {
    let text = folded(text);
    match language {
        Language::FRENCH => FRENCH_DECISION.is_match(&text) && !FRENCH_UNDECIDED.is_match(&text),
        _ => ENGLISH_DECISION.is_match(&text) && !ENGLISH_UNDECIDED.is_match(&text),
    }
}

/// Whether `text` asks something that has content: tags such as "right?" do not.
pub fn is_question(text: &str, language: Language) -> bool {
    let folded_text = folded(text);
    let long_enough = folded_text.split_whitespace().count() >= 4;
    let begins = match language {
        Language::FRENCH => FRENCH_QUESTION.is_match(&folded_text),
        _ => ENGLISH_QUESTION.is_match(&folded_text),
    };
    long_enough && (text.trim_end().ends_with('?') || begins)
}

/// Whether `text` says that an answer is not known or not given now.
pub fn is_non_answer(text: &str, language: Language) -> bool {
    match language {
        Language::FRENCH => FRENCH_NON_ANSWER.is_match(&folded(text)),
        _ => ENGLISH_NON_ANSWER.is_match(&folded(text)),
    }
}

/// Whether `text` opens the next point of an agenda.
pub fn announces_topic(text: &str, language: Language) -> bool {
    match language {
        Language::FRENCH => FRENCH_ANNOUNCEMENT.is_match(&folded(text)),
        _ => ENGLISH_ANNOUNCEMENT.is_match(&folded(text)),
    }
}

/// Lower case, typographic apostrophes straight, and spaces before an apostrophe closed as speech corpora write them.
fn folded(text: &str) -> String {
    text.to_lowercase().replace('’', "'").replace(" '", "'")
}

fn set(patterns: &[&str]) -> RegexSet {
    RegexSet::new(patterns).expect("the patterns are fixed and tested")
}

static ENGLISH_COMMITMENT: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\bi('ll| will| am going to|'m going to|'m gonna| am gonna) (\w+ly )?(also )?(do|make|send|write|prepare|check|look|finish|fix|update|move|call|contact|organi[sz]e|book|add|put|e-?mail|mail|forward|share|review|arrange|set|create|draft|announce|upload|test|schedule|work|find out|try to|take care|get back|get in touch|follow)\b",
        r"\bi take (the|care|that|this)\b",
        r"\bi('ll| will) take (the|care|that|this)\b",
        r"\b(can|could|would|will) you (please )?(send|write|prepare|check|look|finish|fix|update|make sure|call|contact|organi[sz]e|book|e-?mail|forward|share|review|arrange|draft|upload|test|schedule)\b",
        r"\bplease (send|write|prepare|check|finish|fix|update|make sure|call|contact|book|e-?mail|forward|share|review|draft)\b",
        r"\b(you|they|he|she)('ll| will| are going to|'re going to|'re gonna) (be )?(work|send|prepare|fix|write|check|finish|look into|looking at)(ing)?\b",
        r"\baction (item|point)\b",
        r"\bwill (fix|send|write|prepare|check|finish|update|contact|organi[sz]e|review|draft|work on)\b",
    ])
});

static ENGLISH_IMMEDIATE: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(i|we)('ll| will) (just |quickly )?(show|tell|start|begin|skip|present|explain|stop|read|be brief|share my screen)\b",
        r"\bif (i|you) (will|can)\b",
        r"\bcan you (hear|see|repeat|speak)\b",
    ])
});

static ENGLISH_DECISION: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(we|we've|we have|they|it was|it's|is|been) (all )?(decided|agreed)\b",
        r"\bthe decision (is|was)\b",
        r"\b(so |then )(we('ll| will)|let's) (go (with|for)|use|take|keep|stick)\b",
        r"\blet's (go (with|for)|settle|stick)\b",
        r"\b(we're|we are) (going|gonna) (to )?(go (with|for))\b",
        r"\b(motion|proposal) (is )?(carried|adopted|approved|accepted)\b",
        r"\bthat's (settled|decided)\b",
    ])
});

static ENGLISH_UNDECIDED: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(have|has|had)(n't| not) (been )?(decided|agreed)\b",
        r"\?\s*$",
        r"\b(not|never|if) (we )?(decided|agreed)\b",
    ])
});

static ENGLISH_QUESTION: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"^(so |and |but |okay |well |then )*(what|who|whom|when|where|why|which|how)('s| is| are| do| does| did| will| would| can| could| should| many| much| long)\b",
        r"^(so |and |but |okay |well |then )*(do|does|did|is|are|can|could|will|would|should|have|has) (we|you|i|they|it|he|she|the|there|that|this)\b",
        r"\bthe (open |remaining )?question (is|remains)\b",
    ])
});

static ENGLISH_NON_ANSWER: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(i|we) (do not|don't|dunno)( really| yet)? know\b",
        r"\bgood question\b",
        r"\b(i'm|we're|i am|we are) not (really |quite )?sure\b",
        r"\bno idea\b",
        r"\b(keep|leave|still) (it |that |this )?open\b",
        r"\b(have|need) to (find out|ask|check|see|look into|think about)\b",
        r"\bopen question\b",
        r"\bto be (decided|determined|defined|confirmed)\b",
    ])
});

static FRENCH_COMMITMENT: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(je|j')\s?((vous|te|t'|lui|leur|le|la|les|l'|en|y)\s?){0,2}\w+rai\b",
        r"\bje vais ((vous|te|t'|lui|leur|le|la|les|l'|en|y|m'en|me)\s?){0,2}(\w+er|\w+ir|\w+re)\b",
        r"\bje (m'en|m')\s?occupe\b",
        r"\bje me charge\b",
        r"\bje prends (en charge|le|la|les|ça|cela|l')",
        r"\bje (vous|t'|te|lui|leur) \s?(envoie|prépare|transmets|fais suivre)\b",
        r"\b(tu peux|vous pouvez|peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|tu pourrais|vous pourriez) (m'|me |nous |lui |leur |le |la |les |l')?\s?(envo|prépar|vérifi|contact|écri|regard|fai|organis|réserv|relir|transmett|appel|mettr|rédig|list|command)",
        r"\b(il faut|il faudra|il faudrait) que (tu|vous)\b",
        r"\b(merci de|pense à|pensez à|n'oublie pas de|n'oubliez pas de) \w+",
        r"\b(tu|vous) (t'|vous )\s?(occupes|occupez|charges|chargez)\b",
        r"\b(s'occupe|se charge|s'occupera|se chargera) (de|du|des|d')",
        r"\bva (préparer|envoyer|écrire|contacter|vérifier|organiser|rédiger|corriger|finir|appeler|réserver|transmettre)\b",
    ])
});

static FRENCH_IMMEDIATE: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\bje vais ((vous|te|t'|lui|leur|le|la|les|l'|en|y)\s?){0,2}(juste |d'abord |simplement )?(dire|présenter|montrer|commencer|expliquer|passer|laisser|parler|revenir|répondre|donner|être|terminer|conclure|essayer|rappeler|reprendre|ajouter|citer|lire|faire (une|un) (point|remarque)|finir)\b",
        r"\b(je|j')\s?((vous|te|t'|lui|leur|le|la|les|l'|en|y)\s?){0,2}(dirai|rappellerai|ajouterai|reviendrai|répondrai|commencerai|terminerai|conclurai|parlerai|serai|aurai|pourrai|voudrai|citerai|laisserai|passerai|donnerai la parole|vrai)\b",
        r"\b(c'est|est|pas|à|dirais|très|bien) (le |la )?vrai\b",
    ])
});

static FRENCH_DECISION: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(on|nous)( a| avons| est| sommes)? (donc )?(décidé|décidons|décide|acté|convenu|validé|validons|adopté|adoptons|tombés? d'accord)\b",
        r"\b(c'est|est|sont) (donc )?(décidée?s?|actée?s?|validée?s?|adoptée?s?|approuvée?s?|entendu|retenue?s?)\b",
        r"\b(on|nous) (retient|retenons|part sur|partons sur|garde|gardons)\b",
        r"\bla décision (est|a été)\b",
        r"\b(on est|nous sommes|tout le monde est) d'accord (pour|sur)\b",
        r"\b(motion|délibération|proposition|résolution) (est )?(adoptée|approuvée|acceptée)\b",
    ])
});

static FRENCH_UNDECIDED: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(pas|n'est pas|n'a pas|n'avons pas) (encore )?(décidé|acté|validé|convenu)",
        r"\?\s*$",
        r"\bsi (on|nous) ",
    ])
});

static FRENCH_QUESTION: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"^(et |mais |donc |alors |bon )*(est-ce que|est-ce qu'|qu'est-ce|qui est-ce|combien|pourquoi|comment (est|on|fai|va|peut)|quand est-ce|où est|quel(le)?s? (est|sont)|peut-on|a-t-on|faut-il|y a-t-il|avez-vous|avons-nous)",
        r"\bla question (est|reste|demeure)\b",
    ])
});

static FRENCH_NON_ANSWER: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(je|on|nous) (ne )?(le |l')?\s?(sais|sait|savons) pas\b",
        r"\bbonne question\b",
        r"\b(aucune idée|pas (sûre?|certaine?))\b",
        r"\b(à voir|on verra|à définir|à déterminer|à confirmer|reste ouverte?)\b",
        r"\b(il faut|il faudra|il faudrait|on doit|on devra) (encore )?(demander|vérifier|se renseigner|voir|y réfléchir)\b",
    ])
});

/// Ordinals count only near the beginning: "my last point is" in the middle of a speech opens nothing.
static ENGLISH_ANNOUNCEMENT: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"^(\w+\W+){0,2}(first|next|second|third|fourth|last|final) (point|item|topic)( on the agenda)?\s*(,|:|\.|is\b)",
        r"^(\w+\W+){0,3}(let's|let us|we('ll| will| can)?) (now )?(move|moving) on to\b",
        r"^(\w+\W+){0,2}next on the agenda\b",
    ])
});

static FRENCH_ANNOUNCEMENT: LazyLock<RegexSet> = LazyLock::new(|| {
    set(&[
        r"\b(on|nous) (passe|passons|va passer|allons passer) (maintenant |donc |alors )?(à|au|aux)\b",
        r"\b(passons|venons-en|abordons|commençons) (maintenant |donc |alors )?(à|au|aux|par)\b",
        r"^(\w+\W+){0,3}(premier|prochain|deuxième|second|troisième|quatrième|dernier) (point|sujet|thème)\b",
        r"^(\w+\W+){0,3}(point|sujet|thème) suivant\b",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Language = Language::ENGLISH;
    const FR: Language = Language::FRENCH;

    #[test]
    fn tasks_taken_on_or_given_are_commitments() {
        for text in [
            "I will finish the search page before Friday.",
            "Carla, please send me the message before you publish it.",
            "I'll send you the draft tomorrow okay.",
            "and you'll be working on the interface concept .",
        ] {
            assert!(is_commitment(text, EN), "{text}");
        }
        for text in [
            "Je vais préparer le budget pour vendredi.",
            "Je m'en occupe dès la semaine prochaine.",
            "J’enverrai le compte rendu à tout le monde.",
            "Paul, tu peux m'envoyer le fichier ce soir ?",
            "Sophie s'occupe de la salle et du café.",
        ] {
            assert!(is_commitment(text, FR), "{text}");
        }
    }

    #[test]
    fn talk_and_what_is_done_at_once_are_no_commitments() {
        for text in [
            "I'll show you the three options now.",
            "The remote will be yellow and round.",
            "I will.",
            "",
        ] {
            assert!(!is_commitment(text, EN), "{text}");
        }
        for text in [
            "Je vais vous présenter les résultats du trimestre.",
            "Je vous rappellerai simplement un chiffre.",
            "Il est vrai que le budget est faible.",
            "Oui je sais bien tout cela.",
        ] {
            assert!(!is_commitment(text, FR), "{text}");
        }
    }

    #[test]
    fn decisions_are_said_to_be_decided() {
        assert!(is_decision("So we decided to release the calendar in April.", EN));
        assert!(!is_decision("We have not decided on the colour.", EN));
        assert!(!is_decision("Have we agreed on that?", EN));
        assert!(is_decision("On a décidé de garder le logo.", FR));
        assert!(is_decision("La délibération est adoptée.", FR));
        assert!(!is_decision("Nous n'avons pas encore décidé.", FR));
    }

    #[test]
    fn the_next_point_is_announced() {
        assert!(announces_topic("Passons maintenant au budget.", FR));
        assert!(announces_topic("Deuxième point, la traduction du guide.", FR));
        assert!(!announces_topic("Le bus passe à huit heures.", FR));
        assert!(announces_topic("Next point, the security audit.", EN));
        assert!(announces_topic("Okay so let's move on to the budget.", EN));
        assert!(!announces_topic("And that is my last point about the audit.", EN));
    }

    #[test]
    fn questions_have_content() {
        assert!(is_question("Who is responsible for the library now?", EN));
        assert!(is_question("what are the production costs", EN));
        assert!(!is_question("Right?", EN));
        assert!(is_question("Est-ce que le budget est voté", FR));
        assert!(is_non_answer("Good question, I do not know either.", EN));
        assert!(is_non_answer("On ne sait pas encore.", FR));
        assert!(!is_non_answer("It costs forty euros.", EN));
    }
}
