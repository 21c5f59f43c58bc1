//! What tests share: servers and data.

pub(crate) mod s3_server;
