//! The event loop: waits for the next event, passes it to `update`, carries out the effects, and draws. It works
//! with any terminal and any stream of events, so tests run whole sessions.

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use crossterm::event::Event;
use futures::{Stream, StreamExt};
use ratatui::{Terminal, backend::Backend, layout::Rect};
use tokio::time::{Instant, Interval, sleep_until};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use crate::config::NamedInvestigation;
use crate::insight::findings::mute::MuteStore;
use crate::query::Engine;
use crate::tui::app::analysis_runner::AnalysisRunner;
use crate::tui::app::background_engine::{BackgroundEngine, ScreenQueries};
use crate::tui::app::query_runner::{QueryRunner, pin_snapshot};
use crate::tui::app::{
    export_file, generation_poll::GenerationPoll, home, late_answer::LateAnswer, write_file,
};
use crate::tui::model::{Action, ActionTime, Effect, State};
use crate::tui::model::{investigations::resolve, saved::Saved};
use crate::tui::theme::{Theme, choice::ThemeChoice};
use crate::tui::update::{MAX_COPIED_ROWS, begin_investigation, update};
use crate::tui::{
    ConfigStore, Feed, LogCounts, SessionFile, TuiError, TuiOptions, UserOptions, format, view,
};

/// Minimum time between two frames: 30 a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// In follow mode the screen shows the age of the newest request, so it is drawn again at this interval.
const AGE_INTERVAL: Duration = Duration::from_secs(5);
/// The ingest starts when the first screen is complete, or after this time.
const INGEST_DELAY: Duration = Duration::from_secs(2);

/// The process that uses the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum TerminalOwner {
    /// The shell: nothing is drawn.
    Shell,
    /// The explorer. The content of the screen is unknown when it gets the terminal back.
    Explorer,
}

/// What a session does with the terminal besides drawing.
pub(in crate::tui) trait TerminalControl {
    /// Copies text to the clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Receives events of the mouse from now on, or leaves them to the terminal.
    fn capture_mouse(&mut self, captures: bool) -> io::Result<()>;

    /// Starts to give the terminal to the shell; [`TerminalControl::owner_changed`] reports when the shell has it.
    /// An error is a message for the user.
    fn suspend(&mut self) -> Result<(), String>;

    /// Waits until the owner of the terminal changes, and returns the new owner. Cancel safe.
    fn owner_changed(&mut self) -> impl Future<Output = io::Result<TerminalOwner>>;
}

/// Runs a session until the user quits, the events end or `end` completes.
pub(in crate::tui) async fn run<B: Backend>(
    options: TuiOptions,
    terminal: &mut Terminal<B>,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    end: impl Future<Output = ()>,
    control: &mut impl TerminalControl,
) -> Result<(), TuiError> {
    tokio::pin!(end);
    let mut session = Session::new(options, terminal, control)?;
    session.handle(Action::Begin);
    session.count_logs();
    while !session.quit {
        let happened = session.wait(&mut events, end.as_mut()).await;
        session.react(happened)?;
        session.start_ingest_if_due();
    }
    session.finish().await;
    Ok(())
}

/// What the event loop waits for.
enum Happened {
    Ended,
    OwnerChanged(io::Result<TerminalOwner>),
    /// The next frame may be drawn.
    FrameDue,
    Terminal(io::Result<Event>),
    Action(Action),
    /// The ingest reported progress; `false`: it will report no more.
    Progress(bool),
    /// The age of the newest request may have changed.
    AgeDue,
    /// The generation of the data may have changed.
    PollDue,
}

