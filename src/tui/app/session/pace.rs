//! How often the screen is drawn.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two frames: 30 a second.
pub(super) const FRAME_INTERVAL: Duration = Duration::from_millis(33);

/// When frames were drawn. The first frame after a key waits only for the one after an earlier key: an answer, or the
/// progress of an analysis, may have been drawn just before.
#[derive(Debug, Default)]
pub(super) struct FramePace {
    last: Option<Instant>,
    last_after_event: Option<Instant>,
    /// Whether the user did something since the last frame.
    follows_event: bool,
}

impl FramePace {
    /// Notes a key, or another event of the terminal.
    pub(super) fn event(&mut self) {
        self.follows_event = true;
    }

    /// Notes that a frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        if std::mem::take(&mut self.follows_event) {
            self.last_after_event = Some(now);
        }
    }

    /// When the next frame may be drawn; `None`: at once.
    pub(super) fn due(&self) -> Option<Instant> {
        let before = if self.follows_event { self.last_after_event } else { self.last };
        before.map(|before| before + FRAME_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waited_for_the_pause_after_the_frame_of_an_answer() {
        let mut pace = FramePace::default();
        let start = Instant::now();
        assert_eq!(pace.due(), None);
        // An answer.
        pace.drawn(start);
        assert_eq!(pace.due(), Some(start + FRAME_INTERVAL));
        pace.event();
        assert_eq!(pace.due(), None, "the first key");
        let later = start + Duration::from_millis(5);
        pace.drawn(later);
        assert_eq!(pace.due(), Some(later + FRAME_INTERVAL), "the answer to it");
        pace.event();
        assert_eq!(pace.due(), Some(later + FRAME_INTERVAL), "keys in a fast sequence share frames");
    }
}
