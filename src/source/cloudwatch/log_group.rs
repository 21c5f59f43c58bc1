//! Names and ARNs of log groups.

/// Characters of the longest name of a log group.
const MAX_NAME: usize = 512;

/// A log group, by name or by ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogGroup {
    /// Its name.
    pub(super) name: String,
    /// Its ARN without `:*`, and the region in it, if it was given by ARN.
    pub(super) arn: Option<(String, String)>,
}

impl LogGroup {
    /// Parses a name, or an ARN: `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, with or without `:*`. The error says what was
    /// expected.
    pub(super) fn parse(text: &str) -> Result<LogGroup, String> {
        if text.is_empty() {
            return Err(
                "names no log group; write cloudwatch:LOG-GROUP, cloudwatch:ARN or cloudwatch:s3://BUCKET"
                    .to_owned(),
            );
        }
        if !text.starts_with("arn:") {
            return Ok(LogGroup { name: valid_name(text)?, arn: None });
        }
        let expected = "is not the ARN of a log group; expected arn:aws:logs:REGION:ACCOUNT:log-group:NAME";
        let mut parts = text.splitn(7, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (_, partition, service, region, account) = (next(), next(), next(), next(), next());
        let (kind, rest) = (next(), next());
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if service != "logs" || kind != "log-group" || ![partition, region, account].into_iter().all(is_word)
        {
            return Err(expected.to_owned());
        }
        let name = valid_name(rest.strip_suffix(":*").unwrap_or(rest))?;
        let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{name}");
        Ok(LogGroup { name, arn: Some((arn, region.to_owned())) })
    }

    /// The name of the source in the cache. With an ARN it has region and account.
    pub(super) fn uri(&self) -> String {
        format!("cloudwatch:{}", self.arn.as_ref().map_or(&self.name, |(arn, _)| arn))
    }
}

fn valid_name(name: &str) -> Result<String, String> {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.' | b'#');
    match !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_allowed) {
        true => Ok(name.to_owned()),
        false => Err(format!(
            "is not the name of a log group; expected 1 to {MAX_NAME} letters, digits and characters of _-/.#, such \
             as cloudwatch:/aws/vendedlogs/s3/acme-media"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_group_is_named_by_its_name_or_arn() {
        let uri = |text: &str| LogGroup::parse(text).unwrap().uri();
        assert_eq!(uri("/aws/vendedlogs/s3/acme-media"), "cloudwatch:/aws/vendedlogs/s3/acme-media");
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vendedlogs/s3/acme-media";
        assert_eq!(uri(arn), format!("cloudwatch:{arn}"));
        assert_eq!(uri(&format!("{arn}:*")), format!("cloudwatch:{arn}"));
        let group = LogGroup::parse("arn:aws-cn:logs:cn-north-1:111122223333:log-group:acme").unwrap();
        assert_eq!((group.name.as_str(), group.arn.unwrap().1.as_str()), ("acme", "cn-north-1"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "acme media",
            "user:SECRET@host",
            "arn:aws:s3:::acme",
            "arn:aws:logs:eu-west-1:111122223333:log-group:acme:log-stream:x",
            "arn:aws:logs::111122223333:log-group:acme",
            "arn:aws:logs:eu-west-1:111122223333:log-group:",
        ] {
            let error = LogGroup::parse(text).unwrap_err();
            assert!(!error.contains("SECRET") && error.contains("log group"), "{text}: {error}");
        }
        assert!(LogGroup::parse(&"a".repeat(513)).is_err());
    }
}
