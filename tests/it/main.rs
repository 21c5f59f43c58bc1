//! What Tamarin does as a whole: against real servers, real files, the real binary.

mod s3_source;
mod support;
