//! A folder with log files of numbered requests, and a cache to pull them into.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tamarin::cache::{Cache, Writer};
use tamarin::ingest::{Ingest, Options, Progress};
use tamarin::query::answer::Stats;
use tamarin::query::{Answer, Ask, Counting, Engine, Filter, LocalEngine, Query, TimeRange};
use tamarin::source::{S3Options, Source, open};
use tokio_util::sync::CancellationToken;

use super::lines::{HOST_ID, OWNER};

/// A folder with logs and a cache.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let scene = Scene { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(scene.logs()).unwrap();
        scene
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache.tamarin")
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.logs().join(name), content).unwrap();
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        open(self.logs().to_str().unwrap(), &S3Options::default()).unwrap()
    }

    pub(crate) fn pull(&self) -> Progress {
        pull(&self.cache(), self.source())
    }

    pub(crate) fn totals(&self) -> Stats {
        totals(&self.cache())
    }

    pub(crate) fn rejected(&self) -> Vec<(String, u64, String)> {
        let mut rejected = Vec::new();
        Cache::open(&self.cache())
            .unwrap()
            .rejected(None, &mut |line| {
                rejected.push((line.file, line.line, String::from_utf8(line.content).unwrap()));
            })
            .unwrap();
        rejected
    }
}

/// The line of request `number`, which differs from all others if `id` does.
pub(crate) fn request(number: usize, id: &str) -> String {
    format!(
        "{OWNER} media [03/Apr/2026:{:02}:{:02}:{:02} +0000] 192.0.2.{} - {id} REST.GET.OBJECT films/{number}.mp4 \
         \"GET /films/{number}.mp4 HTTP/1.1\" 200 - {number} 73400320 120 15 \"-\" \"aws-cli/2.15\" - {HOST_ID} \
         SigV4 - AuthHeader - TLSv1.3 - - -\n",
        number / 3600 % 24,
        number / 60 % 60,
        number % 60,
        number % 200,
    )
}

/// Lines of the requests with these numbers.
pub(crate) fn log(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| request(number, &format!("{:016X}", number * 7919))).collect()
}

/// The sum of `bytes_sent` of the requests with these numbers.
pub(crate) fn bytes(numbers: std::ops::Range<usize>) -> u64 {
    numbers.map(|number| number as u64).sum()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn pull(cache: &Path, source: Arc<dyn Source>) -> Progress {
    runtime().block_on(async {
        let writer = Writer::open(cache).unwrap();
        Ingest::start(writer, vec![source], Options::default()).unwrap().finish().await
    })
}

pub(crate) fn ask(cache: &Path, ask: Ask) -> Answer {
    ask_engine(&LocalEngine::new(Arc::new(Cache::open(cache).unwrap())), ask)
}

/// The answer about all requests of a cache.
pub(crate) fn ask_engine(engine: &LocalEngine, ask: Ask) -> Answer {
    let query = Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask,
    };
    engine.ask(&query, &CancellationToken::new(), &mut |_, _| {}).unwrap().answer
}

pub(crate) fn totals(cache: &Path) -> Stats {
    let Answer::Totals(totals) = ask(cache, Ask::Totals) else { panic!() };
    totals.stats
}