/// A session: the state and everything that is needed to carry out effects.
struct Session<'a, B: Backend, C: TerminalControl> {
    state: State,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    started: Instant,
    terminal: &'a mut Terminal<B>,
    control: &'a mut C,
    queries: QueryRunner,
    analyses: AnalysisRunner,
    mutes: Option<Arc<dyn MuteStore>>,
    log_counts: Option<Arc<dyn Fn() -> LogCounts + Send + Sync>>,
    /// Sends actions from other threads and tasks.
    actions: mpsc::UnboundedSender<Action>,
    received_actions: mpsc::UnboundedReceiver<Action>,
    ingest: Option<Feed>,
    is_ingest_started: bool,
    /// Whether the ingest may still report progress.
    is_ingest_open: bool,
    last_progress: Instant,
    poll: GenerationPoll,
    age: Interval,
    export: Option<(CancellationToken, JoinHandle<()>)>,
    config: Option<ConfigStore>,
    session_file: Option<SessionFile>,
    late_answer: LateAnswer,
    /// Whether the screen is out of date.
    is_dirty: bool,
    /// Whether the next frame clears the terminal first.
    clears: bool,
    is_suspended: bool,
    last_frame: Option<Instant>,
    quit: bool,
}

impl<'a, B: Backend, C: TerminalControl> Session<'a, B, C> {
    fn new(
        options: TuiOptions,
        terminal: &'a mut Terminal<B>,
        control: &'a mut C,
    ) -> Result<Session<'a, B, C>, TuiError> {
        let TuiOptions {
            engine,
            mutes,
            log_counts,
            mut ingest,
            filter,
            time,
            sources,
            notice,
            unopened,
            title,
            clock,
            user,
            zone,
        } = options;
        let UserOptions {
            settings,
            config,
            theme,
            terminal: colours,
            session,
            resume,
            investigation,
            cache_option,
        } = user;
        let (actions, received_actions) = mpsc::unbounded_channel();
        let mut state = State::new(title, sources, filter, time, Theme::default(), zone);
        state.settings = settings;
        state.cache_option = cache_option;
        state.fitting_theme = colours.theme_name;
        state.now.unix_seconds = clock();
        let (saved, note) = session.as_ref().map(SessionFile::read).unwrap_or_default();
        state.take_over(&saved);
        let choice = ThemeChoice {
            option: theme.as_deref(),
            configured: &state.settings.theme,
            remembered: saved.theme.as_deref().filter(|name| state.settings.theme_named(name).is_some()),
            fitting: colours.theme_name,
        };
        let name = choice.name().to_owned();
        state.theme = state.settings.theme_named(&name).map(|named| named.theme).unwrap_or_default();
        state.theme_name = name;
        begin_view(&mut state, resume, investigation.as_ref(), session.as_ref(), &saved);
        if let Some(note) = note {
            state.warn(format::visible(&note));
        }
        state.unopened = unopened;
        if let Some(notice) = notice {
            state.warn(crate::tui::format::visible(&notice));
        }
        let size = terminal.size().map_err(TuiError::terminal)?;
        state.size = (size.width, size.height);
        state.generation = engine.generation();
        state.newest_generation = state.generation;
        if let Some(feed) = &mut ingest {
            state.progress = Some(feed.progress.borrow_and_update().clone());
            state.follow_interval = feed.every;
        }
        let started = Instant::now();
        let queries = Arc::new(ScreenQueries::default());
        let background = Arc::new(BackgroundEngine::new(Arc::clone(&engine), Arc::clone(&queries)));
        Ok(Session {
            state,
            analyses: AnalysisRunner::new(background, mutes.clone(), Arc::clone(&clock), actions.clone()),
            mutes,
            log_counts,
            queries: QueryRunner::new(Arc::clone(&engine), actions.clone(), queries),
            engine,
            clock,
            started,
            terminal,
            control,
            actions,
            received_actions,
            is_ingest_open: ingest.is_some(),
            ingest,
            is_ingest_started: false,
            last_progress: started,
            poll: GenerationPoll::new(started),
            age: tokio::time::interval(AGE_INTERVAL),
            export: None,
            config,
            session_file: session,
            late_answer: LateAnswer::new(colours.may_answer_late.then_some(started)),
            is_dirty: true,
            clears: false,
            is_suspended: false,
            last_frame: None,
            quit: false,
        })
    }

    fn now(&self) -> ActionTime {
        ActionTime {
            unix_seconds: (self.clock)(),
            session_millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    async fn wait(
        &mut self,
        events: &mut (impl Stream<Item = io::Result<Event>> + Unpin),
        end: Pin<&mut impl Future<Output = ()>>,
    ) -> Happened {
        let frame_due = self.last_frame.map_or_else(Instant::now, |at| at + FRAME_INTERVAL);
        tokio::select! {
            biased;
            () = end => Happened::Ended,
            owner = self.control.owner_changed() => Happened::OwnerChanged(owner),
            () = sleep_until(frame_due), if self.is_dirty && !self.is_suspended => Happened::FrameDue,
            event = events.next() => event.map_or(Happened::Ended, Happened::Terminal),
            Some(action) = self.received_actions.recv() => Happened::Action(action),
            has_changed = progress_changed(&mut self.ingest, self.last_progress + FRAME_INTERVAL),
                if self.is_ingest_open => Happened::Progress(has_changed),
            _ = self.age.tick(), if self.state.follow_interval.is_some() => Happened::AgeDue,
            () = sleep_until(self.poll.next()) => Happened::PollDue,
        }
    }

    fn react(&mut self, happened: Happened) -> Result<(), TuiError> {
        match happened {
            Happened::Ended => self.quit = true,
            Happened::OwnerChanged(owner) => {
                self.is_suspended = owner.map_err(TuiError::terminal)? == TerminalOwner::Shell;
                self.clears = true;
                self.is_dirty = true;
            }
            Happened::FrameDue => self.draw()?,
            Happened::Terminal(event) => match event.map_err(TuiError::terminal)? {
                Event::Key(key) if self.late_answer.has(key, Instant::now()) => {}
                Event::Key(key) => self.handle(Action::Key(key)),
                Event::Mouse(mouse) => self.handle(Action::Mouse(mouse)),
                Event::Paste(text) => self.handle(Action::Paste(text)),
                Event::Resize(columns, rows) => self.handle(Action::Resize(columns, rows)),
                Event::FocusGained | Event::FocusLost => {}
            },
            Happened::Action(action) => {
                if let Action::Answered(result) = &action {
                    self.poll.query_ended(result.statistics.elapsed);
                }
                self.handle(action);
            }
            Happened::Progress(has_changed) => {
                self.last_progress = Instant::now();
                self.is_ingest_open = has_changed;
                if let Some(feed) = &mut self.ingest {
                    if let Some(unopened) = &feed.unopened {
                        self.state.unopened.clone_from(&unopened.borrow());
                    }
                    let progress = feed.progress.borrow_and_update().clone();
                    let is_over = progress.is_over();
                    self.handle(Action::Progress(Box::new(progress)));
                    if is_over {
                        // Before the next frame, which would show that the pull is complete beside the numbers before.
                        self.look_for_new_data();
                        self.count_logs();
                    }
                }
                self.poll.ingest_progressed(self.last_progress);
            }
            Happened::AgeDue => {
                self.state.now = self.now();
                self.is_dirty = true;
            }
            Happened::PollDue => {
                if self.poll.is_due(Instant::now()) {
                    let now = self.now().unix_seconds;
                    if let Some(changed) = self.config.as_mut().and_then(|config| config.changed(now)) {
                        self.handle(Action::SettingsChanged(changed.map(Box::new)));
                    }
                    if self.look_for_new_data() {
                        self.count_logs();
                    }
                }
            }
        }
        Ok(())
    }

    /// Has the screen updated if there is new data. Returns whether there is.
    fn look_for_new_data(&mut self) -> bool {
        let generation = self.engine.generation();
        let is_new = generation > self.state.newest_generation;
        if is_new {
            self.poll.data_changed();
            self.handle(Action::DataChanged(generation));
        }
        is_new
    }

    /// Reads how many lines are not requests of their own, in the background.
    fn count_logs(&self) {
        let Some(count) = self.log_counts.clone() else { return };
        let actions = self.actions.clone();
        tokio::task::spawn_blocking(move || actions.send(Action::LogsCounted(count())));
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        let size = self.terminal.size().map_err(TuiError::terminal)?;
        if (size.width, size.height) != self.state.size {
            self.handle(Action::Resize(size.width, size.height));
        }
        if std::mem::take(&mut self.clears) {
            // `resize` clears the screen. `clear` would also ask the terminal for the position of its cursor, and
            // fail if it does not answer.
            let area = Rect::new(0, 0, size.width, size.height);
            self.terminal.resize(area).map_err(TuiError::terminal)?;
        }
        let state = &self.state;
        let frame = self.terminal.draw(|frame| view::render(state, frame)).map_err(TuiError::terminal)?;
        // Terminals disagree about the width of flags and other clusters. What one leaves beside the cells that it should
        // fill would stay when the cells change.
        let leaves_traces = frame.buffer.content.iter().any(|cell| has_disputed_width(cell.symbol()));
        self.clears = leaves_traces;
        self.is_dirty = false;
        self.last_frame = Some(Instant::now());
        Ok(())
    }

    /// Starts the ingest when the first screen is drawn: earlier, it would slow down the queries of that screen.
    fn start_ingest_if_due(&mut self) {
        let is_due =
            (self.state.is_screen_complete() && !self.is_dirty) || self.started.elapsed() > INGEST_DELAY;
        if !self.is_ingest_started && is_due {
            self.is_ingest_started = true;
            self.ingest.iter().for_each(|feed| (feed.begin)());
        }
    }

    /// Stops the ingest, and the export together with its incomplete file.
    async fn finish(mut self) {
        if let Some(feed) = &self.ingest {
            (feed.stop)();
        }
        if let Some((cancel, worker)) = self.export.take() {
            cancel.cancel();
            let _ = worker.await;
        }
        if let Some(file) = &self.session_file {
            file.write(&self.state);
        }
    }

    /// Passes an action to `update` and carries out its effects.
    fn handle(&mut self, action: Action) {
        self.is_dirty = true;
        let now = self.now();
        for effect in update(&mut self.state, now, action) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::RunQuery(job) => self.queries.start(*job),
            Effect::Analyse(job) => self.analyses.start(*job),
            Effect::StopAnalysis(slot) => self.analyses.stop(slot),
            Effect::Complete { number, query, by, text } => self.queries.complete(number, *query, by, text),
            Effect::Copy(text) => {
                let result = self.control.copy(&text);
                result.unwrap_or_else(|error| self.state.warn(format!("could not copy: {error}")));
            }
            Effect::CopyTable(export, form) => {
                let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
                tokio::task::spawn_blocking(move || {
                    let table = export_file::to_text(&*engine, &export, form, MAX_COPIED_ROWS);
                    let _ = actions.send(Action::TableCopied(form, table));
                });
            }
            Effect::Export(mut export) => {
                export.path = home::expanded(std::mem::take(&mut export.path));
                let (engine, actions) = (Arc::clone(&self.engine), self.actions.clone());
                let cancel = CancellationToken::new();
                let worker_cancel = cancel.clone();
                let worker = tokio::task::spawn_blocking(move || {
                    let mut on_progress = |rows, total| {
                        let _ = actions.send(Action::Exporting { rows, total });
                    };
                    let exported = export_file::export(&*engine, *export, &worker_cancel, &mut on_progress);
                    let _ = actions.send(Action::Exported(exported));
                });
                self.export = Some((cancel, worker));
            }
            Effect::Mute(new) => {
                let _ = self.actions.send(super::mutes::add(self.mutes.as_deref(), new));
            }
            Effect::Unmute(mute) => {
                let result = super::mutes::remove(self.mutes.as_deref(), &mute);
                let _ = self.actions.send(Action::Unmuted { mute, result });
            }
            Effect::ListMutes => {
                let _ = self.actions.send(super::mutes::list(self.mutes.as_deref()));
            }
            Effect::WriteFile { path, text } => {
                let path = home::expanded(path);
                let result = write_file::write_new(&path, &text);
                let _ = self.actions.send(Action::FileWritten { path, result });
            }
            Effect::SaveInvestigation { name, investigation } => {
                let result = match &mut self.config {
                    Some(config) => config.save(&name, &investigation),
                    None => Err("there is no place for a configuration file: set HOME".to_owned()),
                };
                let named = NamedInvestigation { name, is_own: true, investigation: *investigation };
                let _ = self.actions.send(Action::InvestigationSaved { named: Box::new(named), result });
            }
            Effect::Retry => self.ingest.iter().for_each(|feed| (feed.retry)()),
            Effect::StopExport => {
                if let Some((cancel, _)) = &self.export {
                    cancel.cancel();
                }
            }
            Effect::StartTimer { after, number } => {
                let actions = self.actions.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let _ = actions.send(Action::TimerFired(number));
                });
            }
            Effect::PinSnapshot(pin) => {
                let _ = self.actions.send(pin_snapshot(&*self.engine, pin));
            }
            Effect::CaptureMouse(captures) => {
                let result = self.control.capture_mouse(captures);
                result.unwrap_or_else(|error| self.state.warn(format!("the terminal failed: {error}")));
            }
            Effect::Redraw => self.clears = true,
            Effect::Suspend => self.control.suspend().unwrap_or_else(|reason| self.state.warn(reason)),
            Effect::Quit => self.quit = true,
        }
    }
}

