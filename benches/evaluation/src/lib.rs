//! Quality metrics and the evaluation tasks behind `greffier evaluate`.
