//! Opens the sources that the command line, the configuration file and the cache name.

use std::sync::Arc;
use std::time::Duration;

use super::{UsageError, context::Context, open_cache::open_cache, run_ingest, usage};
use crate::cache::{Cache, is_missing_or_empty};
use crate::demo::{Demo, DemoSource};
use crate::source::{self, Located, S3Options, Source, SourceError};

/// Opens the sources that `specs` name: `s3://…`, `cloudwatch:…`, paths, `-`, or `demo:SEED:REQUESTS`. A source that is named twice is
/// opened once.
pub(super) fn open_sources(context: &Context, specs: &[String]) -> anyhow::Result<Vec<Arc<dyn Source>>> {
    let options = context.s3();
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for spec in specs {
        let source = match Demo::options_of(spec) {
            Some(options) => Arc::new(DemoSource::new(options)),
            None => follow_bucket_logging(context, open_source(spec, &options)?)?,
        };
        if !sources.iter().any(|open| open.uri() == source.uri()) {
            tracing::info!(source = source.uri(), "source opened");
            sources.push(source);
        }
    }
    Ok(sources)
}

pub(super) fn uris(sources: &[Arc<dyn Source>]) -> Vec<String> {
    sources.iter().map(|source| source.uri().to_owned()).collect()
}

fn open_source(spec: &str, options: &S3Options) -> anyhow::Result<Arc<dyn Source>> {
    let source = source::open(spec, options).map_err(|error| match error {
        SourceError::NotASource(message) => anyhow::Error::new(UsageError(message)),
        error => error.into(),
    })?;
    if options.no_sign_request && source.uri().starts_with("cloudwatch:") {
        return usage(format!(
            "--no-sign-request: {} requires credentials, as all of CloudWatch Logs; omit this option",
            source.uri()
        ));
    }
    Ok(source)
}

/// If `source` names the logged bucket, opens the place where S3 delivers its log files instead. A source from which
/// the cache has log files needs no request to S3, so it works offline.
fn follow_bucket_logging(context: &Context, source: Arc<dyn Source>) -> anyhow::Result<Arc<dyn Source>> {
    let has_log_files = || {
        let cached = Cache::open(&context.cache_path().ok()?).ok()?.sources().ok()?;
        cached.iter().find(|cached| cached.uri == source.uri() && cached.files > 0).map(drop)
    };
    let may_be_logged = ["s3://", "cloudwatch:s3://"].iter().any(|start| source.uri().starts_with(start));
    if !may_be_logged || has_log_files().is_some() {
        return Ok(source);
    }
    let runtime = run_ingest::runtime()?;
    let target = runtime.block_on(source.locate());
    runtime.shutdown_timeout(Duration::from_millis(100));
    match target? {
        None => Ok(source),
        Some(Located { uri, also }) => {
            let also = match also.as_slice() {
                [] => String::new(),
                _ => format!(
                    " (also to {}, with the same requests: name one of them to read it instead)",
                    also.join(", ")
                ),
            };
            context.note(&format!("{} is logged to {uri}; reading the log files there{also}", source.uri()));
            open_source(&uri, &context.s3())
        }
    }
}

/// The sources to pull if the command line names none.
#[derive(Default)]
pub(super) struct DefaultSources {
    pub(super) specs: Vec<String>,
    /// Whether the user chose them, in the configuration file or to be monitored.
    pub(super) are_chosen: bool,
}

/// The sources of the configuration file and the monitored ones; if there are neither, all sources of the cache. Paused
/// sources are left out.
pub(super) fn default_sources(context: &Context) -> anyhow::Result<DefaultSources> {
    let mut specs = context.config.sources.clone();
    let path = context.cache_path()?;
    if !specs.is_empty() && is_missing_or_empty(&path)? {
        return Ok(DefaultSources { specs, are_chosen: true });
    }
    let mut cached = open_cache(&path)?.sources()?;
    let options = context.s3();
    specs.retain(|spec| {
        let opened = if spec == "-" { None } else { source::open(spec, &options).ok() };
        let uri = opened.as_ref().map_or(spec.as_str(), |source| source.uri());
        !cached.iter().any(|source| source.paused && source.uri == uri)
    });
    cached.retain(|source| !source.paused && source.uri != "-");
    let are_chosen = cached.iter().any(|source| source.monitored) || !context.config.sources.is_empty();
    cached.retain(|source| source.monitored || !are_chosen);
    specs.extend(cached.into_iter().map(|source| source.uri));
    Ok(DefaultSources { specs, are_chosen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_request_for_a_log_group_failed_late_with_a_cut_message() {
        let options = S3Options { no_sign_request: true, ..S3Options::default() };
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:acme";
        for spec in ["cloudwatch:/aws/x", "cloudwatch:s3://acme", arn] {
            let error = open_source(spec, &options).err().unwrap();
            assert!(error.is::<UsageError>(), "{error}");
            let message = error.to_string();
            assert!(message.starts_with("--no-sign-request: cloudwatch:"), "{message}");
            assert!(message.contains(spec), "{message}");
            assert!(message.ends_with("omit this option"), "{message}");
            open_source(spec, &S3Options::default()).unwrap();
        }
        open_source("s3://acme", &options).unwrap();
    }
}
