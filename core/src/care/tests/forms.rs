//! The text of a scope, and the words.

use super::*;

fn error(text: &str) -> String {
    text.parse::<Scope>().unwrap_err().to_string()
}

#[test]
fn a_scope_reads_as_it_is_written() {
    for text in [
        "none",
        "plan:edit",
        "check-ins:numbers,urges:full,plan:edit",
        "urges:items@2026-01-01..2026-06-30",
        "urges:items@2026-01-01..",
        "urges:items@..2026-06-30,notes:count",
    ] {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
    let spaced = " plan:view , urges : full @ 2026-01-01.. ".parse::<Scope>().unwrap();
    assert_eq!(spaced.to_string(), "urges:full@2026-01-01..,plan:view");
}

#[test]
fn what_is_no_scope_is_named_and_what_is_allowed_is_said() {
    for (text, says) in [
        ("", vec!["nothing is named", "check-ins:numbers"]),
        ("  ", vec!["nothing is named"]),
        ("urge:full", vec!["`urge` is no class", "check-ins, urges, use, contacts"]),
        ("urges", vec!["`urges` does not say class:detail", "notes, plan"]),
        ("urges:full,", vec!["class:detail"]),
        ("urges:all", vec!["`all` is no detail of urges", "count, numbers, items, full"]),
        ("plan:full", vec!["`full` is no detail of plan", "view, edit"]),
        ("urges:view", vec!["`view` is no detail of urges"]),
        ("urges:full,use:count,urges:full", vec!["urges is named twice"]),
        ("plan:view,plan:edit", vec!["plan is named twice"]),
        ("urges:full@2026-1-1..", vec!["days of urges", "2026-01-01..2026-06-30"]),
        ("urges:full@2026-01-01", vec!["days of urges"]),
        ("urges:full@2026-06-30..2026-01-01", vec!["days of urges"]),
        ("plan:view@2026-01-01..", vec!["the plan has none"]),
    ] {
        let error = error(text);
        for part in says {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
    let rude = error("<script>alert(document.cookie)</script>:full");
    assert!(rude.contains("`?script?alert?document?c`"), "{rude}");
}

#[test]
fn an_empty_span_of_days_covers_nothing() {
    let mut scope = Scope::default();
    let day = |text: &str| Some(text.parse().unwrap());
    let how =
        ClassScope { detail: Detail::Full, since: day("2026-02-02"), until: day("2026-02-01") };
    scope.set(Class::Urges, Some(how));
    scope.set(Class::Plan, Some(ClassScope::always(Detail::Full)));
    assert!(scope.is_empty());
}

#[test]
fn codes_and_words_stand_in_the_order_of_their_enums() {
    for (at, class) in Class::ALL.iter().enumerate() {
        assert_eq!(Class::from_code(Class::CODES[at].0), Some(*class));
    }
    assert_eq!(Class::ALL.len(), Class::CODES.len());
    assert_eq!(Class::CheckIns.code(), "check-ins");
    assert_eq!(Class::Plan.code(), "plan");
    assert_eq!((Detail::Items.code(), Detail::ALL.len()), ("items", Detail::CODES.len()));
    assert_eq!(PlanDetail::Edit.code(), "edit");
    assert_eq!(Verified::InPerson.code(), "in-person");
    assert_eq!(Onward::AsLawAllows.code(), "as-law-allows");
    assert_eq!(Event::Withdrawn.code(), "withdrawn");
}

#[test]
fn the_text_of_a_notice_that_was_given_out_never_changes() {
    let current = Notice::current();
    let hex: String = current.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (current.version, hex.as_str()),
        (1, "a7c69a43d655932f1931230a08fd5e48d3e332f6fa74e64841655a435e253dc8")
    );
    let text = current.text().unwrap();
    let parts = [words::HOW_TO_STOP, words::WHAT_STOPPING_DOES, words::WHAT_STOPPING_CANNOT_DO];
    for part in parts {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(Notice { hash: [0; 32], ..Notice::current() }.text(), None);
}
