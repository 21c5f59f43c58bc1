//! What people do with the explorer, key by key, and what they see.

use super::testing::*;

#[test]
#[ignore = "prints screens to look at"]
fn look() {
    for (columns, rows) in [(80, 24), (130, 34), (200, 50)] {
        let mut person = Person::with(columns, rows, three_days());
        println!("{}\n", person.screen());
        person.press("Enter");
        println!("{}\n", person.screen());
        person.press("Enter j =");
        println!("{}\n", person.screen());
        person.press("Enter");
        println!("{}\n", person.screen());
        person.press("Esc Esc Esc 3");
        println!("{}\n", person.screen());
        person.press("n");
        println!("{}\n", person.screen());
        person.press("Enter /");
        person.types("status:9xx foo:");
        println!("{}\n", person.screen());
        person.press("Esc ?");
        println!("{}\n", person.screen());
        person.press("Esc b");
        println!("{}\n", person.screen());
    }
}
