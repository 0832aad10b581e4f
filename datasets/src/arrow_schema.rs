//! The Arrow schema of every table: a stable contract for pyarrow, DuckDB and Spark, so columns are only ever added.
//!
//! Times within a recording are milliseconds as integers, instants are microseconds in UTC, days are days. Nested parts
//! (words, evidence) are lists in their row. Every table that belongs to meetings has the column `meeting`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// A table of a library or a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per meeting.
    Meetings,
    /// One row per person in a meeting.
    Participants,
    /// One row per transcript: where it came from, what was suppressed or replaced.
    Transcripts,
    /// One row per utterance, with its words.
    Utterances,
    /// One row per statement of the minutes, whatever its part.
    Minutes,
    /// One row per minutes: which passages were read, what was struck.
    Coverage,
    /// One row per topic.
    Topics,
    /// One row per decision.
    Decisions,
    /// One row per action item.
    Actions,
    /// One row per measured value.
    Metrics,
    /// One row per mail, event, contact, document, chat message or outside task.
    ContextItems,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 11] = [
        Self::Meetings,
        Self::Participants,
        Self::Transcripts,
        Self::Utterances,
        Self::Minutes,
        Self::Coverage,
        Self::Topics,
        Self::Decisions,
        Self::Actions,
        Self::Metrics,
        Self::ContextItems,
    ];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meetings => "meetings",
            Self::Participants => "participants",
            Self::Transcripts => "transcripts",
            Self::Utterances => "utterances",
            Self::Minutes => "minutes",
            Self::Coverage => "coverage",
            Self::Topics => "topics",
            Self::Decisions => "decisions",
            Self::Actions => "actions",
            Self::Metrics => "metrics",
            Self::ContextItems => "context_items",
        }
    }

    /// Its columns.
    pub fn fields(self) -> Fields {
        let fields = match self {
            Self::Meetings => meetings(),
            Self::Participants => participants(),
            Self::Transcripts => transcripts(),
            Self::Utterances => utterances(),
            Self::Minutes => minutes(),
            Self::Coverage => coverage(),
            Self::Topics => topics(),
            Self::Decisions => decisions(),
            Self::Actions => actions(),
            Self::Metrics => vec![
                maybe("meeting", DataType::Utf8),
                text("name"),
                field("value", DataType::Float64),
            ],
            Self::ContextItems => context_items(),
        };
        fields.into()
    }

    /// Its schema.
    pub fn schema(self) -> SchemaRef {
        Arc::new(Schema::new(self.fields()))
    }
}

fn field(name: &str, of: DataType) -> Field {
    Field::new(name, of, false)
}

fn maybe(name: &str, of: DataType) -> Field {
    Field::new(name, of, true)
}

fn text(name: &str) -> Field {
    field(name, DataType::Utf8)
}

fn maybe_text(name: &str) -> Field {
    maybe(name, DataType::Utf8)
}

