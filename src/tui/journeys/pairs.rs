//! Tables by two dimensions.

use crate::tui::journeys::{snapshots, start};

#[test]
fn a_second_dimension_is_chosen_after_the_first() {
    snapshots("two-dimensions", "b Tab");
    let mut explorer = start(130, 34);
    explorer.types(":by http_status").press("Enter b");
    assert!(explorer.press("End").screen().contains("and then by …"), "{}", explorer.screen());
    explorer.press("Enter");
    assert!(explorer.screen().contains("Group by http_status, and then by"), "{}", explorer.screen());
    explorer.press("Esc");
    explorer.types(":by http_status,error_code").press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains("by http_status, error_code ▾"), "{screen}");
    assert!(screen.contains("STATUS") && screen.contains("ERROR CODE"), "{screen}");
    assert!(screen.contains("row 1 of 2"), "{screen}");
    explorer.press("j");
    assert!(explorer.screen().contains("AccessDenied"), "{}", explorer.screen());
    // Enter opens both values, Esc returns to the row.
    explorer.press("Enter");
    let screen = explorer.screen();
    assert!(screen.contains(" › http_status:403 › error_code:AccessDenied › "), "{screen}");
    assert!(screen.contains("36 of 372 requests"), "{screen}");
    explorer.press("Esc");
    assert!(explorer.screen().contains("row 2 of 2"), "{}", explorer.screen());
    explorer.press("y");
    assert_eq!(explorer.copied, ["403\tAccessDenied"]);
    explorer.press("-");
    assert!(explorer.screen().contains("336 of 372 requests"), "{}", explorer.screen());
    explorer.types(":by http_status,http_status").press("Enter");
    assert!(
        explorer.screen().contains("expected one dimension, or two different ones"),
        "{}",
        explorer.screen()
    );
}

#[test]
fn a_table_of_pairs() {
    snapshots("pairs", ": b y Space o p e r a t i o n , s t a t u s Enter");
    let mut explorer = start(80, 24);
    explorer.types(":by remote_ip,status").press("Enter h s");
    assert!(explorer.screen().contains("REQUESTS ▼"), "{}", explorer.screen());
    let before = explorer.screen();
    explorer.press("j m M");
    assert_ne!(explorer.screen(), before);
    // The rows are sorted by the first value too, but not by the second.
    explorer.types(":sort value").press("Enter");
    assert!(explorer.screen().contains("REMOTE IP ▲"), "{}", explorer.screen());
}

#[test]
fn tab_took_the_dimension_of_the_table_and_not_the_highlighted_one() {
    let mut explorer = start(130, 34);
    explorer.press("b").types("oper").press("Tab");
    assert!(explorer.screen().contains("Group by operation, and then by"), "{}", explorer.screen());
    explorer.types("status").press("Enter");
    assert!(explorer.screen().contains("by operation, http_status ▾"), "{}", explorer.screen());
}

#[test]
fn a_block_list_of_pairs_was_refused_for_lack_of_marks() {
    let mut explorer = start(130, 34);
    explorer.types(":by network,http_status").press("Enter m B");
    assert!(
        explorer.screen().contains("a block list needs a table of one dimension"),
        "{}",
        explorer.screen()
    );
    explorer.press("C");
    assert!(
        explorer.screen().contains("concentration needs a table of one dimension"),
        "{}",
        explorer.screen()
    );
}
