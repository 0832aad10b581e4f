//! Rows of context items and of measured values.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::meeting_rows::{AccessColumns, instant, language};
use super::{TableError, TableRow, parse};
use crate::arrow_schema::Table;
use crate::{ContextItem, ContextItemId, ContextKind, PersonId, SeriesId};

/// A row of `context_items`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the columns are those of arrow_schema, the values those of ContextItem"
)]
pub struct ContextItemRow {
    pub item: String,
    pub kind: String,
    pub title: String,
    pub text: String,
    pub people: Vec<String>,
    /// Microseconds since 1970 in UTC; finer parts are lost.
    pub at: Option<i64>,
    pub series: Option<String>,
    pub language: Option<String>,
    pub link: Option<String>,
    pub access: AccessColumns,
}

/// A measured value: a row of `metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The meeting it was measured on; `None` for a whole corpus.
    pub meeting: Option<String>,
    /// What was measured, unit last: `rouge1`, `minutes_ms`.
    pub name: String,
    /// The value.
    pub value: f64,
}

impl TableRow for ContextItemRow {
    const TABLE: Table = Table::ContextItems;
}

impl TableRow for Metric {
    const TABLE: Table = Table::Metrics;
}

const KINDS: [(ContextKind, &str); 6] = [
    (ContextKind::Mail, "mail"),
    (ContextKind::Event, "event"),
    (ContextKind::Contact, "contact"),
    (ContextKind::Document, "document"),
    (ContextKind::Chat, "chat"),
    (ContextKind::Action, "action"),
];

impl From<&ContextItem> for ContextItemRow {
    fn from(item: &ContextItem) -> Self {
        let kind = KINDS
            .iter()
            .find(|(kind, _)| *kind == item.kind)
            .map_or("", |(_, name)| name);
        Self {
            item: item.id.to_string(),
            kind: kind.to_owned(),
            title: item.title.clone(),
            text: item.text.clone(),
            people: item.people.iter().map(ToString::to_string).collect(),
            at: item.at.map(Timestamp::as_microsecond),
            series: item.series.as_ref().map(ToString::to_string),
            language: item.language.as_ref().map(ToString::to_string),
            link: item.link.clone(),
            access: AccessColumns::from(&item.access),
        }
    }
}

impl ContextItemRow {
    /// The item.
    ///
    /// # Errors
    /// When a value is none that an item can have.
    pub fn into_item(self) -> Result<ContextItem, TableError> {
        let table = Table::ContextItems;
        let kind = |value: &str| KINDS.iter().find(|(_, name)| *name == value).map(|(kind, _)| *kind);
        Ok(ContextItem {
            id: ContextItemId::new(self.item),
            kind: parse(table, "kind", &self.kind, kind)?,
            title: self.title,
            text: self.text,
            people: self.people.into_iter().map(PersonId::new).collect(),
            at: instant(table, self.at)?,
            series: self.series.map(SeriesId::new),
            language: language(table, self.language)?,
            link: self.link,
            access: self.access.into_access(table)?,
        })
    }
}
