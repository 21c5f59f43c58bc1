//! Fixtures for tests of the explorer: a small log, an engine that computes answers naively, an explorer on a test
//! terminal.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use crate::config::NamedInvestigation;
use crate::identity::host_names::{HostNames, NameService};
use crate::identity::resolver::{Found, Resolver};
use crate::identity::{About, Identity, Lookup};
use crate::ingest::Progress;
use crate::insight::findings::{Findings, mute::Mute};
use crate::log::{FIELDS, Field, Kind};
use crate::query::filter::Subject;
use crate::query::*;
use crate::tui::app::analysis_runner::run_analysis;
use crate::tui::app::query_runner::{completions, pin_snapshot, run_query};
use crate::tui::model::{
    Action, ActionTime, AllFindings, AnalysisAnswer, AnalysisAsk, AnalysisJob, AnalysisResult, AnalysisSlot,
    Effect, Export, Exported, QueryResult, State,
};
use crate::tui::theme::themes;
use crate::tui::update::{MAX_COPIED_ROWS, update};
use crate::tui::{app::export_file, app::write_file, view};
use tokio_util::sync::CancellationToken;

/// 2026-04-01T00:00:00Z.
pub(crate) const APRIL: i64 = 1_775_001_600;
/// The current time of the tests: some days after the log.
pub(crate) const NOW: i64 = APRIL + 7 * 86_400;

#[path = "../../tests/it/support/naive.rs"]
mod naive;

/// The naive reference engine over requests in memory.
pub(crate) struct NaiveEngine {
    rows: Mutex<Vec<RequestRow>>,
    generation: AtomicU64,
    held: Mutex<Option<(Vec<RequestRow>, u64)>>,
    /// The names of addresses, if they are enabled.
    names: Mutex<Option<Arc<HostNames>>>,
}

impl NaiveEngine {
    pub(crate) fn new(rows: Vec<RequestRow>) -> Arc<NaiveEngine> {
        Arc::new(NaiveEngine {
            rows: Mutex::new(rows),
            generation: AtomicU64::new(1),
            held: Mutex::new(None),
            names: Mutex::new(None),
        })
    }

