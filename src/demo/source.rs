//! The demo as a source that creates the bucket when it is needed first.

use std::sync::{Arc, OnceLock};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{Demo, DemoOptions};
use crate::source::{Body, LogFile, Source, SourceError, Window};

/// A [`Demo`] that is created when it is first listed or a log file is fetched. With millions of requests that takes as
/// long as the first queries of the explorer, and an explorer on a cache that has the logs needs it only after them.
#[derive(Debug)]
pub struct DemoSource {
    uri: String,
    options: DemoOptions,
    demo: Arc<OnceLock<Demo>>,
}

impl DemoSource {
    /// The source of a demo. Creates nothing yet.
    pub fn new(options: DemoOptions) -> DemoSource {
        DemoSource { uri: options.uri(), options, demo: Arc::default() }
    }

    async fn demo(&self) -> Result<&Demo, SourceError> {
        if self.demo.get().is_none() {
            let (demo, options) = (Arc::clone(&self.demo), self.options);
            let create = move || {
                demo.get_or_init(|| Demo::new(options));
            };
            // Fails only if the runtime ends.
            let _ = tokio::task::spawn_blocking(create).await;
        }
        let cancelled = || SourceError::NotASource(format!("{}: reading was cancelled", self.uri));
        self.demo.get().ok_or_else(cancelled)
    }
}

impl Source for DemoSource {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        async move { self.demo().await?.list(window, pages).await }.boxed()
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        async move { self.demo().await?.fetch(file).await }.boxed()
    }

    fn concurrency(&self) -> usize {
        super::CONCURRENCY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_start_of_the_explorer_waited_for_the_whole_demo() {
        let options = DemoOptions { requests: 2000, seed: 1 };
        let source = DemoSource::new(options);
        assert_eq!(source.uri(), Demo::new(options).uri());
        assert!(source.demo.get().is_none(), "opening a source creates nothing");
        let (sender, mut pages) = mpsc::channel(1000);
        source.list(Window::default(), sender).await.unwrap();
        let file = pages.recv().await.unwrap().remove(0);
        let text = |body| match body {
            Body::Bytes(text) => text,
            _ => panic!("bytes"),
        };
        let fetched = text(source.fetch(&file).await.unwrap());
        assert_eq!(fetched, text(Demo::new(options).fetch(&file).await.unwrap()));
    }

    #[test]
    fn uris_name_at_most_the_largest_demo() {
        let options = DemoOptions { requests: u64::MAX, seed: 3 };
        let source = DemoSource::new(options);
        assert_eq!(
            Demo::options_of(source.uri()).map(|options| options.uri()),
            Some(source.uri().to_owned())
        );
    }
}
