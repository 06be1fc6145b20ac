//! Where a world keeps what must outlive the program, if anywhere.

use mailward_store::{BodyRef, NewBody, ReadError, ReadTx, Store, Tx, TxError, WriteError};

/// Rows in a store, or none: a world in memory has nothing to read at its
/// start and writes nothing down, so that what it holds ends with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Option<Store>);

impl Shelf {
    pub(crate) fn of(store: Store) -> Self {
        Self(Some(store))
    }

    /// Nothing, where there is no store.
    pub(crate) async fn read<T: Default + Send + 'static>(
        &self,
        query: impl FnOnce(&ReadTx<'_>) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, ReadError> {
        match &self.0 {
            Some(store) => store.read(query).await,
            None => Ok(T::default()),
        }
    }

    /// When this resolves the change is on stable storage, where there is one.
    pub(crate) async fn write<T: Default + Send + 'static>(
        &self,
        bodies: Vec<NewBody>,
        change: impl FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, WriteError> {
        match &self.0 {
            Some(store) => store.write(bodies, change).await,
            None => Ok(T::default()),
        }
    }

    /// Waits until the last write is down; nothing is taken afterwards.
    #[cfg(test)]
    pub(crate) async fn close(self) {
        if let Some(store) = self.0 {
            store.close().await;
        }
    }
}
