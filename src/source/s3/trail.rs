//! Whether a list that goes on page after page gets anywhere.

/// Pages in a row without a name beyond those before: 10,000. S3 gives some where many deleted names lie
/// between others.
const MOST_FRUITLESS: u32 = 10_000;

/// Why a list is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Astray {
    /// A page says that the list goes on where it went on before.
    #[error("a page of the list names a continuation token that led there already")]
    InCircles,
    /// [`MOST_FRUITLESS`].
    #[error("{MOST_FRUITLESS} pages of the list in a row bring no further name")]
    Nowhere,
}

/// What pages that continue each other gave so far.
///
/// A token that comes again is found without all of them being kept (Brent's algorithm): one is kept, and
/// after 1, 2, 4, 8 … pages the newest takes its place. Tokens that go in circles meet it in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trail {
    kept: Option<String>,
    /// Pages since it was kept, and pages after which another is.
    pages: u64,
    keep_for: u64,
    fruitless: u32,
}

impl Trail {
    /// After a page that continues with this token; `is_fruitful`: with a name beyond those before.
    ///
    /// # Errors
    /// If there is no end to be expected.
    pub(super) fn onward(mut self, token: &str, is_fruitful: bool) -> Result<Trail, Astray> {
        if self.kept.as_deref() == Some(token) {
            return Err(Astray::InCircles);
        }
        if self.pages == self.keep_for {
            self.kept = Some(token.to_owned());
            self.keep_for = (self.keep_for * 2).max(1);
            self.pages = 0;
        }
        self.pages += 1;
        self.fruitless = if is_fruitful { 0 } else { self.fruitless + 1 };
        if self.fruitless >= MOST_FRUITLESS { Err(Astray::Nowhere) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the page that a list is given up at.
    fn given_up(tokens: impl Iterator<Item = (String, bool)>) -> Option<(usize, Astray)> {
        let mut trail = Trail::default();
        for (page, (token, is_fruitful)) in tokens.enumerate() {
            match trail.onward(&token, is_fruitful) {
                Ok(onward) => trail = onward,
                Err(astray) => return Some((page + 1, astray)),
            }
        }
        None
    }

    #[test]
    fn tokens_that_go_in_circles_are_found() {
        for (before, circle) in [(0, 1), (0, 2), (1, 1), (3, 5), (20, 7), (100, 1000)] {
            let tokens = (0..).map(|page: usize| match page < before {
                true => (format!("before {page}"), true),
                false => (format!("circle {}", (page - before) % circle), true),
            });
            let (page, astray) = given_up(tokens).unwrap();
            assert_eq!(astray, Astray::InCircles);
            assert!(page <= 4 * (before + circle) + 2, "{before} and {circle}: {page}");
        }
    }

    #[test]
    fn a_list_that_gets_on_is_never_given_up() {
        assert_eq!(given_up((0..100_000).map(|page| (page.to_string(), page % 9_999 == 0))), None);
    }

    #[test]
    fn pages_that_bring_nothing_end_a_list() {
        let (page, astray) = given_up((0..).map(|page: u64| (page.to_string(), page < 5))).unwrap();
        assert_eq!((page, astray), (5 + MOST_FRUITLESS as usize, Astray::Nowhere));
    }
}
