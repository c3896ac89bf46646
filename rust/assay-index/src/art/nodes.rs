//! Nodes of 4, 16, 48 and 256 children, each kind in an arena of its own.

use assay_core::memory;

use crate::NONE;

/// The most leaves, and the most nodes of a kind: what is left of 32 bits when it is said what it is.
pub const MOST: usize = (1 << KIND_SHIFT) - 1;
const KIND_SHIFT: u32 = 29;
const IS_NODE: u32 = 1 << 31;
const KINDS: usize = 4;

/// The most children of each kind.
pub const ROOM: [usize; KINDS] = [4, 16, 48, 256];
/// A kind is given up for the one below when so many children are left: a few less than that has room for, so that
/// one that comes and goes does not change it each time.
const TOO_FEW: [usize; KINDS] = [0, 3, 12, 40];

/// What all kinds have.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// The byte of the key at which it branches.
    at: u32,
    /// The leaf of the key that ends here, or [`NONE`].
    end: u32,
    /// How many children there are.
    count: u32,
}

/// Children by byte, ascending.
#[derive(Debug, Clone, Copy)]
struct Few<const N: usize> {
    children: [u32; N],
    bytes: [u8; N],
}

/// Children in the order in which they came, and where each byte's is.
#[derive(Debug, Clone, Copy)]
struct Many {
    places: [u8; 256],
    children: [u32; 48],
}

#[derive(Debug, Clone)]
struct Arena<B> {
    heads: Vec<Head>,
    bodies: Vec<B>,
    free: Vec<u32>,
}

impl<B> Default for Arena<B> {
    fn default() -> Self {
        Self { heads: Vec::new(), bodies: Vec::new(), free: Vec::new() }
    }
}

impl<B> Arena<B> {
    fn add(&mut self, head: Head, body: B) -> u32 {
        if let Some(number) = self.free.pop() {
            self.heads[number as usize] = head;
            self.bodies[number as usize] = body;
            return number;
        }
        assert!(self.heads.len() < MOST, "there are fewer nodes than leaves");
        grow(&mut self.heads);
        grow(&mut self.bodies);
        self.heads.push(head);
        self.bodies.push(body);
        u32::try_from(self.heads.len() - 1).expect("numbers of nodes are below MOST")
    }

    fn count(&self) -> usize {
        self.heads.len() - self.free.len()
    }

    fn memory_bytes(&self) -> usize {
        self.heads.capacity() * size_of::<Head>()
            + self.bodies.capacity() * size_of::<B>()
            + self.free.capacity() * size_of::<u32>()
    }

    fn shrink(&mut self) {
        self.heads.shrink_to_fit();
        self.bodies.shrink_to_fit();
        memory::advise(&self.heads);
        memory::advise(&self.bodies);
    }
}

/// All nodes. What names one says its kind too; what has no such mark names a leaf.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    four: Arena<Few<4>>,
    sixteen: Arena<Few<16>>,
    fortyeight: Arena<Many>,
    all: Arena<[u32; 256]>,
}

/// Makes room for one more, and an eighth: large vectors are moved by the page table, so that often is cheap.
pub fn grow<T>(all: &mut Vec<T>) {
    if all.len() == all.capacity() {
        all.reserve_exact((all.len() / 8).max(4));
    }
}

/// Whether it names a node and not a leaf; not to be asked of [`NONE`].
#[inline]
pub fn is_node(name: u32) -> bool {
    name & IS_NODE != 0
}

#[inline]
fn kind(node: u32) -> usize {
    (node >> KIND_SHIFT & 3) as usize
}

#[inline]
fn number(node: u32) -> usize {
    node as usize & MOST
}

#[allow(clippy::cast_possible_truncation)]
fn name(kind: usize, number: u32) -> u32 {
    IS_NODE | (kind as u32) << KIND_SHIFT | number
}

impl<const N: usize> Few<N> {
    const EMPTY: Self = Self { children: [NONE; N], bytes: [0; N] };

    #[inline]
    fn place(&self, count: u32, byte: u8) -> Option<usize> {
        let mut equal = 0_u32;
        for (at, one) in self.bytes.iter().enumerate() {
            equal |= u32::from(*one == byte) << at;
        }
        equal &= (1 << count) - 1;
        (equal != 0).then(|| equal.trailing_zeros() as usize)
    }

    /// Where a byte is or would be.
    fn rank(&self, count: u32, byte: u8) -> usize {
        self.bytes[..count as usize].iter().filter(|one| **one < byte).count()
    }

    fn put(&mut self, count: u32, byte: u8, child: u32) {
        let (at, count) = (self.rank(count, byte), count as usize);
        self.bytes.copy_within(at..count, at + 1);
        self.children.copy_within(at..count, at + 1);
        (self.bytes[at], self.children[at]) = (byte, child);
    }

