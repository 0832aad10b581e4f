//! Words that hold sentences together and say nothing of what a meeting is about, those of talk included
//! ("yeah", "you know", "du coup"). Written for this project.

use std::collections::HashSet;
use std::sync::LazyLock;

use datasets::Language;

/// Whether `word`, in lower case, carries no content in `language`. No word is a stop word in a language without a list.
pub fn is_stop_word(word: &str, language: Language) -> bool {
    match language {
        Language::ENGLISH => ENGLISH.contains(word),
        Language::FRENCH => FRENCH.contains(word),
        _ => false,
    }
}

static ENGLISH: LazyLock<HashSet<&'static str>> = LazyLock::new(|| ENGLISH_WORDS.split_whitespace().collect());
static FRENCH: LazyLock<HashSet<&'static str>> = LazyLock::new(|| FRENCH_WORDS.split_whitespace().collect());

const ENGLISH_WORDS: &str = "
a an the this that these those
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself
we us our ours ourselves they them their theirs themselves
who whom whose which what when where why how whatever whether
be am is are was were been being s re m ve ll d t ain isn aren wasn weren don doesn didn hasn haven hadn won wouldn
couldn shouldn
have has had having do does did doing done can could may might must shall should will would cannot
and or but nor so if then than because as while until though although unless since
of in on at by for with without from to into onto out up down over under off about above below between through during
before after again against further once per via upon around
not no yes only just even also too very quite rather really actually basically obviously probably perhaps maybe
all any both each few more most other another some such own same every either neither none one ones
here there now ever never always still already yet back away
yeah yep yup okay ok alright right well oh ah uh um mm hmm huh eh er hey hi hello thanks thank please sorry sure fine
cool good great nice
like know think mean guess suppose say said says saying see seems seem look looks looking want wants wanted need get gets
got getting gotten go goes going gone went come comes came coming let lets make makes made take takes put gonna wanna
gotta kinda sort kind lot lots bit thing things something anything everything nothing stuff way much many
guys guy people somebody someone anybody everyone everybody
";

const FRENCH_WORDS: &str = "
le la les l un une des du de d au aux ce cet cette ces c ça cela ceci
je j me m moi tu te t toi il elle on nous vous ils elles se s soi lui leur leurs eux y en
mon ma mes ton ta tes son sa ses notre nos votre vos
qui que qu quoi dont où quand comment pourquoi combien quel quelle quels quelles lequel laquelle lesquels lesquelles
être suis es est sommes êtes sont étais était étions étiez étaient été étant serai sera serons seront serait seraient
soit soient fut fût
avoir ai as a avons avez ont avais avait avions aviez avaient eu ayant aurai aura aurons auront aurait auraient ait
aient
faire fais fait faisons faites font faisait faisaient fera feront ferait
aller vais vas va allons allez vont
pouvoir peux peut pouvons pouvez peuvent pouvait pourrait pourra devoir dois doit devons devez doivent devrait faut
fallait faudrait vouloir veux veut voulons voulez veulent voulait
dire dis dit dites disent disait savoir sais sait savez
et ou mais donc or ni car si comme lorsque puisque parce tandis afin ainsi alors
à dans par pour sans sous sur vers avec chez entre contre depuis pendant avant après jusque jusqu dès hors selon
ne n pas plus moins point jamais rien non oui
aussi très trop peu beaucoup assez bien mal mieux encore déjà toujours souvent parfois maintenant là ici puis ensuite
enfin même mêmes autre autres tout toute tous toutes chaque plusieurs quelque quelques certain certaine certains
certaines tel telle tels telles aucun aucune
voilà voici hein ben bah euh heu ah oh eh bon ok quoi hop ouais coup effet effectivement finalement justement
vraiment simplement évidemment absolument exactement juste
chose choses truc trucs fois façon manière
deux petit petite
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_is_no_content_and_the_subject_is() {
        for (word, language, stop) in [
            ("yeah", Language::ENGLISH, true),
            ("remote", Language::ENGLISH, false),
            ("voilà", Language::FRENCH, true),
            ("budget", Language::FRENCH, false),
            ("und", "de".parse().unwrap(), false),
        ] {
            assert_eq!(is_stop_word(word, language), stop, "{word}");
        }
    }
}
