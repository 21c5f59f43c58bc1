//! Whether a list that goes on page after page gets anywhere.

/// Pages in a row that bring no name beyond those before: 5,000. S3 gives some where many deleted names lie
/// between others.
const MOST_FRUITLESS: u32 = 5_000;

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
}

impl Trail {
    /// After a page that continues with this token.
    ///
    /// # Errors
    /// If it led there already.
    pub(super) fn onward(mut self, token: &str) -> Result<Trail, Astray> {
        if self.kept.as_deref() == Some(token) {
            return Err(Astray::InCircles);
        }
        if self.pages == self.keep_for {
            self.kept = Some(token.to_owned());
            self.keep_for = (self.keep_for * 2).max(1);
            self.pages = 0;
        }
        self.pages += 1;
        Ok(self)
    }
}

/// How many pages in a row brought nothing, of all parts of a list together.
#[derive(Debug, Default)]
pub(super) struct Fruitless(u32);

impl Fruitless {
    /// After a page; `is_fruitful`: with a name beyond those before, or the last of its part.
    ///
    /// # Errors
    /// If there were too many.
    pub(super) fn page(&mut self, is_fruitful: bool) -> Result<(), Astray> {
        self.0 = if is_fruitful { 0 } else { self.0 + 1 };
        if self.0 >= MOST_FRUITLESS { Err(Astray::Nowhere) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the page that a list is given up at.
    fn given_up(tokens: impl Iterator<Item = String>) -> Option<usize> {
        let mut trail = Trail::default();
        for (page, token) in tokens.enumerate() {
            match trail.onward(&token) {
                Ok(onward) => trail = onward,
                Err(_) => return Some(page + 1),
            }
        }
        None
    }

    #[test]
    fn tokens_that_go_in_circles_are_found() {
        for (before, circle) in [(0, 1), (0, 2), (1, 1), (3, 5), (20, 7), (100, 1000)] {
            let tokens = (0..).map(|page: usize| match page < before {
                true => format!("before {page}"),
                false => format!("circle {}", (page - before) % circle),
            });
            let page = given_up(tokens).unwrap();
            assert!(page <= 4 * (before + circle) + 2, "{before} and {circle}: {page}");
        }
    }

    #[test]
    fn a_list_that_gets_on_is_never_given_up() {
        assert_eq!(given_up((0..100_000).map(|page| page.to_string())), None);
        let mut fruitless = Fruitless::default();
        assert!((0..100_000).all(|page| fruitless.page(page % 4_999 == 0).is_ok()));
    }

    #[test]
    fn pages_that_bring_nothing_end_a_list() {
        let mut fruitless = Fruitless::default();
        fruitless.page(true).unwrap();
        let good = (0..10_000).take_while(|_| fruitless.page(false).is_ok()).count();
        assert_eq!(good + 1, MOST_FRUITLESS as usize);
    }
}
