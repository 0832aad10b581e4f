//! Vectors in the same index segments as the postings, through tantivy's segment plug-in: they are committed, merged and
//! deleted with their documents.
//!
//! One file per index segment: for every document with a vector, in the order of documents, an 8-bit code with its scale
//! (cosine to three digits) and a 1-bit code of the signs after centring (a first look at 48 bytes a vector). Meant for
//! flat scans over a segment and for exact looks at a few documents; there is no graph to build or to wait for.
//!
//! tantivy 0.27 keeps the mapping of documents in a sort or merge to itself. Built-in files are written before a plug-in's,
//! so the plug-in reads the finished `key` column of the target and finds each document by its key.

use std::any::Any;
use std::collections::HashMap;
use std::io::{self, Write};

use tantivy::columnar::{ColumnarReader, DynamicColumn};
use tantivy::directory::OwnedBytes;
use tantivy::index::{SegmentComponent, SegmentReader};
use tantivy::indexer::doc_id_mapping::DocIdMapping;
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, FieldType, Schema, Value};
use tantivy::{
    DocId, PluginMergeContext, PluginWriter, PluginWriterContext, Segment, SegmentPlugin, TantivyDocument, TantivyError,
};

use crate::schema::{KEY, VECTOR_TYPE};
use crate::vector_kernels::{dot, encode, hamming};

const EXTENSION: &str = "vectors";
const MAGIC: &[u8; 8] = b"grfvec01";
/// A document without a vector.
const NO_ROW: u32 = u32::MAX;

/// The plug-in: one per index that holds vectors.
pub(crate) struct VectorPlugin {
    pub(crate) dimensions: usize,
}

/// The vectors of one index segment, mapped into memory.
pub(crate) struct VectorSegment {
    dimensions: usize,
    /// Documents with a vector, ascending.
    documents: Vec<DocId>,
    /// The row of each document up to the last one with a vector.
    rows: Vec<u32>,
    scales: Vec<f32>,
    mean: Vec<f32>,
    bits: OwnedBytes,
    codes: OwnedBytes,
}

/// A query's vector in all forms that the scans need.
pub(crate) struct VectorQuery {
    unit: Vec<f32>,
    code: Vec<u8>,
    scale: f32,
}

impl VectorQuery {
    /// `None` for a vector without a direction.
    pub(crate) fn new(vector: &[f32]) -> Option<Self> {
        let unit = normalised(vector)?;
        let mut code = Vec::with_capacity(unit.len());
        let scale = encode(&unit, &mut code);
        Some(Self { unit, code, scale })
    }

    /// The largest number of signs in which two vectors can differ.
    pub(crate) fn bits(&self) -> usize {
        self.unit.len()
    }
}

/// `vector` at length 1; `None` where it has no direction.
pub(crate) fn normalised(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    (length.is_finite() && length > 1e-9).then(|| vector.iter().map(|x| (f64::from(*x) / length) as f32).collect())
}

/// A vector of length 1 as bytes of the custom field: what one step is worth, then the code.
pub(crate) fn to_bytes(unit: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let scale = encode(unit, &mut bytes);
    bytes[..4].copy_from_slice(&scale.to_le_bytes());
    bytes
}

fn floats_to_bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}

impl VectorSegment {
    /// Reads the vectors of a segment; `None` when the index holds none.
    pub(crate) fn open(reader: &SegmentReader) -> tantivy::Result<Option<Self>> {
        let has_vectors = reader.schema().fields().any(
            |(_, entry)| matches!(entry.field_type(), FieldType::Custom(options) if options.type_name() == VECTOR_TYPE),
        );
        if !has_vectors {
            return Ok(None);
        }
        let bytes = reader
            .open_read(SegmentComponent::Custom(EXTENSION.to_owned()))?
            .read_bytes()?;
        Ok(Some(Self::parse(bytes)?))
    }

