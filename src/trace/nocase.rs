//! Words that are compared whatever their case, without a copy of them.

/// What follows `prefix`, where a text begins with it in any case of ASCII letters.
pub(super) fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))
        .flatten()
}

/// Whether a text begins so.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    strip_prefix(text, prefix).is_some()
}
