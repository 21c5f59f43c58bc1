//! Engines around another engine.

use tokio_util::sync::CancellationToken;

use super::{Answer, Dimension, Engine, Query, QueryError, Reply, Requests};

/// An engine around another one. It changes how some queries are asked, and passes everything else on: by default, all.
/// Every wrapper is an [`Engine`].
pub trait Wrapper: Send + Sync {
    /// The engine that answers.
    fn inner(&self) -> &dyn Engine;

    /// [`Engine::ask`] of the wrapper.
    fn ask_inner(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        self.inner().ask(query, cancel, on_partial)
    }

    /// [`Engine::ask_once`] of the wrapper.
    fn ask_once_inner(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.inner().ask_once(query, cancel)
    }

    /// [`Engine::pages`] of the wrapper.
    fn pages_inner(
        &self,
        query: &Query,
        page_rows: usize,
        cancel: &CancellationToken,
        on_page: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError> {
        self.inner().pages(query, page_rows, cancel, on_page)
    }
}

impl<W: Wrapper> Engine for W {
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        on_partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        self.ask_inner(query, cancel, on_partial)
    }

    fn ask_once(&self, query: &Query, cancel: &CancellationToken) -> Result<Reply, QueryError> {
        self.ask_once_inner(query, cancel)
    }

    fn pages(
        &self,
        query: &Query,
        page_rows: usize,
        cancel: &CancellationToken,
        on_page: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError> {
        self.pages_inner(query, page_rows, cancel, on_page)
    }

    fn generation(&self) -> u64 {
        self.inner().generation()
    }

    fn pin_snapshot(&self, pin: bool) -> Result<(), QueryError> {
        self.inner().pin_snapshot(pin)
    }

    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError> {
        self.inner().complete(by, text, limit)
    }
}
