//! Where things are and on whose behalf a command runs: flags, then environment (both read by clap), then the
//! conventional folders of the system.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use datasets::{Language, PersonId, Viewer};
use etcetera::{AppStrategy as _, AppStrategyArgs};

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// The library: a folder with one folder per meeting [default: the user's data folder]
    #[arg(
        long,
        global = true,
        env = "GREFFIER_LIBRARY",
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub library: Option<PathBuf>,
    /// Where model weights are kept [default: the user's data folder]
    #[arg(
        long,
        global = true,
        env = "GREFFIER_MODELS",
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub models: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// No progress bars and no notes on standard error
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// See only what this person may see: a name or mail address [default: everything]
    #[arg(long = "as", global = true, value_name = "PERSON", help_heading = "Global options")]
    pub as_person: Option<String>,
    /// Language of what is printed: `fr` or `en` [default: of the system]
    #[arg(
        long,
        global = true,
        env = "GREFFIER_LANGUAGE",
        value_name = "LANGUAGE",
        help_heading = "Global options"
    )]
    pub language: Option<Language>,
}

impl Settings {
    /// The library's folder.
    pub fn library_folder(&self) -> anyhow::Result<PathBuf> {
        self.library.clone().map_or_else(|| data_folder("library"), Ok)
    }

    /// The folder of the weights.
    pub fn models_folder(&self) -> anyhow::Result<PathBuf> {
        self.models.clone().map_or_else(|| data_folder("models"), Ok)
    }

    /// On whose behalf the command runs. A mail address places the person in its domain.
    pub fn viewer(&self) -> Viewer {
        match &self.as_person {
            None => Viewer::Operator,
            Some(person) => Viewer::Person {
                person: PersonId::from_contact(person, None),
                domain: person.split_once('@').map(|(_, domain)| domain.trim().to_lowercase()),
                groups: Vec::new(),
            },
        }
    }

    /// The language of headings and reasons.
    pub fn display_language(&self) -> Language {
        self.language.unwrap_or_else(|| {
            let french = sys_locale::get_locale().is_some_and(|locale| locale.to_lowercase().starts_with("fr"));
            if french { Language::FRENCH } else { Language::ENGLISH }
        })
    }
}

fn data_folder(name: &str) -> anyhow::Result<PathBuf> {
    let strategy = etcetera::choose_app_strategy(AppStrategyArgs {
        top_level_domain: "org".to_owned(),
        author: "greffier".to_owned(),
        app_name: "greffier".to_owned(),
    })
    .with_context(|| format!("there is no home folder: say where the {name} is with --{name} DIR"))?;
    Ok(strategy.in_data_dir(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(as_person: Option<&str>) -> Settings {
        Settings {
            library: None,
            models: None,
            json: false,
            quiet: false,
            as_person: as_person.map(str::to_owned),
            language: None,
        }
    }

    #[test]
    fn a_mail_address_places_its_person_in_a_domain() {
        assert_eq!(settings(None).viewer(), Viewer::Operator);
        assert_eq!(
            settings(Some("Ann@Example.org")).viewer(),
            Viewer::Person {
                person: PersonId::new("ann@example.org"),
                domain: Some("example.org".to_owned()),
                groups: Vec::new(),
            }
        );
        assert_eq!(
            settings(Some("Ann Lee")).viewer(),
            Viewer::Person {
                person: PersonId::new("ann lee"),
                domain: None,
                groups: Vec::new(),
            }
        );
    }
}
