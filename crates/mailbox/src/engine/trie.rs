//! A map from numbers that shares its structure with its clones.
//!
//! ```text
//!   root ── 32 ways, 5 bits of the key each ── ... ── leaf: up to 32 values
//!     ▲
//!   clone: the same root; a change copies the nodes on its way down that
//!   others hold too, and no others
//! ```
//!
//! Only slots that are taken are held, so that it suits dense keys (UIDs) and
//! sparse ones (hashes) alike.

use std::ops::ControlFlow;
use std::sync::Arc;

const BITS: u32 = 5;
const MASK: u64 = (1 << BITS) - 1;

#[derive(Clone, Debug)]
pub(crate) struct Trie<V> {
    root: Option<Arc<Node<V>>>,
    /// Levels of branches above the leaves.
    height: u32,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Branch { taken: u32, nodes: Vec<Arc<Self>> },
    Leaf { taken: u32, values: Vec<V> },
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self {
            root: None,
            height: 0,
            len: 0,
        }
    }
}

/// Where a slot's content is among those that are taken.
fn rank(taken: u32, slot: u32) -> usize {
    (taken & ((1 << slot) - 1)).count_ones() as usize
}

fn slot_of(key: u64, height: u32) -> u32 {
    ((key >> (height * BITS)) & MASK) as u32
}

/// Whether keys of this size fit under a root of this height.
fn fits(key: u64, height: u32) -> bool {
    let bits = (height + 1) * BITS;
    bits >= u64::BITS || key >> bits == 0
}

impl<V: Clone> Trie<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: u64) -> Option<&V> {
        let mut node = self.root.as_deref().filter(|_| fits(key, self.height))?;
        let mut height = self.height;
        loop {
            let slot = slot_of(key, height);
            match node {
                Node::Branch { taken, nodes } => {
                    if taken & (1 << slot) == 0 {
                        return None;
                    }
                    node = &nodes[rank(*taken, slot)];
                    height -= 1;
                }
                Node::Leaf { taken, values } => {
                    return (taken & (1 << slot) != 0).then(|| &values[rank(*taken, slot)]);
                }
            }
        }
    }

    /// The value, to be changed: copied first where others share it.
    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        // A look first, so that nothing is copied for a key that is not there.
        self.get(key)?;
        let mut height = self.height;
        let mut node = Arc::make_mut(self.root.as_mut()?);
        loop {
            let slot = slot_of(key, height);
            match node {
                Node::Branch { taken, nodes } => {
                    node = Arc::make_mut(&mut nodes[rank(*taken, slot)]);
                    height -= 1;
                }
                Node::Leaf { taken, values } => return values.get_mut(rank(*taken, slot)),
            }
        }
    }

    /// Gives the value that was there before.
    pub(crate) fn insert(&mut self, key: u64, value: V) -> Option<V> {
        while !fits(key, self.height) {
            self.height += 1;
            if let Some(root) = self.root.take() {
                self.root = Some(Arc::new(Node::Branch {
                    taken: 1,
                    nodes: vec![root],
                }));
            }
        }
        let root = self.root.get_or_insert_with(|| Node::empty(self.height));
        let before = Node::insert(Arc::make_mut(root), self.height, key, value);
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<V> {
        self.get(key)?;
        let root = self.root.as_mut()?;
        let (removed, empty) = Node::remove(Arc::make_mut(root), self.height, key);
        if empty {
            *self = Self::default();
        } else {
            self.len -= usize::from(removed.is_some());
        }
        removed
    }

    /// Every key from `first` on with its value, ascending, until told to
    /// stop.
    pub(crate) fn ascend(&self, first: u64, mut each: impl FnMut(u64, &V) -> ControlFlow<()>) {
        if let Some(root) = self.root.as_deref().filter(|_| fits(first, self.height)) {
            let _ = root.ascend(self.height, 0, first, &mut each);
        }
    }

    /// Every key below `end` with its value, descending, until told to stop.
    pub(crate) fn descend(&self, end: u64, mut each: impl FnMut(u64, &V) -> ControlFlow<()>) {
        let Some(last) = end.checked_sub(1) else {
            return;
        };
        if let Some(root) = self.root.as_deref() {
            let _ = root.descend(self.height, 0, last, &mut each);
        }
    }
}

impl<V: Clone> Node<V> {
    fn empty(height: u32) -> Arc<Self> {
        Arc::new(if height == 0 {
            Self::Leaf {
                taken: 0,
                values: Vec::new(),
            }
        } else {
            Self::Branch {
                taken: 0,
                nodes: Vec::new(),
            }
        })
    }

    fn insert(&mut self, height: u32, key: u64, value: V) -> Option<V> {
        let slot = slot_of(key, height);
        match self {
            Self::Branch { taken, nodes } => {
                let place = rank(*taken, slot);
                if *taken & (1 << slot) == 0 {
                    *taken |= 1 << slot;
                    nodes.insert(place, Self::empty(height - 1));
                }
                Arc::make_mut(&mut nodes[place]).insert(height - 1, key, value)
            }
            Self::Leaf { taken, values } => {
                let place = rank(*taken, slot);
                if *taken & (1 << slot) == 0 {
                    *taken |= 1 << slot;
                    values.insert(place, value);
                    return None;
                }
                Some(std::mem::replace(&mut values[place], value))
            }
        }
    }