    fn parse(bytes: OwnedBytes) -> io::Result<Self> {
        let damaged = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the vector file of an index segment is damaged",
            )
        };
        let number = |at: usize| {
            let four = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize)
        };
        if bytes.get(..8) != Some(MAGIC) {
            return Err(damaged());
        }
        let (dimensions, count) = (number(8).ok_or_else(damaged)?, number(12).ok_or_else(damaged)?);
        let sizes = [
            dimensions * 4,
            count * 4,
            count * 4,
            count * bit_bytes(dimensions),
            count * dimensions,
        ];
        if bytes.len() != 16 + sizes.iter().sum::<usize>() {
            return Err(damaged());
        }
        let mut at = 16;
        let mut parts = sizes.map(|size| {
            at += size;
            bytes.slice(at - size..at)
        });
        let floats = |part: &OwnedBytes| {
            part.as_chunks::<4>()
                .0
                .iter()
                .map(|four| f32::from_le_bytes(*four))
                .collect()
        };
        let documents: Vec<DocId> = parts[1]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|four| u32::from_le_bytes(*four))
            .collect();
        let mut rows = vec![NO_ROW; documents.iter().max().map_or(0, |&last| last as usize + 1)];
        for (row, &document) in (0..).zip(&documents) {
            rows[document as usize] = row;
        }
        Ok(Self {
            dimensions,
            mean: floats(&parts[0]),
            documents,
            rows,
            scales: floats(&parts[2]),
            bits: std::mem::replace(&mut parts[3], OwnedBytes::empty()),
            codes: std::mem::replace(&mut parts[4], OwnedBytes::empty()),
        })
    }

    /// Documents with a vector, ascending; a row is a position in this list.
    pub(crate) fn documents(&self) -> &[DocId] {
        &self.documents
    }

    /// The row of `document`.
    #[inline]
    pub(crate) fn row(&self, document: DocId) -> Option<usize> {
        let row = *self.rows.get(document as usize)?;
        (row != NO_ROW).then_some(row as usize)
    }

    /// Cosine of the query and a row, to about three digits.
    pub(crate) fn cosine(&self, query: &VectorQuery, row: usize) -> f32 {
        dot(self.code(row), &query.code) as f32 * self.scales[row] * query.scale
    }

    /// Bits in which each row's signs differ from the query's, into `distances`.
    pub(crate) fn distances(&self, query: &VectorQuery, distances: &mut Vec<u16>) {
        hamming(&sign_words(&query.unit, &self.mean), &self.bits, distances);
    }

    fn code(&self, row: usize) -> &[u8] {
        &self.codes[row * self.dimensions..(row + 1) * self.dimensions]
    }
}

fn bit_bytes(dimensions: usize) -> usize {
    dimensions.div_ceil(64) * 8
}

fn sign_words(unit: &[f32], mean: &[f32]) -> Vec<u64> {
    let mut words = vec![0_u64; unit.len().div_ceil(64)];
    for (dimension, (x, mean)) in unit.iter().zip(mean).enumerate() {
        words[dimension / 64] |= u64::from(x > mean) << (dimension % 64);
    }
    words
}

/// Rows that are about to be written, in the order of documents.
struct Rows {
    dimensions: usize,
    documents: Vec<DocId>,
    scales: Vec<f32>,
    codes: Vec<u8>,
}

impl Rows {
    fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            documents: Vec::new(),
            scales: Vec::new(),
            codes: Vec::new(),
        }
    }

    fn push(&mut self, document: DocId, code: &[u8], scale: f32) {
        self.documents.push(document);
        self.scales.push(scale);
        self.codes.extend_from_slice(code);
    }

    fn write(&self, segment: &Segment) -> tantivy::Result<()> {
        let mut file = segment.open_write(SegmentComponent::Custom(EXTENSION.to_owned()))?;
        let mean = self.mean();
        file.write_all(MAGIC)?;
        file.write_all(&(self.dimensions as u32).to_le_bytes())?;
        file.write_all(&(self.documents.len() as u32).to_le_bytes())?;
        file.write_all(&floats_to_bytes(&mean))?;
        for document in &self.documents {
            file.write_all(&document.to_le_bytes())?;
        }
        file.write_all(&floats_to_bytes(&self.scales))?;
        let mut unit = vec![0.0_f32; self.dimensions];
        for (code, &scale) in self.codes.chunks_exact(self.dimensions).zip(&self.scales) {
            for (x, &byte) in unit.iter_mut().zip(code) {
                *x = f32::from(byte as i8) * scale;
            }
            for word in sign_words(&unit, &mean) {
                file.write_all(&word.to_le_bytes())?;
            }
        }
        file.write_all(&self.codes)?;
        tantivy::directory::TerminatingWrite::terminate(file)?;
        Ok(())
    }

    fn mean(&self) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.dimensions];
        for (code, &scale) in self.codes.chunks_exact(self.dimensions).zip(&self.scales) {
            for (sum, &byte) in sums.iter_mut().zip(code) {
                *sum += f64::from(f32::from(byte as i8) * scale);
            }
        }
        let count = self.documents.len().max(1) as f64;
        sums.into_iter().map(|sum| (sum / count) as f32).collect()
    }
}

impl SegmentPlugin for VectorPlugin {
    fn extensions(&self) -> &[&str] {
        &[EXTENSION]
    }

