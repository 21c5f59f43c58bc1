//! Names that a mistyped name could mean.

/// `; did you mean NAME?` with the most similar of `known`, or nothing.
pub(crate) fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::osa_distance(&lower, known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3) && *distance < known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| format!("; did you mean {known}?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_suggested() {
        assert_eq!(did_you_mean("regoin", ["cache", "region"]), "; did you mean region?");
        assert_eq!(did_you_mean("Cache", ["cache", "region"]), "; did you mean cache?");
        assert_eq!(did_you_mean("something", ["cache", "region"]), "");
    }
}
