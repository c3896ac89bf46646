//! What is known of every object: which version the origin has, which one the cache, and who was told of which.
//!
//! A version is the number of an acknowledged write of its object, by whomever; 0 is what the origin held before the
//! trace began. Cost: 40 bytes a key, and 8 for its place among the dirty ones.

use crate::links::Links;

/// One object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Object {
    /// The newest version that anybody was told is written.
    pub newest: u32,
    /// The version that the origin has.
    pub origin: u32,
    /// The version that the cache has, while it is there.
    pub cached: u32,
    /// Acknowledged writes that are in the cache alone: those since the origin was written last, by whomever.
    pub unsaved: u32,
    /// What a flush would write, in bytes.
    pub size: u64,
    /// When the cached version was stored.
    pub stored_at: u64,
    /// Whether the cache holds it.
    pub resident: bool,
    /// Whether the cache holds a version that was never written to the origin.
    pub dirty: bool,
    /// Whether the cached version came from the origin by a read.
    pub by_read: bool,
    /// Whether the origin's newest version is a deletion.
    pub absent: bool,
}

/// All objects, and the dirty ones in the order in which they became so.
#[derive(Debug)]
pub struct Objects {
    each: Vec<Object>,
    dirty: Links,
    /// Dirty objects now.
    pub dirty_count: u64,
    /// Acknowledged writes that a crash now would lose.
    pub unsaved: u64,
    /// The objects that these are of.
    pub unsaved_objects: u64,
}

impl Objects {
    /// So many objects, none of them in the cache.
    #[must_use]
    pub fn new(distinct: usize) -> Self {
        Self {
            each: vec![Object::default(); distinct],
            dirty: Links::new(distinct, 1),
            dirty_count: 0,
            unsaved: 0,
            unsaved_objects: 0,
        }
    }

    /// The object of this number.
    #[inline]
    #[must_use]
    pub fn get(&self, id: u32) -> &Object {
        &self.each[id as usize]
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: u32) -> &mut Object {
        &mut self.each[id as usize]
    }

    /// All of them.
    #[must_use]
    pub fn each(&self) -> &[Object] {
        &self.each
    }

    /// The object that has been dirty longest.
    #[must_use]
    pub fn longest_dirty(&self) -> Option<u32> {
        self.dirty.tail(0)
    }

    /// One more acknowledged write is in the cache alone; true if the object was clean before.
    pub fn soil(&mut self, id: u32) -> bool {
        let object = &mut self.each[id as usize];
        self.unsaved += 1;
        self.unsaved_objects += u64::from(object.unsaved == 0);
        object.unsaved += 1;
        let was_clean = !object.dirty;
        if was_clean {
            object.dirty = true;
            self.dirty.push_head(0, id);
            self.dirty_count += 1;
        }
        was_clean
    }

    /// What is in the cache alone is no dirty version any more: it was written, or replaced.
    pub fn clean(&mut self, id: u32) {
        self.settle(id);
        let object = &mut self.each[id as usize];
        if object.dirty {
            object.dirty = false;
            self.dirty.remove(id);
            self.dirty_count -= 1;
        }
    }

    /// The origin holds something newer than what is in the cache alone, or that itself: a crash would not lose it.
    pub fn settle(&mut self, id: u32) {
        let object = &mut self.each[id as usize];
        if object.unsaved > 0 {
            self.unsaved -= u64::from(object.unsaved);
            self.unsaved_objects -= 1;
            object.unsaved = 0;
        }
    }

    /// Numbers another acknowledged write of the object.
    #[inline]
    pub fn acknowledge(&mut self, id: u32) -> u32 {
        let object = &mut self.each[id as usize];
        object.newest += 1;
        object.newest
    }

    /// The origin has the newest version, which is a deletion if `absent`.
    #[inline]
    pub fn written_to_origin(&mut self, id: u32, absent: bool) {
        self.settle(id);
        let object = &mut self.each[id as usize];
        object.origin = object.newest;
        object.absent = absent;
    }
}
