//! Deletes log files, a thousand at a time.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Place;
use crate::source::{Removed, SourceError};

/// As many as S3 takes in one request.
const AT_ONCE: usize = 1000;

pub(super) async fn remove(place: &Place, names: &[String]) -> Result<Removed, SourceError> {
    let mut removed = Removed::default();
    for names in names.chunks(AT_ONCE) {
        let wrong = |error: aws_sdk_s3::error::BuildError| SourceError::S3 {
            uri: place.uri.clone(),
            message: format!("the names cannot be sent: {error}"),
        };
        let objects = names
            .iter()
            .map(|name| ObjectIdentifier::builder().key(name).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?;
        // Quiet: only what could not be deleted is named.
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(wrong)?;
        let output = place
            .ask("s3:DeleteObject", Some(""), |client, first_contact| {
                let request = client.delete_objects().bucket(&place.bucket).delete(delete.clone());
                async move {
                    match first_contact {
                        Some(patience) => request.customize().config_override(patience).send().await,
                        None => request.send().await,
                    }
                }
            })
            .await?;
        let mut refused = 0;
        for error in output.errors() {
            // Gone already is as good as deleted.
            if error.code() == Some("NoSuchKey") {
                continue;
            }
            refused += 1;
            let reason = match (error.code(), error.message()) {
                (Some("AccessDenied"), _) => {
                    format!("access denied; it takes s3:DeleteObject on arn:aws:s3:::{}/*", place.bucket)
                }
                (code, message) => {
                    format!("{} {}", code.unwrap_or_default(), message.unwrap_or_default()).trim().to_owned()
                }
            };
            removed.refused.push((error.key().unwrap_or_default().to_owned(), reason));
        }
        removed.count += (names.len() - refused.min(names.len())) as u64;
    }
    Ok(removed)
}
