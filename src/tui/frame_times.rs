//! How long `update` and `render` take, for `benches/frames.rs`. Keys go in as in a session, every query is answered before
//! the next key, and frames are encoded for a terminal that is not there.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio_util::sync::CancellationToken;

use crate::identity::host_names::NameService;
use crate::query::{Engine, Filter, TimeRange};
use crate::tui::app::analysis_runner::run_analysis;
use crate::tui::app::frame_writer::FrameWriter;
use crate::tui::app::query_runner::{completions, run_query};
use crate::tui::model::{Action, ActionTime, Effect, State};
use crate::tui::theme::themes;
use crate::tui::update::update;
use crate::tui::view;

/// Completions that a session asks the engine for.
const MAX_COMPLETIONS: usize = 50;

/// The times of some keys, and of the answers that they caused.
#[derive(Clone, Debug, Default)]
pub struct FrameTimes {
    /// What the keys did.
    pub what: &'static str,
    /// Of each action, a key or an answer: until the state was changed.
    pub update: Vec<Duration>,
    /// Of each frame: until its bytes were written.
    pub render: Vec<Duration>,
    /// Of each action: both.
    pub both: Vec<Duration>,
}

/// What is pressed, each several times: the name, the keys, and how often. `\r` is Enter, `\x1b` is Esc, `<` and `>` are the left
/// and the right arrow.
const KEYS: [(&str, &str, usize); 8] = [
    ("cursor", "jjjjjkkkkk", 40),
    ("tabs", "12345", 20),
    ("order of the table", "1sjj\r", 10),
    ("palette", ":error\x1b", 20),
    ("filter", "/status:404\x1b", 5),
    ("range of the timeline", "1v<<<<>>\x1b", 10),
    ("open a row and return", "1\r\x1b", 10),
    ("one request after another", "4\r>>>>>\x1b", 10),
];

/// Measures an explorer of all requests of `engine` on a terminal with `size` columns and rows. `now`: seconds since the epoch.
///
/// # Errors
/// If a frame cannot be drawn.
pub fn frame_times(engine: &dyn Engine, size: (u16, u16), now: i64) -> io::Result<Vec<FrameTimes>> {
    let mut session = Session::new(engine, size, now)?;
    let mut begin = FrameTimes { what: "begin", ..FrameTimes::default() };
    session.handle(Action::Begin, &mut begin)?;
    let mut all = vec![begin];
    for (what, keys, rounds) in KEYS {
        let mut times = FrameTimes { what, ..FrameTimes::default() };
        for _ in 0..rounds {
            for key in keys.chars() {
                let code = match key {
                    '\r' => KeyCode::Enter,
                    '\x1b' => KeyCode::Esc,
                    '<' => KeyCode::Left,
                    '>' => KeyCode::Right,
                    letter => KeyCode::Char(letter),
                };
                session.handle(Action::Key(KeyEvent::new(code, KeyModifiers::NONE)), &mut times)?;
            }
        }
        all.push(times);
    }
    Ok(all)
}

struct Session<'e> {
    engine: &'e dyn Engine,
    state: State,
    terminal: Terminal<CrosstermBackend<FrameWriter<io::Sink>>>,
    now: ActionTime,
    /// Whether the findings of all requests were looked for. Those of other filters are not.
    has_analysed: bool,
}

impl Session<'_> {
    fn new(engine: &dyn Engine, size: (u16, u16), now: i64) -> io::Result<Session<'_>> {
        let (title, theme) = ("a cache".to_owned(), themes::of_program(themes::DARK).unwrap_or_default());
        let (filter, time) = (Filter::everything(), TimeRange::default());
        let mut state = State::new(title, Vec::new(), filter, time, theme, TimeZone::UTC);
        state.size = size;
        state.generation = engine.generation();
        state.newest_generation = state.generation;
        let viewport = Viewport::Fixed(Rect::new(0, 0, size.0, size.1));
        let backend = CrosstermBackend::new(FrameWriter::new(io::sink()));
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        let now = ActionTime { unix_seconds: now, session_millis: 0 };
        Ok(Session { engine, state, terminal, now, has_analysed: false })
    }

    /// Handles an action, and the answers to what it asks for. Draws a frame after each.
    fn handle(&mut self, action: Action, times: &mut FrameTimes) -> io::Result<()> {
        let mut actions = VecDeque::from([action]);
        while let Some(action) = actions.pop_front() {
            self.now.session_millis += 50;
            let begun = Instant::now();
            let effects = update(&mut self.state, self.now, action);
            let updated = begun.elapsed();
            let begun = Instant::now();
            self.terminal.draw(|frame| view::render(&self.state, frame))?;
            let drawn = begun.elapsed();
            times.update.push(updated);
            times.render.push(drawn);
            times.both.push(updated + drawn);
            for effect in effects {
                self.carry_out(effect, &mut actions);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect, actions: &mut VecDeque<Action>) {
        let (engine, cancel) = (self.engine, CancellationToken::new());
        match effect {
            Effect::RunQuery(job) => run_query(engine, &job, &cancel, &mut |result| {
                actions.push_back(Action::Answered(Box::new(result)));
            }),
            Effect::Analyse(job) if !std::mem::replace(&mut self.has_analysed, true) => {
                let (names, now) = (NameService::of_system(), self.now.unix_seconds);
                run_analysis(engine, None, &names, now, &job, &cancel, &mut |result| {
                    actions.push_back(Action::Analysed(Box::new(result)));
                });
            }
            Effect::Complete { number, query, by, text } => {
                let values = completions(engine, *query, &by, &text, MAX_COMPLETIONS).unwrap_or_default();
                actions.push_back(Action::Completed { number, values });
            }
            Effect::StartTimer { after, number } => {
                self.now.session_millis += u64::try_from(after.as_millis()).unwrap_or(0);
                actions.push_back(Action::TimerFired(number));
            }
            _ => {}
        }
    }
}
