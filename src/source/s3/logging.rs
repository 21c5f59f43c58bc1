//! Finds the log files of a logged bucket.
//!
//! A bucket that is named without a prefix may be the logged bucket. If its objects are not
//! named as log files, GetBucketLogging returns where S3 delivers its logs.

use aws_sdk_s3::types::LoggingEnabled;

use super::{Location, error};
use crate::log::object_name;
use crate::source::SourceError;

/// Suffixes of log files that were renamed.
const LOG_SUFFIXES: [&str; 3] = [".log", ".log.gz", ".log.zst"];

/// The location of the log files of a bucket, `s3://bucket[/prefix]`, if it is another one.
pub(super) async fn locate(location: &Location) -> Result<Option<String>, SourceError> {
    let names = names(location).await;
    if names.as_ref().is_ok_and(|names| names.iter().any(|name| is_log_name(name))) {
        return Ok(None);
    }
    if location.connection.first_request_override().is_some() {
        // S3 cannot be reached, so another request would only delay the error.
        return names.map(|_| None);
    }
    let output = location
        .request("s3:GetBucketLogging", None, |client, config| {
            let request = client.get_bucket_logging().bucket(&location.bucket);
            async move {
                match request.customize().config_override(config).send().await {
                    // Some servers do not support logging.
                    Err(error) if error::is_not_implemented(&error) => Ok(None),
                    sent => sent.map(Some),
                }
            }
        })
        .await;
    let names = match (names, &output) {
        (Ok(names), _) => names,
        // Without permission to list the bucket, its logging configuration may still be readable.
        (Err(_), Ok(Some(output))) if output.logging_enabled().is_some() => Vec::new(),
        (Err(error), _) => return Err(error),
    };
    match output {
        Ok(None) => Ok(None),
        Ok(Some(output)) => match output.logging_enabled() {
            Some(logging) => Ok(Some(uri_of(logging)).filter(|uri| *uri != location.uri)),
            // An empty bucket may be a new target for log files.
            None if names.is_empty() => Ok(None),
            None => Err(logging_is_off(location)),
        },
        Err(_) if names.is_empty() => Ok(None),
        Err(SourceError::S3 { uri, message }) => {
            let message = format!(
                "the bucket has no log files, and its logging configuration cannot be read: {message}; or name the \
                 location of the log files, s3://LOG-BUCKET/PREFIX"
            );
            Err(SourceError::S3 { uri, message })
        }
        Err(error) => Err(error),
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

fn logging_is_off(location: &Location) -> SourceError {
    let bucket = &location.bucket;
    let message = format!(
        "the bucket has no log files, and its access logging is off; turn it on: aws s3api put-bucket-logging \
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
