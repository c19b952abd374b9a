//! Proofs as JUnit XML for continuous integration: a suite for each scenario, a case for each row.

use std::fmt::Write as _;

use super::verify::Verified;
use crate::journal::shown::is_unsafe;
use crate::report::proof::{both, is_judged, row_words, stage_words};
use crate::scenario::{Proof, ProvedStage, Row};

/// Returns the report on these scenarios; a scenario that could not be run has the reason.
///
/// A row for which the file has no expectation is skipped rather than passed.
pub(super) fn junit(scenarios: &[Verified]) -> String {
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"starttls-lab verify\">\n".to_owned();
    for (name, proof) in scenarios {
        match proof {
            Ok(proof) => suite(&mut xml, name, proof),
            Err(why) => broken(&mut xml, name, &why.to_string()),
        }
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, name: &str, proof: &Proof) {
    let rows = || proof.stages.iter().flat_map(|stage| stage.rows.iter().map(move |row| (stage, row)));
    let failures = rows().filter(|(_, row)| !row.met).count();
    let skipped = rows().filter(|(_, row)| row.met && !is_judged(row)).count();
    // Writing to a String cannot fail.
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">",
        escaped(name),
        rows().count(),
    );
    rows().for_each(|(stage, row)| case(xml, name, stage, row));
    xml.push_str("  </testsuite>\n");
}

fn case(xml: &mut String, scenario: &str, stage: &ProvedStage, row: &Row) {
    let class = escaped(&format!("{scenario}.{}", stage_words(stage.stage)));
    let _ = write!(xml, "    <testcase classname=\"{class}\" name=\"{}\"", escaped(&row_words(row)));
    let (expected, observed) = both(row);
    if !row.met {
        let message = escaped(&format!("expected {expected}, observed {observed}"));
        let whole = row.observed.as_ref().map(ToString::to_string).unwrap_or(observed);
        let _ = writeln!(
            xml,
            ">\n      <failure message=\"{message}\" type=\"unmet\">expected: {}\nobserved: {}</failure>\n    </testcase>",
            escaped(&expected),
            escaped(&whole)
        );
    } else if is_judged(row) {
        xml.push_str("/>\n");
    } else {
        xml.push_str(">\n      <skipped message=\"nothing expected\"/>\n    </testcase>\n");
    }
}

fn broken(xml: &mut String, name: &str, why: &str) {
    let (name, why) = (escaped(name), escaped(why));
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    \
         <testcase classname=\"{name}\" name=\"scenario\">\n      <error message=\"{why}\" type=\"error\"/>\n    \
         </testcase>\n  </testsuite>"
    );
}

/// Escapes text for an element or for an attribute. Characters that XML 1.0 (section 2.2) does not allow are
/// left out; line ends and tabs are written so that they survive in an attribute (section 3.3.3).
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            // A character that controls a terminal or reverses text is written as an escape.
            character if is_unsafe(character) => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::LabError;

    #[test]
    fn what_means_something_in_xml_is_escaped_and_what_may_not_stand_there_is_left_out() {
        assert_eq!(
            escaped("<a> & \"b\"\n\u{1b}[0m\u{0}\u{ffff}\u{e4}'\u{9b}\u{202e}"),
            "&lt;a&gt; &amp; &quot;b&quot;&#10;[0m\u{e4}'&#155;&#8238;"
        );
    }

    #[test]
    fn a_scenario_that_could_not_be_run_is_an_error() {
        let xml = junit(&[("a & b".to_owned(), Err(LabError::Unobserved("no <port>".to_owned())))]);
        assert!(
            xml.contains("<testsuite name=\"a &amp; b\" tests=\"1\" failures=\"0\" errors=\"1\""),
            "{xml}"
        );
        assert!(xml.contains("<error message=\"no &lt;port&gt;\""), "{xml}");
    }
}
