//! The graph of words of a meeting and how central each word is in it: words are nodes, words said close to each other
//! are joined, and a word counts as much as its neighbours are deep in the core of the graph.
//! Sources: Rousseau and Vazirgiannis, "Graph-of-word and TW-IDF", CIKM 2013; Tixier, Meladianos and Vazirgiannis,
//! "Combining Graph Degeneracy and Submodularity for Unsupervised Extractive Summarization", EMNLP workshop 2017.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// How far apart two content words may stand and still be joined: five positions, as in the measured baseline.
const WINDOW: usize = 5;

/// CoreRank of each word in `0..words`: the sum of the core numbers of its neighbours; 0 for a word that never occurs.
/// `passages` hold the content words of each speech turn in order.
pub fn core_rank(passages: &[Vec<u32>], words: usize) -> Vec<u64> {
    let neighbours = join_close_words(passages, words);
    let cores = core_numbers(&neighbours);
    neighbours
        .iter()
        .map(|joined| joined.iter().map(|&other| u64::from(cores[other as usize])).sum())
        .collect()
}

fn join_close_words(passages: &[Vec<u32>], words: usize) -> Vec<BTreeSet<u32>> {
    let mut neighbours = vec![BTreeSet::new(); words];
    for passage in passages {
        for (at, &word) in passage.iter().enumerate() {
            for &other in passage[at + 1..].iter().take(WINDOW).filter(|&&other| other != word) {
                neighbours[word as usize].insert(other);
                neighbours[other as usize].insert(word);
            }
        }
    }
    neighbours
}

/// The core number of each node: the largest k for which it stands in a subgraph where every node has k neighbours.
/// Batagelj and Zaversnik 2003, with a heap for the buckets.
fn core_numbers(neighbours: &[BTreeSet<u32>]) -> Vec<u32> {
    let mut degrees: Vec<u32> = neighbours.iter().map(|joined| joined.len() as u32).collect();
    let mut cores = vec![0; neighbours.len()];
    let mut removed = vec![false; neighbours.len()];
    let mut queue: BinaryHeap<Reverse<(u32, u32)>> = (0..).zip(&degrees).map(|(node, &d)| Reverse((d, node))).collect();
    let mut core = 0;
    while let Some(Reverse((degree, node))) = queue.pop() {
        let position = node as usize;
        if removed[position] || degree != degrees[position] {
            continue;
        }
        removed[position] = true;
        core = core.max(degree);
        cores[position] = core;
        for &other in neighbours[position].iter().filter(|&&other| !removed[other as usize]) {
            degrees[other as usize] -= 1;
            queue.push(Reverse((degrees[other as usize], other)));
        }
    }
    cores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_is_deeper_than_its_tail() {
        // 0, 1 and 2 stand together; 3 only beside 2.
        let ranks = core_rank(&[vec![0, 1, 2], vec![2, 3]], 5);
        assert_eq!(ranks, [4, 4, 5, 2, 0]);
    }

    proptest::proptest! {
        #[test]
        fn a_core_is_never_above_the_degree(passages in proptest::collection::vec(proptest::collection::vec(0_u32..12, 0..9), 0..9)) {
            let neighbours = join_close_words(&passages, 12);
            for (core, joined) in core_numbers(&neighbours).into_iter().zip(&neighbours) {
                proptest::prop_assert!(core as usize <= joined.len());
            }
        }
    }
}
