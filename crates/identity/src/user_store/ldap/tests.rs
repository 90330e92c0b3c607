use super::filter::{AttributeName, FilterTemplate};

#[test]
fn filters_are_checked_when_they_are_configured() {
    for good in ["(uid=?)", "(&(objectClass=person)(|(uid=?)(mail=?)))", "(!(a=?))", "(a:1.2.840.113556.1.4.803:=?)"] {
        assert!(FilterTemplate::for_value(good).is_ok(), "{good}");
    }
    for bad in ["", "uid=?", "(uid=?", "(uid=?))", "(&(uid=?)", "(=?)", "(uid=alice)", "(uid=?)(uid=?)"] {
        assert!(FilterTemplate::for_value(bad).is_err(), "{bad}");
    }
    assert!(FilterTemplate::any("(objectClass=person)").is_ok());
    assert!(FilterTemplate::any(&format!("(a={})", "x".repeat(3000))).is_err());
}

#[test]
fn a_value_cannot_become_part_of_the_filter() {
    let filter = FilterTemplate::for_value("(&(objectClass=person)(uid=?))").unwrap();
    assert_eq!(filter.with("alice"), "(&(objectClass=person)(uid=alice))");
    assert_eq!(filter.with("a*)(|(x=\\"), "(&(objectClass=person)(uid=a\\2a\\29\\28|\\28x=\\5c))");
    assert_eq!(filter.with("**"), "(&(objectClass=person)(uid=\\2a\\2a))");
    assert_eq!(filter.with("a\0b"), "(&(objectClass=person)(uid=a\\00b))");
    assert_eq!(filter.with("a?b"), "(&(objectClass=person)(uid=a?b))", "a value is not filled again");
}

#[test]
fn names_of_attributes_hold_nothing_that_means_something_in_a_filter() {
    for good in ["uid", "memberOf", "userCertificate;binary", "1.2", "x-y"] {
        assert_eq!(AttributeName::parse(good).is_ok(), good != "1.2", "{good}");
    }
    for bad in ["", "a)", "a=b", "a*", "a b", "(a", "ä", "a:", "-a"] {
        assert!(AttributeName::parse(bad).is_err(), "{bad}");
    }
}
