//! The event loop: waits for the next event, passes it to `update`, carries out the effects (`effects`), and draws. It
//! works with any terminal and any stream of events, so tests run whole sessions. `begin` prepares the first state, `pace`
//! says when the next frame may be drawn.

mod begin;
mod effects;
mod pace;
#[cfg(test)]
mod tests;

use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use crossterm::event::{Event, KeyEvent};
use futures::{Stream, StreamExt};
use ratatui::{Frame, Terminal, backend::Backend, layout::Rect};
use tokio::time::{Instant, Interval, sleep_until, timeout_at};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use crate::identity::host_names::NameService;
use crate::insight::findings::mute::MuteStore;
use crate::query::Engine;
use crate::tui::app::analysis_runner::AnalysisRunner;
use crate::tui::app::background_engine::{BackgroundEngine, ScreenQueries};
use crate::tui::app::colour_answers::{ColourAnswers, Heard};
use crate::tui::app::generation_poll::GenerationPoll;
use crate::tui::app::link_cells;
use crate::tui::app::query_runner::QueryRunner;
use crate::tui::model::{Action, ActionTime, State};
use crate::tui::theme::Theme;
use crate::tui::update::update;
use crate::tui::{
    ConfigStore, Feed, LogCounts, SessionFile, TuiError, TuiOptions, UserOptions, format, view,
};
use pace::{FRAME_INTERVAL, FramePace};

/// In follow mode the screen shows the age of the newest request, so it is drawn again at this interval.
const AGE_INTERVAL: Duration = Duration::from_secs(5);
/// The ingest starts when the first screen is complete, or after this time.
const INGEST_DELAY: Duration = Duration::from_secs(2);
/// How long the end of the session waits for an answer of the terminal.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

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

    /// Asks the terminal for its colours. The answers arrive as keys.
    fn ask_colours(&mut self) -> io::Result<()>;

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
        session.suspend_if_asked(&mut events).await;
        session.start_ingest_if_due();
    }
    // Otherwise the shell would receive it as keys.
    session.await_colours(&mut events).await;
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
    names: Arc<NameService>,
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
    colours: crate::tui::Terminal,
    colour_answers: ColourAnswers,
    /// Whether the screen is out of date.
    is_dirty: bool,
    /// Whether the next frame clears the terminal first.
    clears: bool,
    is_suspended: bool,
    /// Whether the user wants to return to the shell.
    suspends: bool,
    pace: FramePace,
    /// Whether a frame had all that was asked for.
    was_complete: bool,
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
            names,
            resolves,
            log_counts,
            mut ingest,
            filter,
            time,
            sources,
            notice,
            unopened,
            title,
            clock,
            mut user,
            zone,
        } = options;
        let colours = user.terminal;
        let (actions, received_actions) = mpsc::unbounded_channel();
        let mut state = State::new(title, sources, filter, time, Theme::default(), zone);
        state.now.unix_seconds = clock();
        begin::take_over(&mut state, &mut user);
        let UserOptions { config, session, .. } = user;
        state.unopened = unopened;
        state.names.is_enabled = resolves;
        if let Some(notice) = notice {
            state.warn(format::visible(&notice));
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
        let analyses = AnalysisRunner::new(
            background,
            mutes.clone(),
            Arc::clone(&names),
            Arc::clone(&clock),
            actions.clone(),
        );
        Ok(Session {
            state,
            analyses,
            mutes,
            names,
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
            colour_answers: ColourAnswers::new(colours.may_answer_late.then_some(started)),
            colours,
            is_dirty: true,
            clears: false,
            is_suspended: false,
            suspends: false,
            pace: FramePace::default(),
            was_complete: false,
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
        // The first screen with all answers does not wait for the one before it, which has none.
        let is_first = !self.was_complete && self.state.is_screen_complete();
        let frame_due = self.pace.due().filter(|_| !is_first).unwrap_or_else(Instant::now);
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
                if !self.is_suspended {
                    self.ask_colours();
                }
            }
            Happened::FrameDue => self.draw()?,
            Happened::Terminal(event) => {
                self.pace.event();
                match event.map_err(TuiError::terminal)? {
                    Event::Key(key) => self.hear(key),
                    Event::Mouse(mouse) => self.handle(Action::Mouse(mouse)),
                    Event::Paste(text) => self.handle(Action::Paste(text)),
                    Event::Resize(columns, rows) => self.handle(Action::Resize(columns, rows)),
                    Event::FocusGained => self.ask_colours(),
                    Event::FocusLost => {}
                }
            }
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

    /// Takes a key of the user, or of an answer of the terminal.
    fn hear(&mut self, key: KeyEvent) {
        match self.colour_answers.hear(key, Instant::now()) {
            Heard::Keys(_) if self.quit => {}
            Heard::Keys(keys) => keys.into_iter().for_each(|key| self.handle(Action::Key(key))),
            Heard::Part => {}
            Heard::Background(background) => {
                self.colours.answers = true;
                let theme = self.colours.environment.theme(Some(background));
                if theme != self.state.fitting_theme {
                    self.handle(Action::TerminalChanged(theme));
                }
            }
        }
    }

    /// Asks a terminal that answers for its colours, if the theme follows them.
    fn ask_colours(&mut self) {
        let now = Instant::now();
        let is_wanted = self.state.follows_terminal && self.colours.answers && !self.is_suspended;
        if is_wanted && self.colour_answers.may_ask(now) && self.control.ask_colours().is_ok() {
            self.colour_answers.asked(now);
        }
    }

    /// Waits for the answer of the terminal, if there is one on its way.
    async fn await_colours(&mut self, events: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) {
        let latest = Instant::now() + ANSWER_TIMEOUT;
        while self.colour_answers.is_expected(Instant::now()) {
            match timeout_at(latest, events.next()).await {
                Ok(Some(Ok(Event::Key(key)))) => self.hear(key),
                Ok(Some(Ok(_))) => {}
                _ => break,
            }
        }
    }

    /// Gives the terminal to the shell if the user wants that.
    async fn suspend_if_asked(&mut self, events: &mut (impl Stream<Item = io::Result<Event>> + Unpin)) {
        if std::mem::take(&mut self.suspends) {
            self.await_colours(events).await;
            self.control.suspend().unwrap_or_else(|reason| self.state.warn(reason));
        }
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
        // Terminals disagree about the width of flags and other clusters. What one leaves beside the cells that it should
        // fill would stay when the cells change.
        let mut leaves_traces = false;
        let draw = |frame: &mut Frame<'_>| {
            view::render(state, frame);
            let buffer = frame.buffer_mut();
            leaves_traces = buffer.content.iter().any(|cell| has_disputed_width(cell.symbol()));
            if state.shows_links() {
                view::links(state, buffer).iter().for_each(|link| link_cells::write(buffer, link));
            }
        };
        self.terminal.draw(draw).map_err(TuiError::terminal)?;
        self.clears = leaves_traces;
        self.was_complete |= self.state.is_screen_complete();
        self.is_dirty = false;
        self.pace.drawn(Instant::now());
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
        let followed = self.state.follows_terminal;
        for effect in update(&mut self.state, now, action) {
            self.carry_out(effect);
        }
        if self.state.follows_terminal && !followed {
            self.ask_colours();
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