fn instant(name: &str) -> Field {
    maybe(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
}

fn list(name: &str, of: DataType) -> Field {
    field(name, DataType::List(Arc::new(Field::new("item", of, false))))
}

fn texts(name: &str) -> Field {
    list(name, DataType::Utf8)
}

fn structs(name: &str, fields: Vec<Field>) -> Field {
    list(name, DataType::Struct(fields.into()))
}

fn access() -> Field {
    let fields = vec![
        maybe_text("owner"),
        text("visibility"),
        maybe_text("visible_domain"),
        structs(
            "delegations",
            vec![
                text("to"),
                text("right"),
                field("is_group", DataType::Boolean),
                instant("until"),
            ],
        ),
    ];
    field("access", DataType::Struct(fields.into()))
}

/// Where an artifact came from.
fn provenance() -> Field {
    let fields = vec![
        text("engine"),
        text("version"),
        maybe_text("input_sha256"),
        maybe_text("model_sha256"),
        structs("parameters", vec![text("name"), text("value")]),
    ];
    field("provenance", DataType::Struct(fields.into()))
}

fn unsupported(name: &str) -> Field {
    structs(name, vec![text("kind"), text("text")])
}

fn position(name: &str) -> Field {
    field(name, DataType::UInt32)
}

fn meetings() -> Vec<Field> {
    vec![
        text("meeting"),
        text("title"),
        maybe_text("series"),
        instant("started_at"),
        maybe_text("language"),
        maybe_text("agenda"),
        maybe_text("source_file"),
        maybe_text("source_sha256"),
        access(),
    ]
}

fn participants() -> Vec<Field> {
    vec![
        text("meeting"),
        position("position"),
        text("person"),
        text("name"),
        maybe_text("email"),
        maybe_text("role"),
        maybe_text("speaker"),
        field("attended", DataType::Boolean),
    ]
}

fn transcripts() -> Vec<Field> {
    let (start, end) = (field("start_ms", DataType::Int64), field("end_ms", DataType::Int64));
    vec![
        text("meeting"),
        provenance(),
        structs(
            "suppressed",
            vec![start, end, maybe_text("speaker"), text("text"), text("reason")],
        ),
        structs("replaced", vec![text("utterance"), text("by")]),
        texts("warnings"),
    ]
}

fn utterances() -> Vec<Field> {
    let word = vec![
        text("text"),
        field("start_ms", DataType::Int64),
        field("end_ms", DataType::Int64),
        maybe("probability", DataType::Float32),
    ];
    vec![
        text("meeting"),
        position("position"),
        text("utterance"),
        maybe_text("speaker"),
        maybe("start_ms", DataType::Int64),
        maybe("end_ms", DataType::Int64),
        text("text"),
        maybe_text("language"),
        structs("words", word),
    ]
}

fn minutes() -> Vec<Field> {
    vec![
        text("meeting"),
        text("part"),
        maybe("topic", DataType::UInt32),
        position("position"),
        text("statement"),
        text("text"),
        texts("evidence"),
        field("proven", DataType::Boolean),
        unsupported("unsupported"),
    ]
}

fn coverage() -> Vec<Field> {
    let passage = vec![
        text("first"),
        text("last"),
        field("utterances", DataType::UInt64),
        maybe_text("failure"),
    ];
    vec![
        text("meeting"),
        text("language"),
        provenance(),
        field("utterances", DataType::UInt64),
        field("cited", DataType::UInt64),
        structs("passages", passage),
        structs("dropped", vec![text("text"), unsupported("unsupported")]),
    ]
}

fn topics() -> Vec<Field> {
    vec![
        text("meeting"),
        position("position"),
        text("title"),
        text("first"),
        text("last"),
        maybe("start_ms", DataType::Int64),
        maybe("end_ms", DataType::Int64),
    ]
}

fn decisions() -> Vec<Field> {
    vec![
        text("meeting"),
        position("position"),
        text("statement"),
        text("text"),
        texts("evidence"),
    ]
}

fn actions() -> Vec<Field> {
    let mut fields = decisions();
    fields.extend([
        maybe_text("owner"),
        maybe_text("owner_name"),
        maybe_text("due_text"),
        maybe("due_date", DataType::Date32),
    ]);
    fields
}

fn context_items() -> Vec<Field> {
    vec![
        text("item"),
        text("kind"),
        text("title"),
        text("text"),
        texts("people"),
        instant("at"),
        maybe_text("series"),
        maybe_text("language"),
        maybe_text("link"),
        access(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readers of old files rely on names and types; a change here needs a new column instead.
    #[test]
    fn the_schemas_are_as_they_were_published() {
        let mut text = String::new();
        for table in Table::ALL {
            text.push_str(&format!("{}\n", table.name()));
            for field in table.fields().iter() {
                let optional = if field.is_nullable() { "?" } else { "" };
                text.push_str(&format!("  {}{optional}: {}\n", field.name(), field.data_type()));
            }
        }
        insta::assert_snapshot!(text);
    }
}