    /// Also says whether nothing is left. The key is there.
    fn remove(&mut self, height: u32, key: u64) -> (Option<V>, bool) {
        let slot = slot_of(key, height);
        match self {
            Self::Branch { taken, nodes } => {
                let place = rank(*taken, slot);
                let (removed, empty) = Arc::make_mut(&mut nodes[place]).remove(height - 1, key);
                if empty {
                    *taken &= !(1 << slot);
                    nodes.remove(place);
                }
                (removed, *taken == 0)
            }
            Self::Leaf { taken, values } => {
                *taken &= !(1 << slot);
                let removed = values.remove(rank(*taken, slot));
                (Some(removed), *taken == 0)
            }
        }
    }

    /// `base` has the bits of the key above this node.
    fn ascend(
        &self,
        height: u32,
        base: u64,
        first: u64,
        each: &mut impl FnMut(u64, &V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // The slots before this one have only keys below `first`.
        let start = if base >= first {
            0
        } else {
            slot_of(first, height)
        };
        match self {
            Self::Branch { taken, nodes } => {
                for (slot, node) in slots(*taken).zip(nodes) {
                    if slot >= start {
                        let base = base | (u64::from(slot) << (height * BITS));
                        node.ascend(height - 1, base, first, each)?;
                    }
                }
            }
            Self::Leaf { taken, values } => {
                for (slot, value) in slots(*taken).zip(values) {
                    if slot >= start {
                        each(base | u64::from(slot), value)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn descend(
        &self,
        height: u32,
        base: u64,
        last: u64,
        each: &mut impl FnMut(u64, &V) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Self::Branch { taken, nodes } => {
                for (place, slot) in slots(*taken)
                    .enumerate()
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                {
                    let base = base | (u64::from(slot) << (height * BITS));
                    if base <= last {
                        nodes[place].descend(height - 1, base, last, each)?;
                    }
                }
            }
            Self::Leaf { taken, values } => {
                for (place, slot) in slots(*taken)
                    .enumerate()
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                {
                    let key = base | u64::from(slot);
                    if key <= last {
                        each(key, &values[place])?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The slots that are taken, ascending.
fn slots(taken: u32) -> impl Iterator<Item = u32> {
    (0..u32::BITS).filter(move |slot| taken & (1 << slot) != 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn all(trie: &Trie<u64>) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        trie.ascend(0, |key, value| {
            all.push((key, *value));
            ControlFlow::Continue(())
        });
        all
    }

    #[test]
    fn does_what_a_map_does_and_leaves_clones_alone() {
        let mut trie = Trie::default();
        let mut map = BTreeMap::new();
        let mut clones = Vec::new();
        let mut random = 7_u64;
        for step in 0..4000_u64 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let key = match step % 3 {
                0 => step,
                1 => random >> 34,
                _ => random >> (random % 60),
            };
            if random & 0x300 == 0 {
                let some = *map.keys().nth(map.len() / 2).unwrap_or(&0);
                assert_eq!(trie.remove(some), map.remove(&some));
            } else {
                assert_eq!(trie.insert(key, step), map.insert(key, step));
            }
            assert_eq!(trie.len(), map.len());
            if step % 500 == 0 {
                clones.push((trie.clone(), map.clone()));
            }
        }
        clones.push((trie, map));
        for (trie, map) in clones {
            let expected: Vec<(u64, u64)> = map.iter().map(|(k, v)| (*k, *v)).collect();
            assert_eq!(all(&trie), expected);
            for bound in [0, 1, 31, 32, 33, 1000, 1 << 29, u64::MAX] {
                let mut found = Vec::new();
                trie.ascend(bound, |key, _| {
                    found.push(key);
                    ControlFlow::Continue(())
                });
                let expected: Vec<u64> = map.range(bound..).map(|(key, _)| *key).collect();
                assert_eq!(found, expected, "from {bound}");
                let mut found = Vec::new();
                trie.descend(bound, |key, _| {
                    found.push(key);
                    ControlFlow::Continue(())
                });
                let expected: Vec<u64> = map.range(..bound).rev().map(|(key, _)| *key).collect();
                assert_eq!(found, expected, "below {bound}");
            }
        }
    }

    #[test]
    fn a_value_is_changed_in_its_own_copy() {
        let mut trie = Trie::default();
        for key in 0..100 {
            trie.insert(key, key);
        }
        let before = trie.clone();
        *trie.get_mut(40).expect("a value") = 0;
        assert!(trie.get_mut(100).is_none());
        assert_eq!((trie.get(40), before.get(40)), (Some(&0), Some(&40)));
        for key in 0..100 {
            assert!(trie.remove(key).is_some());
        }
        assert_eq!((trie.len(), before.len()), (0, 100));
        assert!(all(&trie).is_empty());
    }
}
