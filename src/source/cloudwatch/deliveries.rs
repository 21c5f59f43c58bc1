//! Where the server access logs of a bucket are delivered by CloudWatch Logs: to log groups, buckets or Firehose.
//!
//! A delivery connects a delivery source, the logged bucket, with a delivery destination (Amazon CloudWatch Logs API
//! Reference, `CreateDelivery`).

use aws_sdk_cloudwatchlogs::types::DeliveryDestinationType;

use super::client::Connection;
use super::log_group::LogGroup;
use crate::source::{S3Options, SourceError};

/// The log type of server access logs (Amazon S3 User Guide, "Delivering server access logs to CloudWatch Logs").
const LOG_TYPE: &str = "S3_SERVER_ACCESS_LOGS";
/// Items of a page: the maximum.
const PAGE_ITEMS: i32 = 50;
/// Pages of the longest list.
const MAX_PAGES: usize = 100;

/// Where logs are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) enum Destination {
    /// A log group, as a source: `cloudwatch:arn:…`.
    LogGroup(String),
    /// A bucket, as a source: `s3://bucket/prefix/`.
    Bucket(String),
    /// Firehose, or a destination of another account, which only has its ARN here.
    Other(String),
}

/// The destinations of the server access logs of `bucket`, in the order of the deliveries. `region` is that of the bucket,
/// if known: a delivery is configured there.
///
/// # Errors
/// If a list cannot be read. The message names the missing permission and the region that was asked.
pub(in crate::source) async fn destinations(
    bucket: &str,
    options: S3Options,
    region: Option<String>,
) -> Result<Vec<Destination>, SourceError> {
    let uri = format!("s3://{bucket}");
    let lists = Lists { connection: Connection::new(options, region), uri };
    let sources = lists.source_names(bucket).await?;
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let deliveries = lists.deliveries(&sources).await?;
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let resources = lists.destination_resources().await?;
    let destination = |(arn, kind): &(String, Option<DeliveryDestinationType>)| {
        let resource = resources.iter().find(|(destination, _)| destination == arn);
        destination_of(resource.map_or(arn, |(_, resource)| resource), kind.as_ref())
    };
    Ok(deliveries.iter().map(destination).collect())
}

/// The region that [`destinations`] asks.
pub(super) async fn region(options: S3Options) -> String {
    Connection::new(options, None).region().await.unwrap_or_default()
}

struct Lists {
    connection: Connection,
    uri: String,
}

/// Collects the items of all pages. `$items` is the field of a page with its items.
macro_rules! all_pages {
    ($lists:expr, $action:literal, $operation:ident, $items:ident) => {{
        let (mut all, mut token) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let page = $lists
                .connection
                .request($action, &$lists.uri, None, |client, config| {
                    let request = client.$operation().limit(PAGE_ITEMS).set_next_token(token.clone());
                    request.customize().config_override(config).send()
                })
                .await?;
            all.extend(page.$items.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        all
    }};
}

impl Lists {
    /// The names of the delivery sources of the server access logs of a bucket.
    async fn source_names(&self, bucket: &str) -> Result<Vec<String>, SourceError> {
        let sources =
            all_pages!(self, "logs:DescribeDeliverySources", describe_delivery_sources, delivery_sources);
        // `arn:aws:s3:::bucket`, in other partitions `arn:aws-cn:s3:::bucket`.
        let resource = format!(":s3:::{bucket}");
        Ok(sources
            .into_iter()
            .filter(|source| source.log_type() == Some(LOG_TYPE))
            .filter(|source| source.resource_arns().iter().any(|arn| arn.ends_with(&resource)))
            .filter_map(|source| source.name)
            .collect())
    }

    /// The ARNs and types of the destinations of these delivery sources.
    async fn deliveries(
        &self,
        sources: &[String],
    ) -> Result<Vec<(String, Option<DeliveryDestinationType>)>, SourceError> {
        let deliveries = all_pages!(self, "logs:DescribeDeliveries", describe_deliveries, deliveries);
        Ok(deliveries
            .into_iter()
            .filter(|delivery| {
                delivery.delivery_source_name.as_ref().is_some_and(|name| sources.contains(name))
            })
            .filter_map(|delivery| {
                Some((delivery.delivery_destination_arn?, delivery.delivery_destination_type))
            })
            .collect())
    }

    /// The ARNs of the delivery destinations, each with the ARN of the resource that receives the logs.
    async fn destination_resources(&self) -> Result<Vec<(String, String)>, SourceError> {
        let destinations = all_pages!(
            self,
            "logs:DescribeDeliveryDestinations",
            describe_delivery_destinations,
            delivery_destinations
        );
        Ok(destinations
            .into_iter()
            .filter_map(|destination| {
                let resource = destination.delivery_destination_configuration?.destination_resource_arn;
                Some((destination.arn?, resource))
            })
            .collect())
    }
}

/// The destination that the ARN of a resource names.
fn destination_of(arn: &str, kind: Option<&DeliveryDestinationType>) -> Destination {
    if let Some((_, path)) = arn.split_once(":s3:::")
        && matches!(kind, None | Some(DeliveryDestinationType::S3))
    {
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        // Keys begin with the prefix of the destination, if it has one, and AWSLogs/.
        let prefix = match prefix.trim_end_matches('/') {
            "" => "AWSLogs",
            prefix => prefix,
        };
        return Destination::Bucket(format!("s3://{bucket}/{prefix}/"));
    }
    match LogGroup::parse(arn) {
        Ok(group) if group.arn.is_some() => Destination::LogGroup(group.uri()),
        _ => Destination::Other(arn.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_of_a_resource_names_a_source() {
        let of = |arn: &str| destination_of(arn, None);
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vendedlogs/s3/acme";
        assert_eq!(of(&format!("{group}:*")), Destination::LogGroup(format!("cloudwatch:{group}")));
        assert_eq!(of("arn:aws:s3:::acme-logs"), Destination::Bucket("s3://acme-logs/AWSLogs/".to_owned()));
        assert_eq!(
            of("arn:aws:s3:::acme-logs/media/"),
            Destination::Bucket("s3://acme-logs/media/".to_owned())
        );
        let stream = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/acme";
        assert_eq!(of(stream), Destination::Other(stream.to_owned()));
        let elsewhere = "arn:aws:logs:eu-west-1:444455556666:delivery-destination:acme";
        assert_eq!(of(elsewhere), Destination::Other(elsewhere.to_owned()));
    }
}
