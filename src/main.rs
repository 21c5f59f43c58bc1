//! The `tamarin` binary.
fn main() {}
