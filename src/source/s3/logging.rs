//! Finds the log files of a logged bucket.
//!
//! A bucket that is named without a prefix may be the logged bucket. If its objects are not
//! named as log files, GetBucketLogging returns where S3 delivers its logs, and CloudWatch Logs where it does.

use std::time::Duration;

use aws_sdk_s3::types::LoggingEnabled;

use super::client::region_of;
use super::{Location, error};
use crate::log::object_name;
use crate::source::cloudwatch::{Destination, destinations};
use crate::source::{Located, SourceError};

/// Time limit of the requests to CloudWatch Logs.
const DELIVERIES_TIMEOUT: Duration = Duration::from_secs(6);
/// Suffixes of log files that were renamed.
const LOG_SUFFIXES: [&str; 3] = [".log", ".log.gz", ".log.zst"];

/// Where the log files of a bucket are, if it is another place: the target of GetBucketLogging; without one, a delivery to
/// a bucket, else to a log group.
pub(super) async fn locate(location: &Location) -> Result<Option<Located>, SourceError> {
    let names = names(location).await;
    if names.as_ref().is_ok_and(|names| names.iter().any(|name| is_log_name(name))) {
        return Ok(None);
    }
    if location.connection.first_request_override().is_some() {
        // S3 cannot be reached, so another request would only delay the error.
        return names.map(|_| None);
    }
    let (target, deliveries) = tokio::join!(logging_target(location), deliveries(location));
    if let Some(uri) = target.as_ref().ok().and_then(|target| target.uri()) {
        let also = deliveries.unwrap_or_default();
        let also = also.iter().map(Destination::shown).filter(|other| *other != uri);
        // The bucket may be its own target.
        let also = also.map(str::to_owned).collect();
        return Ok(Some(Located { uri: uri.to_owned(), also }).filter(|found| found.uri != location.uri));
    }
    if let Ok(deliveries) = &deliveries {
        let find = |is_wanted: fn(&Destination) -> bool| deliveries.iter().position(is_wanted);
        let found = find(|found| matches!(found, Destination::Bucket(_)))
            .or_else(|| find(|found| matches!(found, Destination::LogGroup(_))));
        if let Some(found) = found {
            return Ok(Some(Located::among(deliveries.clone(), found)));
        }
    }
    // Without permission to list the bucket, its logging configuration may still have been readable.
    let names = names?;
    match target {
        // An empty bucket may be a new target for log files.
        Ok(Target::Unsupported) => Ok(None),
        Ok(_) | Err(_) if names.is_empty() => Ok(None),
        Ok(_) => Err(logging_is_off(location, &deliveries)),
        Err(SourceError::S3 { uri, message }) => {
            let message = format!(
                "the bucket has no log files, and its logging configuration cannot be read: {message}; or name the \
                 location of the log files, s3://LOG-BUCKET/PREFIX or cloudwatch:LOG-GROUP"
            );
            Err(SourceError::S3 { uri, message })
        }
        Err(error) => Err(error),
    }
}

/// What GetBucketLogging returns.
enum Target {
    /// `s3://bucket[/prefix]`.
    Uri(String),
    Off,
    /// Some servers do not support logging.
    Unsupported,
}

impl Target {
    fn uri(&self) -> Option<&str> {
        match self {
            Target::Uri(uri) => Some(uri),
            Target::Off | Target::Unsupported => None,
        }
    }
}

async fn logging_target(location: &Location) -> Result<Target, SourceError> {
    let output = location
        .request("s3:GetBucketLogging", None, |client, config| {
            let request = client.get_bucket_logging().bucket(&location.bucket);
            async move {
                match request.customize().config_override(config).send().await {
                    Err(error) if error::is_not_implemented(&error) => Ok(None),
                    sent => sent.map(Some),
                }
            }
        })
        .await?;
    Ok(match output {
        None => Target::Unsupported,
        Some(output) => output.logging_enabled().map_or(Target::Off, |logging| Target::Uri(uri_of(logging))),
    })
}

/// The destinations of deliveries by CloudWatch Logs, or why they cannot be found.
async fn deliveries(location: &Location) -> Result<Vec<Destination>, String> {
    let Location { bucket, connection, .. } = location;
    let region = connection.client().await.map(|client| region_of(&client).to_owned()).ok();
    // Many users may not ask, and a network may have no way to this service.
    match tokio::time::timeout(DELIVERIES_TIMEOUT, destinations(bucket, connection.options.clone(), region))
        .await
    {
        Ok(found) => found.map_err(|error| error.message().to_owned()),
        Err(_) => Err("no answer from CloudWatch Logs in time".to_owned()),
    }
}

/// The first page of names in the bucket.
async fn names(location: &Location) -> Result<Vec<String>, SourceError> {
    let output = location
        .request("s3:ListBucket", None, |client, config| {
            client.list_objects_v2().bucket(&location.bucket).customize().config_override(config).send()
        })
        .await?;
    Ok(output.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
}

fn is_log_name(name: &str) -> bool {
    // Data may be in folders of days, too. Only logs of AWS are below `AWSLogs/`.
    object_name::has_date_time(name)
        || format!("/{name}").contains("/AWSLogs/")
        || LOG_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

fn uri_of(logging: &LoggingEnabled) -> String {
    match logging.target_prefix() {
        "" => format!("s3://{}", logging.target_bucket()),
        prefix => format!("s3://{}/{prefix}", logging.target_bucket()),
    }
}

fn logging_is_off(location: &Location, deliveries: &Result<Vec<Destination>, String>) -> SourceError {
    let bucket = &location.bucket;
    let deliveries = match deliveries {
        Ok(found) => match found.first() {
            Some(other) => format!(" (CloudWatch Logs delivers its logs to {})", other.shown()),
            None => String::new(),
        },
        Err(reason) => format!(" (whether CloudWatch Logs delivers its logs is unknown: {reason})"),
    };
    let message = format!(
        "the bucket has no log files, and its access logging is off{deliveries}; turn it on: aws s3api put-bucket-logging \
         --bucket {bucket} --bucket-logging-status \
         '{{\"LoggingEnabled\":{{\"TargetBucket\":\"LOG-BUCKET\",\"TargetPrefix\":\"{bucket}/\"}}}}'; if it has log \
         files under other names, write s3://{bucket}/"
    );
    SourceError::S3 { uri: location.uri.clone(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_files_are_recognized_by_their_names() {
        for name in [
            "media/2026-04-03-03-11-11-0123456789ABCDEF",
            "2026/04/03/03/logs-1-2026-04-03-03-11-11-0f3c.gz",
            "AWSLogs/111122223333/S3/eu-west-1/2026/04/03/a.json.gz",
            "april.log",
            "x/april.log.gz",
            "a.log.zst",
        ] {
            assert!(is_log_name(name), "{name}");
        }
        for name in [
            "film.mp4",
            "backup.tar.gz",
            "catalog",
            "2026-04-03.jpg",
            "sales/year=2026/month=04/day=03/part-0.parquet",
            "photos/2026/04/03/cat.jpg",
        ] {
            assert!(!is_log_name(name), "{name}");
        }
    }
}
