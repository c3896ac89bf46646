//! Replicas on distinct nodes and, as far as there are enough, on distinct racks.
//!
//! Nodes are offered in a placement's own order (clockwise, or by falling score). A node on an
//! unseen rack is taken; one on a rack that is taken already is skipped. Once every rack is taken,
//! the skipped nodes follow in their order. A node without a rack is a rack of its own.
//! Source: Cassandra's `NetworkTopologyStrategy`, which walks its ring by this rule.

use std::collections::HashMap;

use crate::placement::Node;

/// The rack of each node, as small numbers.
#[derive(Debug, Clone)]
pub struct Racks {
    of: Vec<u32>,
    count: usize,
}

impl Racks {
    /// The racks of these nodes.
    ///
    /// # Panics
    /// If there are 2^32 nodes.
    #[must_use]
    pub fn new(nodes: &[Node]) -> Self {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut next = 0;
        let of = nodes
            .iter()
            .map(|node| {
                let number = match node.rack.as_deref() {
                    Some(rack) => *numbers.entry(rack).or_insert(next),
                    None => next,
                };
                next = next.max(number + 1);
                number
            })
            .collect();
        Self { of, count: next as usize }
    }

    /// Scratch for choosing replicas again and again.
    #[must_use]
    pub fn choice(&self) -> Choice<'_> {
        Choice {
            racks: self,
            turn: 0,
            node_turns: vec![0; self.of.len()],
            rack_turns: vec![0; self.count],
            skipped: Vec::new(),
        }
    }
}

/// Chooses replicas; its scratch is cleared by counting turns.
#[derive(Debug)]
pub struct Choice<'a> {
    racks: &'a Racks,
    turn: u64,
    node_turns: Vec<u64>,
    rack_turns: Vec<u64>,
    skipped: Vec<u32>,
}

impl Choice<'_> {
    /// Fills `out` from nodes in their order of preference; a node may be offered again.
    ///
    /// # Panics
    /// If fewer distinct nodes are offered than `out` has room for.
    pub fn fill(&mut self, offered: impl Iterator<Item = u32>, out: &mut [u32]) {
        self.turn += 1;
        self.skipped.clear();
        let (mut taken, mut racks_taken) = (0, 0);
        for node in offered {
            let position = node as usize;
            if self.node_turns[position] == self.turn {
                continue;
            }
            self.node_turns[position] = self.turn;
            let rack = &mut self.rack_turns[self.racks.of[position] as usize];
            if *rack == self.turn {
                self.skipped.push(node);
            } else {
                *rack = self.turn;
                out[taken] = node;
                taken += 1;
                racks_taken += 1;
            }
            let rest = out.len() - taken;
            if rest == 0 || (racks_taken == self.racks.count && self.skipped.len() >= rest) {
                out[taken..].copy_from_slice(&self.skipped[..rest]);
                return;
            }
        }
        panic!("{} replicas were asked of fewer distinct nodes", out.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn racks(names: &[&str]) -> Racks {
        let nodes: Vec<Node> = names
            .iter()
            .enumerate()
            .map(|(position, rack)| Node {
                rack: (!rack.is_empty()).then(|| (*rack).to_owned()),
                ..Node::new(format!("node-{position}"))
            })
            .collect();
        Racks::new(&nodes)
    }

    fn chosen(racks: &Racks, offered: &[u32], count: usize) -> Vec<u32> {
        let mut out = vec![9; count];
        racks.choice().fill(offered.iter().copied(), &mut out);
        out
    }

    #[test]
    fn unseen_racks_come_first_then_the_skipped_nodes_in_order() {
        // Nodes 0, 1, 2 on rack a; 3 on b. Offered 1 0 2 3: 1 is taken (a), 0 and 2 are skipped,
        // 3 is taken (b), then 0 and 2 follow.
        let racks = racks(&["a", "a", "a", "b"]);
        assert_eq!(chosen(&racks, &[1, 0, 2, 3], 4), [1, 3, 0, 2]);
        assert_eq!(chosen(&racks, &[1, 0, 2, 3], 3), [1, 3, 0]);
        assert_eq!(chosen(&racks, &[1, 0, 2, 3], 1), [1]);
    }

    #[test]
    fn a_node_without_a_rack_is_a_rack_of_its_own() {
        assert_eq!(chosen(&racks(&["", "", ""]), &[2, 0, 1], 2), [2, 0]);
        assert_eq!(chosen(&racks(&["a", "", "a", ""]), &[0, 2, 1, 3], 4), [0, 1, 3, 2]);
    }

    #[test]
    fn a_node_offered_again_counts_once_and_scratch_does_not_leak() {
        let racks = racks(&["a", "a", "b"]);
        let mut choice = racks.choice();
        for _ in 0..3 {
            let mut out = [9; 3];
            choice.fill([1, 1, 0, 1, 0, 2].into_iter(), &mut out);
            assert_eq!(out, [1, 2, 0]);
        }
    }
}
