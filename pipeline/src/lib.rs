//! The greffier program: joins datasets, models and index.
