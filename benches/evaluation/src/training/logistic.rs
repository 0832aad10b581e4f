//! Logistic regression with L2 regularisation, fitted by L-BFGS, into the model that the product runs.

use std::collections::HashMap;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use minuting::linear::{Features, LinearModel, Measure};

/// An example and its label.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// What is known of it.
    pub features: &'a Features,
    /// Whether the answer is yes.
    pub positive: bool,
}

/// How a model is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticOptions {
    /// Inverse of the regularisation, as in scikit-learn: larger fits closer.
    pub cost: f32,
    /// What one positive example counts; negatives count 1. `None` makes both classes weigh the same.
    pub positive_weight: Option<f32>,
    /// Marks that stand in fewer examples are left out.
    pub examples_min: u32,
    /// What a standardised measurement counts beside a mark.
    pub measure_scale: f32,
    /// Most iterations of L-BFGS.
    pub iterations_max: u64,
}

/// Brings the usual inverse document frequency of a mark near 1, so that `cost` means what it does for TF-IDF vectors of
/// unit length. An honest guess that only shifts the best `cost`.
const FREQUENCY_SCALE: f32 = 1.0 / 6.0;

/// Fits a model to `examples`.
///
/// # Errors
/// When the optimiser fails, which for this convex problem means numbers that are not finite.
pub fn fit(examples: &[Example], options: LogisticOptions) -> Result<LinearModel, Error> {
    let design = Design::new(examples, options);
    let start = vec![0.0_f64; design.columns() + 1];
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10)
        .with_tolerance_grad(1e-4)?
        .with_tolerance_cost(1e-7)?;
    let problem = Problem { design: &design };
    let executor =
        Executor::new(problem, solver).configure(|state| state.param(start).max_iters(options.iterations_max));
    let result = executor.run()?;
    let best = result.state().get_best_param().cloned().unwrap_or_default();
    Ok(design.into_model(&best))
}

/// The examples as a sparse matrix with columns of its own.
struct Design {
    columns_of: HashMap<u32, u32>,
    /// Inverse document frequency by column.
    frequency: Vec<f32>,
    measures: Vec<Measure>,
    rows: Vec<Row>,
    cost: f64,
    measure_scale: f32,
}

struct Row {
    columns: Vec<u32>,
    value: f32,
    measures: Vec<f32>,
    /// +1 or -1.
    label: f64,
    weight: f64,
}

impl Design {
    fn new(examples: &[Example], options: LogisticOptions) -> Self {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for mark in examples.iter().flat_map(|example| &example.features.marks) {
            *counts.entry(*mark).or_default() += 1;
        }
        counts.retain(|_, count| *count >= options.examples_min);
        let mut kept: Vec<(u32, u32)> = counts.into_iter().collect();
        kept.sort_unstable();
        let rarity = |count: u32| ((1.0 + examples.len() as f32) / (1.0 + count as f32)).ln() + 1.0;
        let frequency = kept.iter().map(|&(_, count)| rarity(count) * FREQUENCY_SCALE).collect();
        let columns_of: HashMap<u32, u32> = (0..).zip(&kept).map(|(column, &(mark, _))| (mark, column)).collect();
        let measures = measures(examples);
        let positives = examples.iter().filter(|example| example.positive).count().max(1) as f64;
        let all = examples.len() as f64;
        let (positive, negative) = match options.positive_weight {
            Some(weight) => (f64::from(weight), 1.0),
            None => (all / 2.0 / positives, all / 2.0 / (all - positives).max(1.0)),
        };
        let rows = examples.iter().map(|example| Row {
            columns: example
                .features
                .marks
                .iter()
                .filter_map(|mark| columns_of.get(mark).copied())
                .collect(),
            value: example.features.mark_value(),
            measures: standardised(&measures, &example.features.measures, options.measure_scale),
            label: if example.positive { 1.0 } else { -1.0 },
            weight: if example.positive { positive } else { negative },
        });
        let rows = rows.collect();
        Self {
            columns_of,
            frequency,
            measures,
            rows,
            cost: f64::from(options.cost),
            measure_scale: options.measure_scale,
        }
    }

