//! What a world holds in memory, so that an image of it costs a word.
//!
//! ```text
//!   world ── Own ──▶ value ◀── image, fork, snapshot
//!                      └ copied before the first change, where it is shared
//! ```

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One piece of a world's state. Clones are the same piece; an image is the
/// value at one moment.
#[derive(Debug, Default)]
pub(crate) struct Own<T>(Arc<RwLock<Arc<T>>>);

impl<T> Clone for Own<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Own<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    pub(crate) fn image(&self) -> Arc<T> {
        Arc::clone(&self.read())
    }

    /// For worlds in memory: it is written nowhere.
    pub(crate) fn adopt(&self, image: &Arc<T>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(image);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Own<T> {
    pub(crate) fn write(&self) -> Changing<'_, T> {
        Changing(self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The value of this world, copied before its first change where an image
/// shares it.
pub(crate) struct Changing<'a, T>(RwLockWriteGuard<'a, Arc<T>>);

impl<T> Deref for Changing<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Changing<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_stays_as_it_was() {
        let one = Own::new(vec![1]);
        let image = one.image();
        let other = Own::default();
        other.adopt(&image);
        one.write().push(2);
        other.write().push(3);
        assert_eq!(*image, [1]);
        assert_eq!((&**one.read(), &**other.read()), (&vec![1, 2], &vec![1, 3]));
        one.adopt(&image);
        assert!(Arc::ptr_eq(&one.image(), &image));
    }
}
