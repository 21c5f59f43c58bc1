//! The theme follows the background of the terminal while the explorer runs, and no key is lost to the answers.

use std::ffi::OsStr;
use std::path::Path;

use super::support::terminal::Terminal;

const BLACK: &str = "rgb:0000/0000/0000";
const WHITE: &str = "rgb:ffff/ffff/ffff";
/// What a terminal sends when it gets the focus.
const FOCUS: &str = "\x1b[I";

struct Scene {
    terminal: Terminal,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// An explorer in a terminal with this background.
    fn on(background: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("demo.db");
        let arguments: [&OsStr; 5] =
            ["demo".as_ref(), "--requests".as_ref(), "3000".as_ref(), "--cache".as_ref(), cache.as_os_str()];
        let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
        let terminal =
            Terminal::start_with_background(background, program, &arguments, &[], (130, 34)).unwrap();
        terminal.wait_for("3,000 requests").unwrap();
        terminal.wait_for("▌ 198.51.100.23").unwrap();
        Scene { terminal, _folder: folder }
    }

    fn wait_for_accent(&self, expected: vt100::Color) {
        let is_shown = |parser: &Parser| accent(parser) == Some(expected);
        self.terminal.wait_until(&format!("{expected:?}"), is_shown).unwrap();
    }

    fn changes_to(&self, background: &str) {
        self.terminal.screen().callbacks_mut().background = Some(background.to_owned());
    }

    fn quit(mut self) {
        self.terminal.press("q").unwrap();
        assert!(self.terminal.wait_for_end().unwrap().success());
        assert!(!self.terminal.screen().callbacks().reports_focus, "the mode is reset");
    }
}

type Parser = vt100::Parser<super::support::terminal::Device>;

/// The colours of emphasis in the themes for dark and for light terminals.
const DARK_ACCENT: vt100::Color = vt100::Color::Idx(80);
const LIGHT_ACCENT: vt100::Color = vt100::Color::Idx(24);

/// The colour of emphasis that is on the screen.
fn accent(parser: &Parser) -> Option<vt100::Color> {
    let cells = (0..34).flat_map(|row| (0..130).map(move |column| (row, column)));
    let mut colours = cells.filter_map(|(row, column)| Some(parser.screen().cell(row, column)?.fgcolor()));
    colours.find(|colour| [DARK_ACCENT, LIGHT_ACCENT].contains(colour))
}

#[test]
fn the_theme_follows_the_terminal_from_dark_to_light_and_back() {
    let mut scene = Scene::on(BLACK);
    scene.wait_for_accent(DARK_ACCENT);
    assert!(scene.terminal.screen().callbacks().reports_focus);
    scene.changes_to(WHITE);
    scene.terminal.press(FOCUS).unwrap();
    scene.wait_for_accent(LIGHT_ACCENT);
    // A theme that the user chose stays. `auto` asks again.
    scene.terminal.press(":theme dark\r").unwrap();
    scene.wait_for_accent(DARK_ACCENT);
    scene.terminal.press(FOCUS).unwrap();
    scene.terminal.press("2").unwrap();
    scene.terminal.wait_for("by key ▾").unwrap();
    scene.terminal.press("1").unwrap();
    scene.terminal.wait_for("by remote_ip ▾").unwrap();
    assert_eq!(accent(&scene.terminal.screen()), Some(DARK_ACCENT));
    scene.terminal.press(":theme auto\r").unwrap();
    scene.wait_for_accent(LIGHT_ACCENT);
    scene.quit();
}

#[test]
fn keys_that_are_typed_while_the_terminal_answers_are_not_lost() {
    let mut scene = Scene::on(BLACK);
    scene.wait_for_accent(DARK_ACCENT);
    let asked_before = {
        let mut parser = scene.terminal.screen();
        parser.callbacks_mut().background = None;
        parser.callbacks().questions
    };
    scene.terminal.press(&format!("/sta{FOCUS}")).unwrap();
    let is_asked = |parser: &Parser| parser.callbacks().questions > asked_before;
    scene.terminal.wait_until("question", is_asked).unwrap();
    scene.terminal.press("tus:4\x1b]10;rgb:8080/8080/8080\x07\x1b]11;rgb:ffff/ffff/ffff\x1b\\04\r").unwrap();
    scene.terminal.wait_for("▸ http_status:404").unwrap();
    scene.wait_for_accent(LIGHT_ACCENT);
    scene.quit();
}

#[test]
fn a_terminal_that_did_not_answer_at_the_start_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("demo.db");
    let arguments: [&OsStr; 5] =
        ["demo".as_ref(), "--requests".as_ref(), "3000".as_ref(), "--cache".as_ref(), cache.as_os_str()];
    let program = Path::new(env!("CARGO_BIN_EXE_tamarin"));
    let mut terminal = Terminal::start(program, &arguments, (130, 34)).unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press(FOCUS).unwrap();
    terminal.press("2").unwrap();
    terminal.wait_for("by key ▾").unwrap();
    let (questions, reports_focus) = {
        let parser = terminal.screen();
        (parser.callbacks().questions, parser.callbacks().reports_focus)
    };
    assert_eq!((questions, reports_focus), (0, false));
    terminal.press("q").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}

/// The explorer, and after it a shell that shows what it reads.
const SHELL: &str = r#"
"$TAMARIN" demo --requests 3000 --cache "$CACHE"
echo ENDED
read line
echo "READ <$line>"
"#;

#[test]
fn an_answer_that_arrives_when_the_user_quits_is_not_typed_into_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let environment = [("TAMARIN", env!("CARGO_BIN_EXE_tamarin").to_owned()), ("CACHE", path("demo.db"))];
    let (shell, arguments) = (Path::new("/bin/sh"), ["-c".as_ref(), SHELL.as_ref()]);
    let mut terminal =
        Terminal::start_with_background(BLACK, shell, &arguments, &environment, (130, 34)).unwrap();
    terminal.wait_for("▌ 198.51.100.23").unwrap();
    terminal.press(&format!("{FOCUS}q")).unwrap();
    terminal.wait_for("ENDED").unwrap();
    terminal.press("x\n").unwrap();
    terminal.wait_for("READ <x>").unwrap();
    assert!(terminal.wait_for_end().unwrap().success());
}