    fn columns(&self) -> usize {
        self.frequency.len() + self.measures.len()
    }

    fn margin(&self, row: &Row, weights: &[f64]) -> f64 {
        let marks: f64 = row
            .columns
            .iter()
            .map(|&column| weights[column as usize] * f64::from(self.frequency[column as usize]))
            .sum();
        let measures = row.measures.iter().zip(&weights[self.frequency.len()..]);
        let measures: f64 = measures.map(|(value, weight)| f64::from(*value) * weight).sum();
        weights[self.columns()] + marks * f64::from(row.value) + measures
    }

    fn into_model(self, weights: &[f64]) -> LinearModel {
        let marks = self
            .columns_of
            .iter()
            .map(|(&mark, &column)| (mark, weights[column as usize] as f32 * self.frequency[column as usize]));
        let measured = &weights[self.frequency.len()..self.columns()];
        let measures = self.measures.iter().zip(measured);
        LinearModel {
            bias: weights[self.columns()] as f32,
            marks: marks.collect(),
            measures: measures
                .map(|(measure, weight)| Measure {
                    weight: *weight as f32 * self.measure_scale,
                    ..*measure
                })
                .collect(),
        }
    }
}

fn measures(examples: &[Example]) -> Vec<Measure> {
    let width = examples.first().map_or(0, |example| example.features.measures.len());
    let count = examples.len().max(1) as f64;
    let measure = |column: usize| {
        let values = || {
            examples
                .iter()
                .map(|example| f64::from(example.features.measures[column]))
        };
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        Measure {
            mean: mean as f32,
            deviation: (variance.sqrt() as f32).max(1e-6),
            weight: 0.0,
        }
    };
    (0..width).map(measure).collect()
}

fn standardised(measures: &[Measure], values: &[f32], scale: f32) -> Vec<f32> {
    let pairs = measures.iter().zip(values);
    pairs
        .map(|(measure, value)| (value - measure.mean) / measure.deviation * scale)
        .collect()
}

struct Problem<'a> {
    design: &'a Design,
}

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Self::Param) -> Result<f64, Error> {
        let design = self.design;
        let penalty: f64 = weights[..design.columns()].iter().map(|weight| weight * weight).sum();
        let loss = |row: &Row| row.weight * softplus(-row.label * design.margin(row, weights));
        Ok(penalty / 2.0 + design.cost * design.rows.iter().map(loss).sum::<f64>())
    }
}

impl Gradient for Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Self::Param) -> Result<Vec<f64>, Error> {
        let design = self.design;
        let mut gradient = weights.clone();
        gradient[design.columns()] = 0.0;
        for row in &design.rows {
            let margin = row.label * design.margin(row, weights);
            let slope = -design.cost * row.weight * row.label / (1.0 + margin.exp());
            for &column in &row.columns {
                gradient[column as usize] += slope * f64::from(row.value * design.frequency[column as usize]);
            }
            for (column, value) in (design.frequency.len()..).zip(&row.measures) {
                gradient[column] += slope * f64::from(*value);
            }
            gradient[design.columns()] += slope;
        }
        Ok(gradient)
    }
}

fn softplus(value: f64) -> f64 {
    if value > 30.0 { value } else { value.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_and_a_measurement_are_learnt() {
        let features: Vec<Features> = (0..200_u32)
            .map(|index| {
                let mut features = Features {
                    marks: Vec::new(),
                    measures: vec![(index % 10) as f32],
                };
                features.mark(&[if index % 2 == 0 { "even" } else { "odd" }]);
                features.finish()
            })
            .collect();
        let options = LogisticOptions {
            cost: 10.0,
            positive_weight: Some(1.0),
            examples_min: 2,
            measure_scale: 1.0,
            iterations_max: 100,
        };
        let yes = |index: usize| index.is_multiple_of(2) && index % 10 >= 4;
        let examples = features.iter().enumerate().map(|(index, features)| Example {
            features,
            positive: yes(index),
        });
        let model = fit(&examples.collect::<Vec<_>>(), options).unwrap();
        for (index, features) in features.iter().enumerate() {
            assert_eq!(model.score(features) > 0.0, yes(index), "{index}");
        }
    }
}
