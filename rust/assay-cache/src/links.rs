//! Lists of objects whose links lie in one array by the objects' numbers.
//!
//! Idea: eight bytes an object hold the objects before and after it; several lists share the array, each with a
//! node of its own at the end of it that closes the ring, so that neither end is a special case. An object is in at
//! most one list. Cost: 8 bytes a key and list; every step is O(1) and touches the object and its neighbours.
//! Source: Knuth, "The Art of Computer Programming" 1, section 2.2.5.

/// In no list.
const OUT: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The object that came to the list before this one: nearer to the tail.
    older: u32,
    /// The one that came after it: nearer to the head.
    newer: u32,
}

/// The links of so many objects in so many lists.
#[derive(Debug)]
pub struct Links {
    nodes: Vec<Node>,
    objects: u32,
}

impl Links {
    /// For objects below `objects` and lists below `lists`, all empty.
    ///
    /// # Panics
    /// If there are more than 2^32 - 2 of both.
    #[must_use]
    pub fn new(objects: usize, lists: usize) -> Self {
        let objects = u32::try_from(objects).expect("keys are numbered in 32 bits");
        let mut nodes = vec![Node { older: OUT, newer: OUT }; objects as usize + lists];
        assay_core::memory::advise(&nodes);
        for (list, node) in (objects..OUT).zip(&mut nodes[objects as usize..]) {
            *node = Node { older: list, newer: list };
        }
        Self { nodes, objects }
    }

    /// Whether the object is in a list.
    #[inline]
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.nodes[id as usize].newer != OUT
    }

    /// Puts an object that is in no list at the head of this one.
    #[inline]
    pub fn push_head(&mut self, list: u32, id: u32) {
        let ring = self.objects + list;
        let newest = self.nodes[ring as usize].older;
        self.nodes[id as usize] = Node { older: newest, newer: ring };
        self.nodes[newest as usize].newer = id;
        self.nodes[ring as usize].older = id;
    }

    /// Takes an object out of the list that it is in.
    #[inline]
    pub fn remove(&mut self, id: u32) {
        let Node { older, newer } = self.nodes[id as usize];
        self.nodes[older as usize].newer = newer;
        self.nodes[newer as usize].older = older;
        self.nodes[id as usize].newer = OUT;
    }

    /// The object that came first of those in the list, or None if it is empty.
    #[inline]
    #[must_use]
    pub fn tail(&self, list: u32) -> Option<u32> {
        let ring = self.objects + list;
        let found = self.nodes[ring as usize].newer;
        (found != ring).then_some(found)
    }

    /// The object that came last.
    #[inline]
    #[must_use]
    pub fn head(&self, list: u32) -> Option<u32> {
        let ring = self.objects + list;
        let found = self.nodes[ring as usize].older;
        (found != ring).then_some(found)
    }

    /// The object that came after this one to its list, or None if it is the head.
    #[inline]
    #[must_use]
    pub fn newer(&self, id: u32) -> Option<u32> {
        let found = self.nodes[id as usize].newer;
        (found < self.objects).then_some(found)
    }

    /// Asks for an object's links.
    #[inline]
    pub fn prefetch(&self, id: u32) {
        assay_core::memory::prefetch(&self.nodes[id as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_its_objects_back_in_the_order_in_which_they_came() {
        let mut links = Links::new(5, 2);
        for id in [3, 0, 4] {
            links.push_head(1, id);
        }
        assert_eq!((links.tail(1), links.head(1), links.tail(0)), (Some(3), Some(4), None));
        assert_eq!((links.newer(3), links.newer(4)), (Some(0), None));
        links.remove(0);
        assert!(!links.contains(0) && links.contains(3));
        assert_eq!(links.newer(3), Some(4));
        links.remove(3);
        links.remove(4);
        assert_eq!((links.tail(1), links.head(1)), (None, None));
    }
}
