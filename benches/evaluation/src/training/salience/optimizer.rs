//! Limited-memory BFGS for the smooth convex losses of this training.
//! Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithm 7.5.

use std::collections::VecDeque;

/// Steps remembered to guess the curvature.
const MEMORY: usize = 8;

/// Share of the promised decrease that a step must bring (Armijo).
const DECREASE: f64 = 1e-4;

/// Lowers `loss`, which writes its gradient into its second argument, from `start` on, in at most `steps` steps.
pub(super) fn minimize(start: Vec<f64>, steps: usize, mut loss: impl FnMut(&[f64], &mut [f64]) -> f64) -> Vec<f64> {
    let mut point = start;
    let mut gradient = vec![0.0; point.len()];
    let mut value = loss(&point, &mut gradient);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..steps {
        let direction = descent(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        if slope > -1e-9 {
            break;
        }
        let mut length = if memory.is_empty() {
            1.0 / dot(&gradient, &gradient).sqrt().max(1.0)
        } else {
            1.0
        };
        let mut next_gradient = vec![0.0; point.len()];
        let (next, next_value) = loop {
            let next: Vec<f64> = point
                .iter()
                .zip(&direction)
                .map(|(at, step)| at + length * step)
                .collect();
            let next_value = loss(&next, &mut next_gradient);
            if next_value <= value + DECREASE * length * slope || length < 1e-10 {
                break (next, next_value);
            }
            length *= 0.5;
        };
        let moved: Vec<f64> = next.iter().zip(&point).map(|(new, old)| new - old).collect();
        let turned: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(new, old)| new - old)
            .collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 {
            memory.push_back((moved, turned, 1.0 / curvature));
            if memory.len() > MEMORY {
                memory.pop_front();
            }
        }
        let gained = value - next_value;
        (point, value, gradient) = (next, next_value, next_gradient);
        if gained.abs() < 1e-7 * value.abs() {
            break;
        }
    }
    point
}

/// The two-loop recursion.
fn descent(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, turned, inverse) in memory.iter().rev() {
        let share = inverse * dot(moved, &direction);
        add(&mut direction, turned, -share);
        shares.push(share);
    }
    if let Some((moved, turned, _)) = memory.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for ((moved, turned, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let correction = share - inverse * dot(turned, &direction);
        add(&mut direction, moved, correction);
    }
    direction
}

fn add(left: &mut [f64], right: &[f64], factor: f64) {
    left.iter_mut()
        .zip(right)
        .for_each(|(left, right)| *left += factor * right);
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_bowl_is_found() {
        let found = minimize(vec![5.0, -3.0], 50, |at, gradient| {
            gradient[0] = 2.0 * (at[0] - 1.0);
            gradient[1] = 20.0 * (at[1] - 2.0);
            (at[0] - 1.0).powi(2) + 10.0 * (at[1] - 2.0).powi(2)
        });
        assert!(
            (found[0] - 1.0).abs() < 1e-4 && (found[1] - 2.0).abs() < 1e-4,
            "{found:?}"
        );
    }
}