    fn take(&mut self, count: u32, byte: u8) {
        let (at, count) = (self.rank(count, byte), count as usize);
        self.bytes.copy_within(at + 1..count, at);
        self.children.copy_within(at + 1..count, at);
    }
}

impl Many {
    const EMPTY: Self = Self { places: [u8::MAX; 256], children: [NONE; 48] };

    #[inline]
    fn child(&self, byte: u8) -> u32 {
        match self.places[byte as usize] {
            u8::MAX => NONE,
            place => self.children[place as usize],
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn put(&mut self, byte: u8, child: u32) {
        let free = self.children.iter().position(|child| *child == NONE).expect("there is room, as was looked");
        self.children[free] = child;
        self.places[byte as usize] = free as u8;
    }

    fn take(&mut self, byte: u8) {
        self.children[self.places[byte as usize] as usize] = NONE;
        self.places[byte as usize] = u8::MAX;
    }
}

/// Calls the same on the arena of a node, with its body and head.
macro_rules! on {
    ($nodes:expr, $node:expr, $arena:ident => $work:expr) => {
        match kind($node) {
            0 => {
                let $arena = &$nodes.four;
                $work
            }
            1 => {
                let $arena = &$nodes.sixteen;
                $work
            }
            2 => {
                let $arena = &$nodes.fortyeight;
                $work
            }
            _ => {
                let $arena = &$nodes.all;
                $work
            }
        }
    };
}

macro_rules! on_mut {
    ($nodes:expr, $node:expr, $arena:ident => $work:expr) => {
        match kind($node) {
            0 => {
                let $arena = &mut $nodes.four;
                $work
            }
            1 => {
                let $arena = &mut $nodes.sixteen;
                $work
            }
            2 => {
                let $arena = &mut $nodes.fortyeight;
                $work
            }
            _ => {
                let $arena = &mut $nodes.all;
                $work
            }
        }
    };
}

impl Nodes {
    /// A node without children, with room for so many.
    pub fn add(&mut self, at: usize, end: u32, children: usize) -> u32 {
        let kind = ROOM.iter().position(|room| children <= *room).expect("a byte has 256 values");
        self.add_kind(kind, Head { at: u32::try_from(at).expect("keys are at most LONGEST"), end, count: 0 })
    }

    fn add_kind(&mut self, kind: usize, head: Head) -> u32 {
        let number = match kind {
            0 => self.four.add(head, Few::EMPTY),
            1 => self.sixteen.add(head, Few::EMPTY),
            2 => self.fortyeight.add(head, Many::EMPTY),
            _ => self.all.add(head, [NONE; 256]),
        };
        name(kind, number)
    }

    /// Takes a node away.
    pub fn remove(&mut self, node: u32) {
        let freed = u32::try_from(number(node)).expect("numbers of nodes have 29 bits");
        on_mut!(self, node, arena => arena.free.push(freed));
    }

    #[inline]
    fn head(&self, node: u32) -> &Head {
        on!(self, node, arena => &arena.heads[number(node)])
    }

    fn head_mut(&mut self, node: u32) -> &mut Head {
        on_mut!(self, node, arena => &mut arena.heads[number(node)])
    }

    /// The byte of the key at which it branches.
    #[inline]
    pub fn at(&self, node: u32) -> usize {
        self.head(node).at as usize
    }

    /// The leaf of the key that ends at it, or [`NONE`].
    #[inline]
    pub fn end(&self, node: u32) -> u32 {
        self.head(node).end
    }

    /// Sets the leaf of the key that ends at it.
    pub fn set_end(&mut self, node: u32, leaf: u32) {
        self.head_mut(node).end = leaf;
    }

    /// How many children it has.
    pub fn count(&self, node: u32) -> usize {
        self.head(node).count as usize
    }

    /// The child of a byte, or [`NONE`].
    #[inline]
    pub fn child(&self, node: u32, byte: u8) -> u32 {
        let at = number(node);
        match kind(node) {
            0 => self.four.bodies[at]
                .place(self.four.heads[at].count, byte)
                .map_or(NONE, |place| self.four.bodies[at].children[place]),
            1 => self.sixteen.bodies[at]
                .place(self.sixteen.heads[at].count, byte)
                .map_or(NONE, |place| self.sixteen.bodies[at].children[place]),
            2 => self.fortyeight.bodies[at].child(byte),
            _ => self.all.bodies[at][byte as usize],
        }
    }

    /// The first child whose byte is not less, with its byte.
    pub fn child_from(&self, node: u32, byte: u8) -> Option<(u8, u32)> {
        let few = |bytes: &[u8], children: &[u32]| {
            bytes.iter().position(|one| *one >= byte).map(|place| (bytes[place], children[place]))
        };
        let (at, count) = (number(node), self.count(node));
        match kind(node) {
            0 => few(&self.four.bodies[at].bytes[..count], &self.four.bodies[at].children),
            1 => few(&self.sixteen.bodies[at].bytes[..count], &self.sixteen.bodies[at].children),
            _ => (byte..=u8::MAX).map(|byte| (byte, self.child(node, byte))).find(|one| one.1 != NONE),
        }
    }

    /// The child of the greatest byte.
    pub fn last_child(&self, node: u32) -> u32 {
        let (at, count) = (number(node), self.count(node));
        match kind(node) {
            0 => self.four.bodies[at].children[count - 1],
            1 => self.sixteen.bodies[at].children[count - 1],
            _ => (0..=u8::MAX)
                .rev()
                .map(|byte| self.child(node, byte))
                .find(|child| *child != NONE)
                .expect("it has some"),
        }
    }

    /// Puts a child in; the node's name may change, as it grows.
    pub fn put(&mut self, mut node: u32, byte: u8, child: u32) -> u32 {
        let kind_now = kind(node);
        if self.count(node) == ROOM[kind_now] {
            node = self.change(node, kind_now + 1);
        }
        let at = number(node);
        let count = self.head(node).count;
        match kind(node) {
            0 => self.four.bodies[at].put(count, byte, child),
            1 => self.sixteen.bodies[at].put(count, byte, child),
            2 => self.fortyeight.bodies[at].put(byte, child),
            _ => self.all.bodies[at][byte as usize] = child,
        }
        self.head_mut(node).count += 1;
        node
    }

    /// Writes another child in the place of one that is there.
    pub fn replace(&mut self, node: u32, byte: u8, child: u32) {
        let (at, count) = (number(node), self.head(node).count);
        match kind(node) {
            0 => {
                let place = self.four.bodies[at].rank(count, byte);
                self.four.bodies[at].children[place] = child;
            }
            1 => {
                let place = self.sixteen.bodies[at].rank(count, byte);
                self.sixteen.bodies[at].children[place] = child;
            }
            2 => {
                let place = self.fortyeight.bodies[at].places[byte as usize];
                self.fortyeight.bodies[at].children[place as usize] = child;
            }
            _ => self.all.bodies[at][byte as usize] = child,
        }
    }

    /// Takes a child out; the node's name may change, as it shrinks.
    pub fn take(&mut self, node: u32, byte: u8) -> u32 {
        let (at, count) = (number(node), self.head(node).count);
        match kind(node) {
            0 => self.four.bodies[at].take(count, byte),
            1 => self.sixteen.bodies[at].take(count, byte),
            2 => self.fortyeight.bodies[at].take(byte),
            _ => self.all.bodies[at][byte as usize] = NONE,
        }
        self.head_mut(node).count -= 1;
        let kind = kind(node);
        if kind > 0 && self.count(node) <= TOO_FEW[kind] { self.change(node, kind - 1) } else { node }
    }

    /// The same node as another kind.
    fn change(&mut self, node: u32, kind: usize) -> u32 {
        let mut changed = self.add_kind(kind, Head { count: 0, ..*self.head(node) });
        let mut next = Some(0);
        while let Some((byte, child)) = next.and_then(|byte| self.child_from(node, byte)) {
            changed = self.put(changed, byte, child);
            next = byte.checked_add(1);
        }
        self.remove(node);
        changed
    }

    /// Asks for what says where a node branches, and for the children of a small one.
    #[inline]
    pub fn prefetch(&self, node: u32) {
        let at = number(node);
        match kind(node) {
            0 => {
                memory::prefetch(&self.four.heads[at]);
                memory::prefetch(&self.four.bodies[at]);
            }
            1 => {
                memory::prefetch(&self.sixteen.heads[at]);
                memory::prefetch(&self.sixteen.bodies[at]);
                memory::prefetch(&self.sixteen.bodies[at].bytes);
            }
            2 => memory::prefetch(&self.fortyeight.heads[at]),
            _ => memory::prefetch(&self.all.heads[at]),
        }
    }

    /// Asks for the way to the child of a byte in a large node.
    #[inline]
    pub fn prefetch_child(&self, node: u32, byte: u8) {
        match kind(node) {
            2 => memory::prefetch(&self.fortyeight.bodies[number(node)].places[byte as usize]),
            3 => memory::prefetch(&self.all.bodies[number(node)][byte as usize]),
            _ => {}
        }
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> [usize; KINDS] {
        [self.four.count(), self.sixteen.count(), self.fortyeight.count(), self.all.count()]
    }

    /// Gives room back that is not needed now.
    pub fn shrink(&mut self) {
        self.four.shrink();
        self.sixteen.shrink();
        self.fortyeight.shrink();
        self.all.shrink();
    }

    /// The bytes of all nodes.
    pub fn memory_bytes(&self) -> u64 {
        (self.four.memory_bytes()
            + self.sixteen.memory_bytes()
            + self.fortyeight.memory_bytes()
            + self.all.memory_bytes()) as u64
    }
}
