//! Records within messages: `{"message":"{…}"}` of Firehose, and `{"messageType":"DATA_MESSAGE","logEvents":[…]}`, which
//! CloudWatch Logs sends to a subscription (Amazon CloudWatch Logs User Guide, "Log group-level subscription filters").

use std::borrow::Cow;

use serde::Deserialize;

use crate::log::Rejection;

/// A message of either form.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(rename = "messageType", borrow)]
    message_type: Option<Cow<'a, str>>,
    #[serde(rename = "logEvents", borrow)]
    events: Option<Vec<Event<'a>>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    message: Text<'a>,
}

/// A text, or an object or an array of objects that is not a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(#[serde(borrow)] Cow<'a, str>),
    Object(serde_json::Map<String, serde_json::Value>),
    Array(Vec<serde_json::Map<String, serde_json::Value>>),
}

impl Text<'_> {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Text::Plain(text) => text.into_owned().into_bytes(),
            // Writing a value as JSON cannot fail.
            Text::Object(object) => serde_json::to_vec(&object).unwrap_or_default(),
            Text::Array(objects) => serde_json::to_vec(&objects).unwrap_or_default(),
        }
    }
}

/// The names of the members of a message.
const NAMES: [&str; 3] = ["message", "messageType", "logEvents"];

/// This name if an object with a member of it, and without a column of a record, is a message.
pub(super) fn message_name(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|other| *other == name)
}

/// The texts within a message.
///
/// # Errors
/// [`Rejection::Header`] if the message is one that CloudWatch Logs sends to check the destination.
pub(super) fn messages(object: &[u8]) -> Result<Vec<Vec<u8>>, Rejection> {
    let Message { message, message_type, events } =
        sonic_rs::from_slice(object).map_err(|error| Rejection::NotJson(error.offset()))?;
    if message_type.as_deref() == Some("CONTROL_MESSAGE") {
        return Err(Rejection::Header);
    }
    let events = events.into_iter().flatten().map(|event| event.message);
    let texts: Vec<Vec<u8>> = message.into_iter().chain(events).map(Text::into_bytes).collect();
    if texts.is_empty() && message_type.is_none() {
        return Err(Rejection::NoValue("bucket_name or bucket_arn"));
    }
    Ok(texts)
}
