//! The loop: waits for whatever happens next, has `update` think about it, does what comes back, and
//! draws. Over any terminal and any stream of events, so a whole session runs in a test.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use futures::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::query::Engine;
use crate::tui::app::query_runner::{Asker, hold};
use crate::tui::model::action::{Action, Effect, Moment};
use crate::tui::model::state::State;
use crate::tui::update::update;
use crate::tui::{TuiError, TuiOptions, app::export_file, view};
use tokio_util::sync::CancellationToken;

/// The time between two frames, at least: thirty a second.
const FRAME: Duration = Duration::from_millis(33);
/// The time between two looks at whether the data has grown, at least.
const LOOK: Duration = Duration::from_millis(250);
/// The time between two looks at the clock.
const TICK: Duration = Duration::from_secs(5);
/// The time between two looks at whether another process, of which nothing is heard, made it grow.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(2);
/// For so long the ingest waits for the first screen.
const PATIENCE: Duration = Duration::from_secs(2);
/// Live data is asked about again so seldom that the questions take at most a fifth of the time.
const REST: u32 = 4;

/// Whose the terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The shell's, for a while: nothing is drawn.
    Shell,
    /// Ours again, with anything on it.
    Back,
}

/// What a session does with the terminal beyond drawing on it.
pub(crate) trait Desk {
    /// Puts text on the clipboard.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Asks for the terminal to be given to the shell: soon [`Desk::moved`] says so. Says why not, if it cannot
    /// be.
    fn suspend(&mut self) -> Result<(), String>;

    /// Comes back when the terminal goes to the shell or comes back from there. May be called again before that.
    ///
    /// # Errors
    /// If it cannot be taken again.
    fn moved(&mut self) -> impl Future<Output = io::Result<Place>>;
}

/// Runs a session until it is quit, the events end or `end` comes.
pub(crate) async fn run<B: Backend>(
    mut options: TuiOptions,
    terminal: &mut Terminal<B>,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    end: impl Future<Output = ()>,
    desk: &mut impl Desk,
) -> Result<(), TuiError> {
    let (actions, mut happened) = mpsc::unbounded_channel();
    let mut ingest = options.ingest.take();
    let engine = Arc::clone(&options.engine);
    let clock = Arc::clone(&options.clock);
    let began = Instant::now();
    let moment =
        || Moment { unix: clock(), millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) };
    let mut session = Session {
        state: State::new(
            options.title,
            options.sources,
            options.filter,
            options.time,
            options.theme,
            options.zone,
        ),
        asker: Asker::new(Arc::clone(&engine), actions.clone()),
        engine: Arc::clone(&engine),
        actions,
        export: None,
        quit: false,
        redraw: false,
    };
    let size = terminal.size().map_err(TuiError::terminal)?;
    session.state.size = (size.width, size.height);
    session.state.generation = engine.generation();
    session.state.newest = session.state.generation;
    if let Some(feed) = &mut ingest {
        session.state.progress = Some(feed.progress.borrow_and_update().clone());
        session.state.every = feed.every;
    }
    session.handle(moment(), Action::Begin, desk);

    let mut dirty = true;
    let mut is_away = false;
    let mut drawn: Option<Instant> = None;
    // When to look for growth next; when it was last done; what it cost since.
    let mut look = began + LOOK_ELSEWHERE;
    let mut looked = began;
    let mut cost = Duration::ZERO;
    let mut is_open = ingest.is_some();
    let mut is_begun = false;
    let mut heard = began;
    // How long ago the newest request was is told on the screen, so time itself is news.
    let mut ticks = tokio::time::interval(TICK);
    let is_following = session.state.every.is_some();
    tokio::pin!(end);

    while !session.quit {
        let now = Instant::now();
        let due = drawn.map_or(now, |at| at + FRAME);
        tokio::select! {
            biased;
            () = &mut end => break,
            place = desk.moved() => {
                is_away = place.map_err(TuiError::terminal)? == Place::Shell;
                session.redraw = true;
                dirty = true;
            }
            () = sleep_until(due), if dirty && !is_away => {
                let size = terminal.size().map_err(TuiError::terminal)?;
                if (size.width, size.height) != session.state.size {
                    session.handle(moment(), Action::Resize(size.width, size.height), desk);
                }
                if std::mem::take(&mut session.redraw) {
                    // Clears it all and draws it all. (`clear` asks the terminal where its cursor is, and fails if it
                    // does not answer.)
                    terminal.resize(Rect::new(0, 0, size.width, size.height)).map_err(TuiError::terminal)?;
                }
                terminal.draw(|frame| view::render(&session.state, frame)).map_err(TuiError::terminal)?;
                dirty = false;
                drawn = Some(Instant::now());
            }
            event = events.next() => match event {
                None => break,
                Some(Err(error)) => return Err(TuiError::terminal(error)),
                Some(Ok(event)) => {
                    let action = match event {
                        Event::Key(key) => Action::Key(key),
                        Event::Mouse(mouse) => Action::Mouse(mouse),
                        Event::Paste(text) => Action::Paste(text),
                        Event::Resize(columns, rows) => Action::Resize(columns, rows),
                        Event::FocusGained | Event::FocusLost => continue,
                    };
                    session.handle(moment(), action, desk);
                    dirty = true;
                }
            },
            Some(action) = happened.recv() => {
                if let Action::Answered(told) = &action {
                    cost += told.statistics.elapsed;
                }
                session.handle(moment(), action, desk);
                dirty = true;
            }
            changed = progress_changed(&mut ingest, heard + FRAME), if is_open => {
                heard = Instant::now();
                is_open = changed;
                if let Some(feed) = &mut ingest {
                    let progress = feed.progress.borrow_and_update().clone();
                    session.handle(moment(), Action::Progress(Box::new(progress)), desk);
                }
                let rest = LOOK.max(cost * REST);
                look = look.min(heard.max(looked + rest));
                dirty = true;
            }
            _ = ticks.tick(), if is_following => {
                session.state.now = moment();
                dirty = true;
            }
            () = sleep_until(look) => {
                let rested = looked + cost * REST;
                if Instant::now() < rested {
                    look = rested;
                    continue;
                }
                looked = Instant::now();
                let generation = engine.generation();
                if generation > session.state.newest {
                    cost = Duration::ZERO;
                    session.handle(moment(), Action::Grown(generation), desk);
                    dirty = true;
                }
                look = looked + LOOK_ELSEWHERE;
            }
        }
        if !is_begun && ((session.state.stands() && !dirty) || began.elapsed() > PATIENCE) {
            is_begun = true;
            ingest.iter().for_each(|feed| (feed.begin)());
        }
    }
    if let Some(feed) = &ingest {
        (feed.stop)();
    }
    // No part of a file is left behind.
    if let Some((cancel, work)) = session.export.take() {
        cancel.cancel();
        let _ = work.await;
    }
    Ok(())
}