    fn create_writer(&self, context: &PluginWriterContext<'_>) -> tantivy::Result<Box<dyn PluginWriter>> {
        let schema = context.segment.schema();
        let field = schema.fields().find(
            |(_, entry)| matches!(entry.field_type(), FieldType::Custom(options) if options.type_name() == VECTOR_TYPE),
        );
        Ok(Box::new(VectorWriter {
            dimensions: self.dimensions,
            vector: field.map(|(field, _)| field),
            key: schema.get_field(KEY)?,
            rows: HashMap::default(),
            scales: Vec::new(),
            codes: Vec::new(),
        }))
    }

    fn merge(&self, context: PluginMergeContext<'_>) -> tantivy::Result<()> {
        let sources: Vec<Option<VectorSegment>> = context
            .readers
            .iter()
            .map(VectorSegment::open)
            .collect::<tantivy::Result<_>>()?;
        let mut by_key: HashMap<u64, (usize, usize), foldhash::fast::RandomState> = HashMap::default();
        for (ordinal, (reader, source)) in context.readers.iter().zip(&sources).enumerate() {
            let Some(source) = source else { continue };
            let keys = reader.fast_fields().u64(KEY)?;
            for (row, &document) in source.documents.iter().enumerate() {
                if !reader.is_deleted(document)
                    && let Some(key) = keys.first(document)
                {
                    by_key.insert(key, (ordinal, row));
                }
            }
        }
        let mut rows = Rows::new(self.dimensions);
        for (document, key) in (0..).zip(written_keys(context.target_segment)?) {
            if let Some(&(ordinal, row)) = by_key.get(&key)
                && let Some(source) = &sources[ordinal]
            {
                rows.push(document, source.code(row), source.scales[row]);
            }
        }
        rows.write(context.target_segment)
    }
}

/// Collects the vectors of a segment that is being written, by key: the order of documents is decided at the end.
struct VectorWriter {
    dimensions: usize,
    vector: Option<Field>,
    key: Field,
    /// Row of each key in `scales` and `codes`.
    rows: HashMap<u64, u32, foldhash::fast::RandomState>,
    scales: Vec<f32>,
    codes: Vec<u8>,
}

impl PluginWriter for VectorWriter {
    fn add_document(
        &mut self,
        _document: DocId,
        content: &dyn ErasedDocument,
        _schema: &Schema,
    ) -> tantivy::Result<()> {
        let wrong = |what: &str| TantivyError::InvalidArgument(what.to_owned());
        let content = content
            .as_any()
            .downcast_ref::<TantivyDocument>()
            .ok_or_else(|| wrong("vectors are read from tantivy documents"))?;
        let Some(bytes) = self
            .vector
            .and_then(|field| content.get_first(field))
            .and_then(|value| value.as_custom())
        else {
            return Ok(());
        };
        let key = content
            .get_first(self.key)
            .and_then(|value| value.as_u64())
            .ok_or_else(|| wrong("a document with a vector has no key"))?;
        match bytes.split_first_chunk::<4>() {
            Some((scale, code)) if code.len() == self.dimensions => {
                self.rows.insert(key, self.scales.len() as u32);
                self.scales.push(f32::from_le_bytes(*scale));
                self.codes.extend_from_slice(code);
                Ok(())
            }
            _ => Err(wrong("a vector has another length than the index")),
        }
    }

    fn serialize(self: Box<Self>, segment: &Segment, _mapping: Option<&DocIdMapping>) -> tantivy::Result<()> {
        let mut rows = Rows::new(self.dimensions);
        if !self.rows.is_empty() {
            for (document, key) in (0..).zip(written_keys(segment)?) {
                if let Some(&row) = self.rows.get(&key) {
                    let row = row as usize;
                    let code = &self.codes[row * self.dimensions..(row + 1) * self.dimensions];
                    rows.push(document, code, self.scales[row]);
                }
            }
        }
        rows.write(segment)
    }

    fn mem_usage(&self) -> usize {
        self.rows.len() * (self.dimensions + 32)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The keys of a segment whose built-in files are finished, in the order of its documents.
fn written_keys(segment: &Segment) -> tantivy::Result<Vec<u64>> {
    let columns = ColumnarReader::open(segment.open_read(SegmentComponent::FastFields)?)?;
    let missing = || TantivyError::InternalError("the key column of a segment is missing".to_owned());
    let column = columns.read_columns(KEY)?.into_iter().next().ok_or_else(missing)?;
    match column.open()? {
        DynamicColumn::U64(keys) => (0..columns.num_docs())
            .map(|document| keys.first(document).ok_or_else(missing))
            .collect(),
        _ => Err(missing()),
    }
}