    /// Adds requests, as a commit of the ingest does. Returns the new generation.
    pub(crate) fn add(&self, more: Vec<RequestRow>) -> u64 {
        let mut rows = self.rows.lock();
        let next = rows.len() as u64;
        rows.extend((next..).zip(more).map(|(number, row)| RequestRow { id: (1, number), ..row }));
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A request with some fields; the others are absent.
pub(crate) fn request(time: i64, fields: &[(Field, &str)]) -> RequestRow {
    let mut row = RequestRow { id: (1, 0), time, fields: vec![Value::Absent; FIELDS.len()] };
    row.fields[Field::Time as usize] = Value::Integer(time);
    for (field, text) in fields {
        row.fields[*field as usize] = Value::of_field(*field, Some(text.as_bytes()));
    }
    row
}

/// A download.
pub(crate) fn get(time: i64, ip: &str, key: &str, status: u16, bytes: u64) -> RequestRow {
    let (status_text, bytes) = (status.to_string(), bytes.to_string());
    let mut fields = vec![
        (Field::Bucket, "acme-media"),
        (Field::RemoteIp, ip),
        (Field::Operation, "REST.GET.OBJECT"),
        (Field::Key, key),
        (Field::HttpStatus, status_text.as_str()),
        (Field::BytesSent, bytes.as_str()),
        (Field::TotalTime, "87"),
        (Field::UserAgent, "Mozilla/5.0 (X11; Linux x86_64)"),
        (Field::HostId, "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234="),
    ];
    let uri = format!("GET /{key}?x-id=GetObject HTTP/1.1");
    fields.push((Field::RequestUri, &uri));
    if status == 403 {
        fields.push((Field::ErrorCode, "AccessDenied"));
    }
    request(time, &fields)
}

/// Three days of a small bucket: four addresses, some of whose requests are denied, and one that downloads everything
/// in the second night.
pub(crate) fn three_days() -> Vec<RequestRow> {
    let mut rows = Vec::new();
    for hour in 0..72 {
        for visit in 0..(2 + hour % 4) {
            let ip = ["192.0.2.10", "192.0.2.11", "198.51.100.7", "2001:db8::1"][(hour + visit) as usize % 4];
            let key = format!("photos/2026/{:02}/img-{:04}.jpg", 1 + hour % 3, (hour * 7 + visit * 3) % 40);
            let status = if visit == 3 { 403 } else { 200 };
            let bytes = if status == 200 { 40_000 + (hour * 100 + visit) as u64 } else { 243 };
            rows.push(get(APRIL + hour * 3_600 + visit * 600, ip, &key, status, bytes));
        }
    }
    for second in 0..120 {
        let key = format!("films/{:03}/master.mp4", second % 60);
        rows.push(get(APRIL + 27 * 3_600 + second * 20, "203.0.113.7", &key, 200, 5_000_000));
    }
    for (index, row) in rows.iter_mut().enumerate() {
        row.id = (1, index as u64);
    }
    rows
}

impl Engine for NaiveEngine {
    fn ask(
        &self,
        query: &Query,
        cancel: &CancellationToken,
        _partial: &mut dyn FnMut(Answer, f64),
    ) -> Result<Reply, QueryError> {
        if cancel.is_cancelled() {
            return Err(QueryError::Cancelled);
        }
        if query.filter.to_string().contains("country:") {
            return Err(QueryError::Invalid("country needs a database".to_owned()));
        }
        let held = self.held.lock().as_ref().map(|(rows, _)| rows.clone());
        let mut rows = held.unwrap_or_else(|| self.rows.lock().clone());
        if query.depends_on(&Dimension::HostName) {
            let identity = match &*self.names.lock() {
                Some(names) => Identity::default().with_host_names(Arc::clone(names)),
                None => Identity::default(),
            };
            let lookup = identity.lookup(About::HostName);
            let lookup = lookup.map_err(|error| QueryError::Invalid(error.to_string()))?;
            let query = with_names(&mut rows, query, &lookup);
            return Ok(Reply { answer: naive::answer(&rows, &query), statistics: Statistics::default() });
        }
        Ok(Reply { answer: naive::answer(&rows, query), statistics: Statistics::default() })
    }

    fn generation(&self) -> u64 {
        let held = self.held.lock().as_ref().map(|(_, generation)| *generation);
        held.unwrap_or_else(|| self.generation.load(Ordering::SeqCst))
    }

    fn pages(
        &self,
        query: &Query,
        page: usize,
        cancel: &CancellationToken,
        take: &mut dyn FnMut(Requests) -> bool,
    ) -> Result<(), QueryError> {
        ask_in_pages(query, page, take, |query| Ok(self.ask(query, cancel, &mut |_, _| {})?.answer))
    }

    fn pin_snapshot(&self, pin: bool) -> Result<(), QueryError> {
        let now = (self.rows.lock().clone(), self.generation.load(Ordering::SeqCst));
        *self.held.lock() = pin.then_some(now);
        Ok(())
    }

    fn complete(&self, by: &Dimension, text: &str, limit: usize) -> Result<Vec<String>, QueryError> {
        let rows = self.rows.lock();
        let values: BTreeSet<String> = rows.iter().map(|row| naive::group_of(row, by).to_text()).collect();
        Ok(values.into_iter().filter(|value| value.contains(text)).take(limit).collect())
    }
}

/// Puts the names of addresses into a field that no test needs, and returns the query about this field.
fn with_names(rows: &mut [RequestRow], query: &Query, lookup: &Lookup) -> Query {
    const FIELD: Field = Field::BucketOwner;
    for row in rows {
        let name = match row.get(Field::RemoteIp) {
            Value::Text(address) => lookup.value(address).map(|name| Value::Text(name.as_ref().into())),
            _ => None,
        };
        row.fields[FIELD as usize] = name.unwrap_or(Value::Absent);
    }
    let dimension = |by: &mut Dimension| {
        if *by == Dimension::HostName {
            *by = Dimension::Field(FIELD);
        }
    };
    fn replace(filter: &mut Filter) {
        match filter {
            Filter::All(inner) | Filter::Any(inner) => inner.iter_mut().for_each(replace),
            Filter::Not(inner) => replace(inner),
            Filter::Term(subject, _) => {
                if *subject == Subject::Derived(Dimension::HostName) {
                    *subject = Subject::Field(FIELD);
                }
            }
        }
    }
    let mut query = query.clone();
    replace(&mut query.filter);
    match &mut query.ask {
        Ask::Groups { by, .. } | Ask::Distribution { by, .. } => dimension(by),
        Ask::Pairs { by, .. } => by.iter_mut().for_each(dimension),
        Ask::Series { each: Some((by, _)), .. } => dimension(by),
        _ => {}
    }
    query
}

/// An explorer on a test terminal. Queries are answered at once, unless the test holds the results.
pub(crate) struct Explorer {
    pub(crate) state: State,
    pub(crate) engine: Arc<NaiveEngine>,
    terminal: Terminal<TestBackend>,
    pub(crate) copied: Vec<String>,
    pub(crate) has_quit: bool,
    pub(crate) has_mouse: bool,
    pub(crate) retries: usize,
    pub(crate) holds_answers: bool,
    pub(crate) held_results: VecDeque<QueryResult>,
    pub(crate) holds_exports: bool,
    pub(crate) exports: Vec<Export>,
    /// What every analysis finds; `None`: what it really finds. Most tests are not about findings.
    pub(crate) findings: Option<Findings>,
    pub(crate) analyses: usize,
    pub(crate) muted: Vec<Mute>,
    /// Looks up the names of addresses.
    pub(crate) names: NameService,
    pub(crate) holds_lookups: bool,
    /// Jobs of lookups that were held.
    pub(crate) held_lookups: Vec<AnalysisJob>,
    /// Lookups that were stopped.
    pub(crate) stopped_lookups: usize,
    /// The investigations that were saved.
    pub(crate) saved: Vec<NamedInvestigation>,
    /// Keys that were pressed, typed letters included.
    pub(crate) key_strokes: usize,
    queries: usize,
    now: ActionTime,
}

impl Explorer {
    /// An explorer of these requests, without an ingest.
    pub(crate) fn with(columns: u16, rows: u16, log: Vec<RequestRow>) -> Explorer {
        Explorer::begin(columns, rows, log, None)
    }

    /// An explorer of these requests whose analyses have these findings.
    pub(crate) fn with_findings(
        columns: u16,
        rows: u16,
        log: Vec<RequestRow>,
        findings: Findings,
    ) -> Explorer {
        let mut explorer = Explorer::new(columns, rows, log, None);
        explorer.findings = Some(findings);
        explorer.handle(Action::Begin);
        explorer
    }

    /// An explorer of these requests, with an ingest if `progress` is given.
    pub(crate) fn begin(
        columns: u16,
        rows: u16,
        log: Vec<RequestRow>,
        progress: Option<Progress>,
    ) -> Explorer {
        let mut explorer = Explorer::new(columns, rows, log, progress);
        explorer.handle(Action::Begin);
        explorer
    }

    /// An explorer whose user enabled names, which `look_up` finds.
    pub(crate) fn with_names(
        columns: u16,
        rows: u16,
        log: Vec<RequestRow>,
        look_up: impl Fn(IpAddr) -> Found + Send + Sync + 'static,
    ) -> Explorer {
        let mut explorer = Explorer::new(columns, rows, log, None);
        explorer.names = NameService::new(Resolver::new(Arc::new(look_up)));
        *explorer.engine.names.lock() = Some(Arc::clone(explorer.names.names()));
        explorer.state.names.is_enabled = true;
        explorer.handle(Action::Begin);
        explorer
    }

    fn new(columns: u16, rows: u16, log: Vec<RequestRow>, progress: Option<Progress>) -> Explorer {
        debug_assert_eq!(Field::of_kind(Kind::Time).count(), 1);
        let engine = NaiveEngine::new(log);
        let mut state = State::new(
            "s3://acme-logs/media/".to_owned(),
            Vec::new(),
            Filter::everything(),
            TimeRange::default(),
            themes::of_program(themes::DARK).unwrap(),
            TimeZone::fixed(jiff::tz::offset(2)),
        );
        state.size = (columns, rows);
        state.generation = 1;
        state.newest_generation = 1;
        state.progress = progress;
        Explorer {
            state,
            engine,
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
            copied: Vec::new(),
            has_quit: false,
            has_mouse: true,
            retries: 0,
            holds_answers: false,
            held_results: VecDeque::new(),
            holds_exports: false,
            exports: Vec::new(),
            findings: Some(Findings::default()),
            analyses: 0,
            muted: Vec::new(),
            names: NameService::new(Resolver::new(Arc::new(|_| Found::NoAnswer))),
            holds_lookups: false,
            held_lookups: Vec::new(),
            stopped_lookups: 0,
            saved: Vec::new(),
            key_strokes: 0,
            queries: 0,
            now: ActionTime { unix_seconds: NOW, session_millis: 0 },
        }
    }

    /// Handles an action and all actions that follow from its effects.
    pub(crate) fn handle(&mut self, action: Action) {
        self.now.session_millis += 50;
        self.key_strokes += usize::from(matches!(action, Action::Key(_)));
        let mut actions = VecDeque::from([action]);
        while let Some(action) = actions.pop_front() {
            for effect in update(&mut self.state, self.now, action) {
                match effect {
                    Effect::RunQuery(job) => {
                        self.queries += 1;
                        assert!(self.queries < 10_000, "endless queries: {job:?}");
                        let mut results = Vec::new();
                        run_query(&*self.engine, &job, &CancellationToken::new(), &mut |result| {
                            results.push(result)
                        });
                        if self.holds_answers {
                            self.held_results.extend(results);
                        } else {
                            actions
                                .extend(results.into_iter().map(|result| Action::Answered(Box::new(result))));
                        }
                    }
                    Effect::Analyse(job)
                        if self.holds_lookups && matches!(job.ask, AnalysisAsk::HostNames(..)) =>
                    {
                        self.held_lookups.push(*job);
                    }
                    Effect::Analyse(job) => {
                        self.analyses += 1;
                        assert!(self.analyses < 1_000, "endless analyses: {job:?}");
                        self.run_analysis(&job, &mut actions);
                    }
                    Effect::StopAnalysis(AnalysisSlot::HostNames) => self.stopped_lookups += 1,
                    Effect::StopAnalysis(_) => {}
                    Effect::LookUpName(address) => {
                        actions.push_back(Action::NameFound(address, self.names.look_up_one(address)));
                    }
                    Effect::Complete { number, query, by, text } => {
                        let values = completions(&*self.engine, *query, &by, &text, 50).unwrap();
                        actions.push_back(Action::Completed { number, values });
                    }
                    Effect::Copy(text) => self.copied.push(text),
                    Effect::CopyTable(export, form) => {
                        let table = export_file::to_text(&*self.engine, &export, form, MAX_COPIED_ROWS);
                        actions.push_back(Action::TableCopied(form, table));
                    }
                    Effect::Export(export) if self.holds_exports => self.exports.push(*export),
                    Effect::Export(export) => {
                        let cancel = CancellationToken::new();
                        let exported = export_file::export(&*self.engine, *export, &cancel, &mut |_, _| {});
                        actions.push_back(Action::Exported(exported));
                    }
                    Effect::Mute(mut mutes) => {
                        for mute in &mut mutes {
                            mute.id = self.muted.len() as i64 + 1;
                            self.muted.push(mute.clone());
                        }
                        actions.push_back(Action::Muted { mutes, error: None });
                    }
                    Effect::Unmute(mute) => {
                        self.muted.retain(|known| known.id != mute.id);
                        actions.push_back(Action::Unmuted { mute, result: Ok(()) });
                    }
                    Effect::ListMutes => actions.push_back(Action::MutesListed(Ok(self.muted.clone()))),
                    Effect::WriteFile { path, text } => {
                        let result = write_file::write_new(&path, &text);
                        actions.push_back(Action::FileWritten { path, result });
                    }
                    Effect::SaveInvestigation { name, investigation } => {
                        let named = NamedInvestigation { name, is_own: true, investigation: *investigation };
                        self.saved.push(named.clone());
                        let result = Ok("config.toml".to_owned());
                        actions.push_back(Action::InvestigationSaved { named: Box::new(named), result });
                    }
                    Effect::StopExport => {
                        self.exports.clear();
                        actions.push_back(Action::Exported(Exported::Cancelled));
                    }
                    Effect::StartTimer { after, number } => {
                        self.now.session_millis += after.as_millis() as u64;
                        actions.push_back(Action::TimerFired(number));
                    }
                    Effect::PinSnapshot(pin) => actions.push_back(pin_snapshot(&*self.engine, pin)),
                    Effect::Retry => self.retries += 1,
                    Effect::CaptureMouse(captures) => self.has_mouse = captures,
                    Effect::Redraw | Effect::Suspend => {}
                    Effect::Quit => self.has_quit = true,
                }
            }
        }
    }

    /// Handles the results that were held.
    pub(crate) fn answer_held(&mut self) {
        while let Some(result) = self.held_results.pop_front() {
            self.handle(Action::Answered(Box::new(result)));
        }
    }

    fn run_analysis(&self, job: &AnalysisJob, actions: &mut VecDeque<Action>) {
        if let (Some(findings), AnalysisAsk::Findings(_)) = (&self.findings, &job.ask) {
            let found = AllFindings { found: findings.clone(), muted: Vec::new() };
            let answer = Ok(AnalysisAnswer::Findings(found));
            let (number, generation) = (job.number, self.engine.generation());
            let result = AnalysisResult { number, generation, share: None, answer };
            return actions.push_back(Action::Analysed(Box::new(result)));
        }
        run_analysis(&*self.engine, None, &self.names, NOW, job, &CancellationToken::new(), &mut |result| {
            actions.push_back(Action::Analysed(Box::new(result)));
        });
    }

    /// Presses keys, named as in the help and separated by spaces.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Explorer {
        for name in keys.split(' ').filter(|name| !name.is_empty()) {
            self.handle(Action::Key(key(name)));
        }
        self
    }

    pub(crate) fn types(&mut self, text: &str) -> &mut Explorer {
        for c in text.chars() {
            self.handle(Action::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
        self
    }

    pub(crate) fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> &mut Explorer {
        self.handle(Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        self
    }

    /// The text on the screen, without spaces at the ends of lines.
    pub(crate) fn screen(&mut self) -> String {
        let State { size, .. } = self.state;
        self.terminal.backend_mut().resize(size.0, size.1);
        self.terminal.draw(|frame| view::render(&self.state, frame)).unwrap();
        let buffer = self.terminal.backend().buffer();
        let area = buffer.area;
        let mut lines = Vec::new();
        for y in 0..area.height {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    line.push_str(symbol);
                    skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
                }
                skip -= 1;
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }

    /// The screen, and below it a letter per cell for its style with the dark and with the light theme.
    pub(crate) fn screen_and_styles(&mut self) -> String {
        let mut parts = vec![self.screen()];
        let before = self.state.theme;
        for name in [themes::DARK, themes::LIGHT] {
            self.state.theme = themes::of_program(name).unwrap();
            self.screen();
            parts.push(format!("--- {name}\n{}", self.styles()));
        }
        self.state.theme = before;
        parts.join("\n")
    }

    /// A letter per cell of the last drawn screen for the role of its colour: `a`ccent, `b`ar, `e`rror, `w`arning, `g`ood,
    /// `m`ark, `f`aint, `q`uiet, br`u`shed, be`h`ind a popup, `.` none, `?` another; a capital if it is bold, `#` reversed, `x` crossed out, `_` underlined,
    /// `%` with another colour behind it. Blanks have none.
    fn styles(&self) -> String {
        let theme = self.state.theme;
        let roles = [
            ('a', theme.accent()),
            ('b', theme.bar()),
            ('e', theme.error()),
            ('w', theme.warning()),
            ('g', theme.good()),
            ('m', theme.mark()),
            ('f', theme.faint()),
            ('q', theme.quiet()),
            ('u', theme.brushed()),
            ('h', theme.behind()),
        ];
        let buffer = self.terminal.backend().buffer();
        let area = buffer.area;
        let letter = |x: u16, y: u16| {
            let cell = &buffer[(x, y)];
            let colour = match cell.fg {
                Color::Reset => '.',
                fg => roles.iter().find(|(_, style)| style.fg == Some(fg)).map_or('?', |(letter, _)| *letter),
            };
            match cell.modifier {
                of if of.contains(Modifier::REVERSED) => '#',
                of if of.contains(Modifier::CROSSED_OUT) => 'x',
                _ if cell.symbol() == " " => ' ',
                _ if cell.bg != Color::Reset => '%',
                of if of.contains(Modifier::UNDERLINED) => '_',
                of if of.contains(Modifier::BOLD) && colour == '.' => 'B',
                of if of.contains(Modifier::BOLD) => colour.to_ascii_uppercase(),
                _ => colour,
            }
        };
        let line = |y: u16| (0..area.width).map(|x| letter(x, y)).collect::<String>().trim_end().to_owned();
        (0..area.height).map(line).collect::<Vec<_>>().join("\n")
    }

    /// The cells of the last drawn screen.
    pub(crate) fn cells(&self) -> &ratatui::buffer::Buffer {
        self.terminal.backend().buffer()
    }

    /// The value of the row under the cursor.
    pub(crate) fn selected(&self) -> String {
        match &self.state.layer().table().anchor {
            Some(crate::tui::model::rows::RowId::Value(value)) => value.to_text(),
            other => format!("{other:?}"),
        }
    }
}

fn key(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.strip_prefix("Ctrl-") {
        Some(name) => (KeyModifiers::CONTROL, name),
        None => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Delete" => KeyCode::Delete,
        name => match name.strip_prefix('F').and_then(|number| number.parse().ok()) {
            Some(number) => KeyCode::F(number),
            None => KeyCode::Char(name.chars().next().unwrap()),
        },
    };
    KeyEvent::new(code, modifiers)
}