/// Comes back when there is news of the ingest, not before `earliest`; `false`: there will be no more.
async fn progress_changed(ingest: &mut Option<crate::tui::Feed>, earliest: Instant) -> bool {
    match ingest {
        Some(feed) => {
            sleep_until(earliest).await;
            feed.progress.changed().await.is_ok()
        }
        None => std::future::pending().await,
    }
}

/// The state and what is needed to do what `update` wants done.
struct Session {
    state: State,
    asker: Asker,
    engine: Arc<dyn Engine>,
    actions: mpsc::UnboundedSender<Action>,
    /// The export that is being written.
    export: Option<(CancellationToken, JoinHandle<()>)>,
    quit: bool,
    redraw: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some((cancel, _)) = &self.export {
            cancel.cancel();
        }
    }
}

impl Session {
    fn handle(&mut self, now: Moment, action: Action, desk: &mut impl Desk) {
        for effect in update(&mut self.state, now, action) {
            match effect {
                Effect::Ask(question) => self.asker.ask(*question),
                Effect::Complete { number, by, text } => self.asker.complete(number, by, text),
                Effect::Copy(text) => {
                    if let Err(error) = desk.copy(&text) {
                        self.state.warn(format!("could not copy: {error}"));
                    }
                }
                Effect::Export(export) => {
                    let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
                    let cancel = CancellationToken::new();
                    let watched = cancel.clone();
                    let work = tokio::task::spawn_blocking(move || {
                        let told = actions.clone();
                        let mut tell = move |rows, total| {
                            let _ = told.send(Action::Exporting { rows, total });
                        };
                        let exported = export_file::export(&*engine, *export, &watched, &mut tell);
                        let _ = actions.send(Action::Exported(exported));
                    });
                    self.export = Some((cancel, work));
                }
                Effect::StopExport => {
                    if let Some((cancel, _)) = &self.export {
                        cancel.cancel();
                    }
                }
                Effect::Wake { after, number } => {
                    let actions = self.actions.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        let _ = actions.send(Action::Woke(number));
                    });
                }
                Effect::Hold(holds) => {
                    let _ = self.actions.send(hold(&*self.engine, holds));
                }
                Effect::Redraw => self.redraw = true,
                Effect::Suspend => {
                    if let Err(reason) = desk.suspend() {
                        self.state.warn(reason);
                    }
                }
                Effect::Quit => self.quit = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use futures::channel::mpsc::unbounded;
    use jiff::tz::TimeZone;
    use ratatui::backend::TestBackend;
    use tokio::sync::watch;

    use super::*;
    use crate::ingest::{Phase, Progress};
    use crate::query::{Filter, TimeRange};
    use crate::tui::testing::{APRIL, NOW, Naive, get, three_days};
    use crate::tui::{Feed, Theme};

    /// A terminal that is never shared.
    #[derive(Default)]
    struct Paper {
        copied: Vec<String>,
    }

    impl Desk for Paper {
        fn copy(&mut self, text: &str) -> io::Result<()> {
            self.copied.push(text.to_owned());
            Ok(())
        }

        fn suspend(&mut self) -> Result<(), String> {
            Err("there is no shell".to_owned())
        }

        async fn moved(&mut self) -> io::Result<Place> {
            std::future::pending().await
        }
    }

    fn options(engine: Arc<Naive>, ingest: Option<Feed>) -> TuiOptions {
        TuiOptions {
            engine,
            ingest,
            filter: Filter::everything(),
            time: TimeRange::default(),
            sources: Vec::new(),
            title: "s3://acme-logs/media/".to_owned(),
            clock: Arc::new(|| NOW),
            theme: Theme::PLAIN,
            zone: TimeZone::UTC,
        }
    }

    fn key(c: char) -> io::Result<Event> {
        Ok(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)))
    }

    fn text(terminal: &Terminal<TestBackend>) -> String {
        terminal.backend().to_string()
    }

    #[tokio::test]
    async fn a_whole_session_from_the_first_screen_to_q() {
        let engine = Naive::new(three_days());
        let (tell, progress) = watch::channel(Progress { phase: Phase::Reading, ..Progress::default() });
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
        let feed = Feed { progress, begin, stop, every: None };
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
        let (keys, events) = unbounded();
        let mut desk = Paper::default();
        let person = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            assert!(begun.load(Ordering::SeqCst), "the ingest begins when the first screen stands");
            // The ingest commits more while somebody looks on.
            engine.add(vec![get(APRIL + 9, "203.0.113.99", "films/new.mp4", 200, 1 << 40)]);
            tell.send(Progress { phase: Phase::Done, ..Progress::default() }).unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            keys.unbounded_send(key('y')).unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            keys.unbounded_send(key('q')).unwrap();
        };
        let session = run(
            options(Arc::clone(&engine), Some(feed)),
            &mut terminal,
            events,
            std::future::pending(),
            &mut desk,
        );
        let (ended, ()) = tokio::join!(session, person);
        ended.unwrap();
        let screen = text(&terminal);
        assert!(screen.contains("203.0.113.99"), "what came in is there:\n{screen}");
        assert!(screen.contains("373 requests"), "{screen}");
        assert_eq!(desk.copied, ["203.0.113.7"], "the cursor stayed on its row");
        assert!(stopped.load(Ordering::SeqCst), "the ingest is told to stop");
    }

    #[tokio::test]
    async fn a_signal_ends_the_session() {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let (_keys, events) = unbounded();
        let end = tokio::time::sleep(Duration::from_millis(100));
        let options = options(Naive::new(three_days()), None);
        run(options, &mut terminal, events, end, &mut Paper::default()).await.unwrap();
        assert!(text(&terminal).contains("203.0.113.7"));
    }

    #[tokio::test]
    async fn an_event_stream_that_breaks_is_an_error() {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let events = futures::stream::iter([Err(io::Error::other("gone"))]);
        let options = options(Naive::new(Vec::new()), None);
        let ended = run(options, &mut terminal, events, std::future::pending(), &mut Paper::default()).await;
        assert!(ended.unwrap_err().to_string().contains("gone"));
    }
}