impl<B: Backend, C: TerminalControl> Drop for Session<'_, B, C> {
    fn drop(&mut self) {
        if let Some((cancel, _)) = &self.export {
            cancel.cancel();
        }
    }
}

/// Shows the last view of the cache, or an investigation, if the user asked for it.
fn begin_view(
    state: &mut State,
    resume: bool,
    investigation: Option<&NamedInvestigation>,
    session: Option<&SessionFile>,
    saved: &Saved,
) {
    let now = state.now.unix_seconds;
    if let Some(named) = investigation {
        match resolve(&named.investigation, now) {
            Ok(resolved) => begin_investigation(state, named, resolved),
            Err(wrong) => wrong.iter().take(1).for_each(|(key, reason)| {
                state.warn(format!("investigations.{}.{key}: {}", named.name, format::visible(reason)));
            }),
        }
    }
    if !resume && let Some(file) = session {
        state.keep_last_view(saved, &file.cache_name());
    }
    if resume && !session.is_some_and(|file| state.resume(saved, &file.cache_name(), now)) {
        state.notify("there is no earlier view of this cache");
    }
}

/// Whether terminals may draw a cluster of characters wider or narrower than its cells: several characters that are one
/// wide sign.
fn has_disputed_width(symbol: &str) -> bool {
    symbol.len() > 4 && symbol.chars().nth(1).is_some() && symbol.width() > 1
}

