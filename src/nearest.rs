//! The word that was probably meant.

/// The name among `known` that `wrong` is probably meant to be.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let tolerance = wrong.chars().count() / 3 + 1;
    known
        .map(|name| (strsim::levenshtein(wrong, name), name))
        .filter(|(far, _)| *far <= tolerance)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["fqdn", "bindings", "require_tls"];
        assert_eq!(nearest("fqnd", known.into_iter()), Some("fqdn"));
        assert_eq!(nearest("requiretls", known.into_iter()), Some("require_tls"));
        assert_eq!(nearest("certificate", known.into_iter()), None);
    }
}
