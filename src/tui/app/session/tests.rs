//! Whole sessions: events in, screens out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use futures::channel::mpsc::unbounded;
use jiff::tz::TimeZone;
use ratatui::backend::{Backend, ClearType, TestBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use tokio::sync::watch;

use super::*;
use crate::identity::host_names::NameService;
use crate::identity::resolver::{Found, Resolver};
use crate::ingest::{Phase, Progress};
use crate::query::{Filter, TimeRange};
use crate::tui::testing::{APRIL, NOW, NaiveEngine, get, three_days};

/// A screen that the test sees while the session runs.
#[derive(Clone)]
struct SharedScreen(Arc<Mutex<TestBackend>>);

impl SharedScreen {
    fn new(columns: u16, rows: u16) -> SharedScreen {
        SharedScreen(Arc::new(Mutex::new(TestBackend::new(columns, rows))))
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().to_string()
    }

    /// Waits until the screen shows `text`.
    async fn shows(&self, text: &str) {
        until(|| self.text().contains(text)).await.unwrap_or_else(|()| panic!("no {text}:\n{}", self.text()));
    }
}

impl Backend for SharedScreen {
    type Error = <TestBackend as Backend>::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.0.lock().unwrap().draw(content)
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.0.lock().unwrap().hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.0.lock().unwrap().show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.0.lock().unwrap().get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.0.lock().unwrap().set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.0.lock().unwrap().clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Self::Error> {
        self.0.lock().unwrap().clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.0.lock().unwrap().size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.0.lock().unwrap().window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.lock().unwrap().flush()
    }
}

/// Waits until `is_so`; an error after a minute.
async fn until(is_so: impl Fn() -> bool) -> Result<(), ()> {
    for _ in 0..6_000 {
        if is_so() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(())
}

/// A terminal without a shell. It records the copied texts.
#[derive(Default)]
struct FakeTerminal {
    copied: Vec<String>,
    /// How often it was asked for its colours.
    questions: usize,
}

impl TerminalControl for FakeTerminal {
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.copied.push(text.to_owned());
        Ok(())
    }

    fn ask_colours(&mut self) -> io::Result<()> {
        self.questions += 1;
        Ok(())
    }

    fn capture_mouse(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> Result<(), String> {
        Err("there is no shell".to_owned())
    }

    async fn owner_changed(&mut self) -> io::Result<TerminalOwner> {
        std::future::pending().await
    }
}

fn options(engine: Arc<NaiveEngine>, ingest: Option<Feed>) -> TuiOptions {
    TuiOptions {
        engine,
        mutes: None,
        names: Arc::new(NameService::new(Resolver::new(Arc::new(|_| Found::NoAnswer)))),
        resolves: false,
        log_counts: None,
        ingest,
        filter: Filter::everything(),
        time: TimeRange::default(),
        sources: Vec::new(),
        notice: None,
        unopened: Vec::new(),
        title: "s3://acme-logs/media/".to_owned(),
        clock: Arc::new(|| NOW),
        user: UserOptions::default(),
        zone: TimeZone::UTC,
    }
}

fn key(c: char) -> io::Result<Event> {
    Ok(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)))
}

#[tokio::test]
async fn a_whole_session_from_the_first_screen_to_q() {
    let engine = NaiveEngine::new(three_days());
    let (sender, progress) = watch::channel(Progress { phase: Phase::Reading, ..Progress::default() });
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = {
        let stopped = Arc::clone(&stopped);
        Box::new(move || stopped.store(true, Ordering::SeqCst))
    };
    let begun = Arc::new(AtomicBool::new(false));
    let begin = {
        let begun = Arc::clone(&begun);
        Box::new(move || begun.store(true, Ordering::SeqCst))
    };
    let retry = Box::new(|| {});
    let feed = Feed { progress, begin, retry, unopened: None, stop, every: None };
    let screen = SharedScreen::new(100, 30);
    let mut terminal = Terminal::new(screen.clone()).unwrap();
    let (keys, events) = unbounded();
    let mut control = FakeTerminal::default();
    let user = async {
        screen.shows("372 requests").await;
        until(|| begun.load(Ordering::SeqCst))
            .await
            .expect("the ingest starts when the first screen is complete");
        // The ingest commits more requests while the session runs.
        engine.add(vec![get(APRIL + 9, "203.0.113.99", "films/new.mp4", 200, 1 << 40)]);
        sender.send(Progress { phase: Phase::Done, ..Progress::default() }).unwrap();
        screen.shows("373 requests").await;
        screen.shows("203.0.113.99").await;
        keys.unbounded_send(key('y')).unwrap();
        screen.shows("copied 203.0.113.7").await;
        // The first closes the menu of what else can be copied.
        keys.unbounded_send(key('q')).unwrap();
        keys.unbounded_send(key('q')).unwrap();
    };
    let session = run(
        options(Arc::clone(&engine), Some(feed)),
        &mut terminal,
        events,
        std::future::pending(),
        &mut control,
    );
    let (ended, ()) = tokio::join!(session, user);
    ended.unwrap();
    assert_eq!(control.copied, ["203.0.113.7"], "the cursor stays on its row");
    assert!(stopped.load(Ordering::SeqCst), "the ingest is stopped");
}

#[test]
fn flags_left_traces_on_the_screen() {
    for disputed in ["🇩🇪", "👩‍👩‍👧", "👍🏽", "❤️"] {
        assert!(has_disputed_width(disputed), "{disputed}");
    }
    for plain in ["a", "日", "e\u{301}", "é", "🎬", " "] {
        assert!(!has_disputed_width(plain), "{plain}");
    }
}

#[tokio::test]
async fn a_signal_ends_the_session() {
    let screen = SharedScreen::new(80, 24);
    let mut terminal = Terminal::new(screen.clone()).unwrap();
    let (_keys, events) = unbounded();
    let options = options(NaiveEngine::new(three_days()), None);
    let end = screen.shows("203.0.113.7");
    run(options, &mut terminal, events, end, &mut FakeTerminal::default()).await.unwrap();
}

#[tokio::test]
async fn an_error_in_the_event_stream_ends_the_session() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let events = futures::stream::iter([Err(io::Error::other("gone"))]);
    let options = options(NaiveEngine::new(Vec::new()), None);
    let ended =
        run(options, &mut terminal, events, std::future::pending(), &mut FakeTerminal::default()).await;
    assert!(ended.unwrap_err().to_string().contains("gone"));
}

#[tokio::test]
async fn only_a_terminal_that_answers_is_asked_again_and_only_for_a_theme_that_follows_it() {
    for (answers, theme, questions) in [(true, None, 1), (false, None, 0), (true, Some("dark"), 0)] {
        let mut options = options(NaiveEngine::new(three_days()), None);
        options.user.terminal.answers = answers;
        options.user.theme = theme.map(str::to_owned);
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut control = FakeTerminal::default();
        let events = [Event::FocusGained, Event::FocusLost, Event::FocusGained].map(Ok);
        let events = futures::stream::iter(events);
        run(options, &mut terminal, events, std::future::pending(), &mut control).await.unwrap();
        assert_eq!(control.questions, questions, "{answers} {theme:?}");
    }
}