/// Waits until the ingest reports progress, and at least until `earliest`. Returns `false` if it will report no more.
async fn progress_changed(ingest: &mut Option<Feed>, earliest: Instant) -> bool {
    match ingest {
        Some(feed) => {
            sleep_until(earliest).await;
            feed.progress.changed().await.is_ok()
        }
        None => std::future::pending().await,
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
    use crate::tui::testing::{APRIL, NOW, NaiveEngine, get, three_days};

    /// A terminal without a shell. It records the copied texts.
    #[derive(Default)]
    struct FakeTerminal {
        copied: Vec<String>,
    }

    impl TerminalControl for FakeTerminal {
        fn copy(&mut self, text: &str) -> io::Result<()> {
            self.copied.push(text.to_owned());
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

    fn text(terminal: &Terminal<TestBackend>) -> String {
        terminal.backend().to_string()
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
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
        let (keys, events) = unbounded();
        let mut control = FakeTerminal::default();
        let user = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            assert!(begun.load(Ordering::SeqCst), "the ingest starts when the first screen is complete");
            // The ingest commits more requests while the session runs.
            engine.add(vec![get(APRIL + 9, "203.0.113.99", "films/new.mp4", 200, 1 << 40)]);
            sender.send(Progress { phase: Phase::Done, ..Progress::default() }).unwrap();
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
            &mut control,
        );
        let (ended, ()) = tokio::join!(session, user);
        ended.unwrap();
        let screen = text(&terminal);
        assert!(screen.contains("203.0.113.99"), "new requests are shown:\n{screen}");
        assert!(screen.contains("373 requests"), "{screen}");
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
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let (_keys, events) = unbounded();
        let end = tokio::time::sleep(Duration::from_millis(100));
        let options = options(NaiveEngine::new(three_days()), None);
        run(options, &mut terminal, events, end, &mut FakeTerminal::default()).await.unwrap();
        assert!(text(&terminal).contains("203.0.113.7"));
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
}
