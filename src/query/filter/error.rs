//! Why a text is no filter, and which name was probably meant.

use crate::log::FIELDS;
use crate::query::Dimension;
use crate::query::dimension::QUERY_PARAM;

/// Why a text is no filter: where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct FilterError {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What is wrong and what was expected; one line.
    pub message: String,
}

/// Every name that may stand before an operator: the fields and what is derived from them.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = FIELDS.iter().map(|spec| spec.name.to_owned()).collect();
    names.extend(
        Dimension::all()
            .iter()
            .filter(|dimension| !matches!(dimension, Dimension::Field(_)))
            .map(Dimension::name),
    );
    names.push(QUERY_PARAM[0].to_owned());
    names.push(super::parse::ANYWHERE.to_owned());
    names
}

/// The message where the name of a parameter is missing.
pub(super) const NO_PARAM: &str = "expected the name of a query parameter, as in query_param:x-user=ann";

/// The message for a name that no field has.
pub(super) fn unknown_name(name: &str) -> String {
    if QUERY_PARAM.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return NO_PARAM.to_owned();
    }
    let shown: String = name.chars().take(40).collect();
    let all = names();
    let meant = all
        .iter()
        .map(String::as_str)
        .chain(FIELDS.iter().flat_map(|spec| spec.aliases.iter().copied()))
        .map(|known| (distance(&name.to_ascii_lowercase(), known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3) && *distance < known.len())
        .min_by_key(|(distance, _)| *distance);
    let hint = match meant {
        Some((_, known)) => format!("did you mean \"{known}\"? "),
        None => String::new(),
    };
    format!(
        "unknown field \"{shown}\"; {hint}fields are {} (to look for the text itself, put it in quotes)",
        all.join(", ")
    )
}

/// How many letters must be put in, taken out, replaced or swapped to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(40).collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let same = usize::from(from[i - 1] != to[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert!(unknown_name("statsu").contains("did you mean \"status\"?"));
        assert!(unknown_name("byte_sent").contains("did you mean \"bytes_sent\"?"));
        assert!(unknown_name("Requestor").contains("did you mean \"requester\"?"));
        assert!(!unknown_name("xyzzy").contains("did you mean"));
    }

    #[test]
    fn every_field_is_named() {
        let message = unknown_name("xyzzy");
        for spec in &FIELDS {
            assert!(message.contains(spec.name), "{}", spec.name);
        }
    }
}
