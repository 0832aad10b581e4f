//! What the model is told, from the files in `prompts`, in French for minutes in French and in English else.

use std::sync::LazyLock;

use datasets::Language;
use minijinja::{Environment, UndefinedBehavior, Value};

macro_rules! prompt_files {
    ($($name:literal),*) => {
        [$(
            (concat!("en/", $name), include_str!(concat!("../../prompts/en/", $name, ".txt"))),
            (concat!("fr/", $name), include_str!(concat!("../../prompts/fr/", $name, ".txt"))),
        )*]
    };
}

/// Every prompt by language and name.
const FILES: [(&str, &str); 18] = prompt_files!(
    "system",
    "passage",
    "topics",
    "decisions",
    "actions",
    "questions",
    "again",
    "notes",
    "abstract"
);

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in FILES {
        environment
            .add_template(name, source)
            .expect("a test renders every prompt of the repository");
    }
    environment
});

/// The prompts for minutes in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompts {
    language: Language,
}

impl Prompts {
    pub(super) fn for_minutes_in(language: Language) -> Self {
        Self { language }
    }

    /// The prompt `name` with its values filled in.
    pub(super) fn render(self, name: &str, values: Value) -> String {
        let folder = if self.language == Language::FRENCH { "fr" } else { "en" };
        let template = ENVIRONMENT.get_template(&format!("{folder}/{name}"));
        template
            .and_then(|template| template.render(values))
            .expect("a test renders every prompt with the values it is given")
    }

    /// What the model is, whatever it reads.
    pub(super) fn system(self) -> String {
        let language = match (self.language, self.language == Language::FRENCH) {
            (_, true) => "français".to_owned(),
            (Language::ENGLISH, _) => "English".to_owned(),
            (other, _) => format!("the language with the code `{other}`"),
        };
        self.render("system", minijinja::context! { language })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_in_french_are_asked_for_in_french() {
        assert!(
            Prompts::for_minutes_in(Language::FRENCH)
                .system()
                .contains("en français")
        );
        assert!(
            Prompts::for_minutes_in(Language::ENGLISH)
                .system()
                .contains("in English")
        );
        let german: Language = "de".parse().unwrap();
        assert!(Prompts::for_minutes_in(german).system().contains("`de`"));
    }

    #[test]
    fn what_was_said_is_not_read_as_a_template() {
        let prompts = Prompts::for_minutes_in(Language::ENGLISH);
        let values = minijinja::context! { title => "{{ 7 * 7 }}", day => "", lines => "[u1] Ann: {% raw %}" };
        let text = prompts.render("notes", values);
        assert!(text.contains("{{ 7 * 7 }}") && text.contains("{% raw %}"), "{text}");
    }
}
