//! Detects listings that never end: repeated continuation tokens, and too many pages without new names.

/// Consecutive pages without a new name that are accepted. S3 returns some where many names were deleted.
const MAX_PAGES_WITHOUT_NEW_NAMES: u32 = 5_000;

/// Why a listing is abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::source) enum EndlessListing {
    #[error("the listing repeats a continuation token")]
    TokenCycle,
    #[error("{MAX_PAGES_WITHOUT_NEW_NAMES} consecutive pages of the listing have no new name")]
    NoNewNames,
}

/// Detects a cycle in the continuation tokens of consecutive pages.
///
/// Keeps a single token (Brent's algorithm): after 1, 2, 4, 8 … pages the newest token replaces it. Tokens that repeat
/// match it eventually.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::source) struct TokenCycleDetector {
    token: Option<String>,
    /// Pages since `token` was kept.
    pages: u64,
    /// Pages after which the next token is kept.
    keep_for: u64,
}

impl TokenCycleDetector {
    /// The detector after a page with this token.
    pub(in crate::source) fn next(mut self, token: &str) -> Result<TokenCycleDetector, EndlessListing> {
        if self.token.as_deref() == Some(token) {
            return Err(EndlessListing::TokenCycle);
        }
        if self.pages == self.keep_for {
            self.token = Some(token.to_owned());
            self.keep_for = (self.keep_for * 2).max(1);
            self.pages = 0;
        }
        self.pages += 1;
        Ok(self)
    }
}

/// Counts consecutive pages without a new name, in all ranges of a listing together.
#[derive(Debug, Default)]
pub(in crate::source) struct ProgressDetector(u32);

impl ProgressDetector {
    /// Counts a page. `has_progress`: it has a new name, or it is the last one of its range.
    pub(in crate::source) fn count_page(&mut self, has_progress: bool) -> Result<(), EndlessListing> {
        self.0 = if has_progress { 0 } else { self.0 + 1 };
        if self.0 >= MAX_PAGES_WITHOUT_NEW_NAMES { Err(EndlessListing::NoNewNames) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the page at which a cycle is detected.
    fn detected_at(tokens: impl Iterator<Item = String>) -> Option<usize> {
        let mut detector = TokenCycleDetector::default();
        for (page, token) in tokens.enumerate() {
            match detector.next(&token) {
                Ok(next) => detector = next,
                Err(_) => return Some(page + 1),
            }
        }
        None
    }

    #[test]
    fn a_cycle_of_tokens_is_detected() {
        for (before, cycle) in [(0, 1), (0, 2), (1, 1), (3, 5), (20, 7), (100, 1000)] {
            let tokens = (0..).map(|page: usize| match page < before {
                true => format!("before {page}"),
                false => format!("cycle {}", (page - before) % cycle),
            });
            let page = detected_at(tokens).unwrap();
            assert!(page <= 4 * (before + cycle) + 2, "{before} and {cycle}: {page}");
        }
    }

    #[test]
    fn a_listing_with_progress_is_never_abandoned() {
        assert_eq!(detected_at((0..100_000).map(|page| page.to_string())), None);
        let mut progress = ProgressDetector::default();
        assert!((0..100_000).all(|page| progress.count_page(page % 4_999 == 0).is_ok()));
    }

    #[test]
    fn pages_without_new_names_end_a_listing() {
        let mut progress = ProgressDetector::default();
        progress.count_page(true).unwrap();
        let good = (0..10_000).take_while(|_| progress.count_page(false).is_ok()).count();
        assert_eq!(good + 1, MAX_PAGES_WITHOUT_NEW_NAMES as usize);
    }
}
