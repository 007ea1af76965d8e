//! Places in a list that several devices edit: strings that always leave room between two.
//!
//! A place is a fraction between 0 and 1 in base 62, written without the leading `0.` and never
//! ending in the lowest digit. Two devices that insert at the same spot may choose the same place;
//! items then follow each other by id, and [`place`] makes room again at the next move there.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: usize = DIGITS.len();

/// A place strictly between two places; `None` stands for the end of the list on that side.
///
/// Malformed or badly ordered neighbours do no harm: an upper one that is not above the lower one
/// is ignored, and a foreign character counts as the nearest digit.
#[must_use]
pub fn between(lower: Option<&str>, upper: Option<&str>) -> String {
    let lower = digits(lower.unwrap_or(""));
    let upper = upper.map(digits).filter(|upper| *upper > lower);
    let mut out = Vec::new();
    let mut upper = upper.as_deref();
    for at in 0.. {
        let low = lower.get(at).copied().unwrap_or(0);
        let high = match upper {
            Some(upper) => upper.get(at).copied().unwrap_or(0),
            None => BASE,
        };
        if high > low + 1 {
            out.push(low + (high - low) / 2);
            break;
        }
        out.push(low);
        if high > low {
            upper = None; // Already below the upper place: only the lower one matters now.
        }
    }
    out.into_iter().map(|digit| char::from(DIGITS[digit])).collect()
}

/// The place for a new item before position `index` of an ordered list, and the new places of
/// items that must move up because they shared the place of the one before.
#[must_use]
pub fn place(list: &[&str], index: usize) -> (String, Vec<(usize, String)>) {
    let index = index.min(list.len());
    let lower = index.checked_sub(1).map(|before| list[before]);
    let shared = list[index..].iter().take_while(|place| Some(**place) == lower).count();
    let upper = list.get(index + shared).copied();
    let new = between(lower, upper);
    let mut last = new.clone();
    let moved = (index..index + shared)
        .map(|at| {
            last = between(Some(&last), upper);
            (at, last.clone())
        })
        .collect();
    (new, moved)
}

/// Digits without trailing zeros, so that comparing them compares the fractions.
fn digits(text: &str) -> Vec<usize> {
    let mut digits: Vec<usize> = text
        .bytes()
        .map(|byte| DIGITS.iter().rposition(|digit| *digit <= byte).unwrap_or(0))
        .collect();
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_place(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric()) && !text.ends_with('0')
    }

    #[test]
    fn three_hundred_inserts_at_one_spot_keep_their_order() {
        let (mut low, high) = (between(None, None), between(Some("V"), None));
        for _ in 0..300 {
            let middle = between(Some(&low), Some(&high));
            assert!(low < middle && middle < high, "{low} {middle} {high}");
            assert!(is_place(&middle));
            low = middle;
        }
    }

    #[test]
    fn items_that_share_a_place_make_room() {
        let (new, moved) = place(&["V", "V", "V", "k"], 1);
        assert!("V" < new.as_str());
        assert_eq!(moved.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2]);
        assert!(new < moved[0].1 && moved[0].1 < moved[1].1 && moved[1].1.as_str() < "k");
    }

    proptest! {
        #[test]
        fn a_list_built_by_random_inserts_is_always_in_order(at in proptest::collection::vec(0usize..100, 1..120)) {
            let mut list: Vec<String> = Vec::new();
            for index in at {
                let index = index.min(list.len());
                let refs: Vec<&str> = list.iter().map(String::as_str).collect();
                let (new, moved) = place(&refs, index);
                prop_assert!(moved.is_empty());
                list.insert(index, new);
            }
            prop_assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn any_neighbours_whatsoever_give_a_place(a in "\\PC{0,8}", b in "\\PC{0,8}") {
            let place = between(Some(&a), Some(&b));
            prop_assert!(is_place(&place));
        }
    }
}
