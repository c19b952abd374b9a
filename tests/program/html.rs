//! Reports as pages: complete, well-formed, loading nothing, and harmless whatever is in a file or comes from a command.

use std::fs;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::fixture::support::{program, run, text};
use crate::verify_scenarios::{SEED, seed_with};

const HOSTILE: &str = "</title></td><script>alert('1')</script><img src=x onerror=alert(2)>";

/// An element of a page, with its attributes.
struct Element {
    tag: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            (attribute.key.as_ref().to_owned(), attribute.value.to_string())
        });
        Self { tag: start.local_name().as_ref().to_owned(), attributes: attributes.collect() }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Parses a page as XML, which fails on a tag that is not closed, and checks that it loads and runs nothing.
#[track_caller]
fn elements(page: &str, scripts: usize) -> Vec<Element> {
    let mut reader = Reader::from_str(page);
    let (mut found, mut depth) = (Vec::new(), 0);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{page}")) {
            Event::Start(start) => {
                depth += 1;
                found.push(Element::of(&start));
            }
            Event::Empty(start) => found.push(Element::of(&start)),
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            Event::GeneralRef(name) => {
                assert!(["amp", "lt", "gt", "quot", "#39"].contains(&&*name), "&{};", &*name);
            }
            Event::Text(_) | Event::DocType(_) => {}
            other => panic!("{other:?} in\n{page}"),
        }
    }
    assert_eq!(depth, 0, "{page}");
    let of = |tag: &str| found.iter().filter(|element| element.tag == tag).count();
    assert_eq!(of("script"), scripts, "{page}");
    assert_eq!(of("table"), of("caption"), "{page}");
    for element in &found {
        assert!(!["img", "link", "iframe", "form", "object"].contains(&element.tag.as_str()), "{page}");
        assert!(element.tag != "th" || element.attribute("scope").is_some(), "a th without scope\n{page}");
        for (name, value) in &element.attributes {
            assert!(name != "src" && name != "style" && !name.starts_with("on"), "{name} in\n{page}");
            assert!(name != "href" || value.starts_with('#'), "{value} in\n{page}");
        }
    }
    let policy = found.iter().find(|it| it.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy = policy.and_then(|element| element.attribute("content")).unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    found
}

fn cells<'a>(elements: &'a [Element], class: &str) -> Vec<&'a Element> {
    let of_class = |element: &&Element| {
        let classes = element.attribute("class").unwrap_or_default();
        classes.split_whitespace().any(|word| word == class)
    };
    elements.iter().filter(|element| element.tag == "td").filter(of_class).collect()
}

/// Runs `verify --html` on these scenarios, and returns the page.
#[track_caller]
fn verified(code: i32, stories: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    let said = run(program().arg("verify").args(stories).arg("--html").arg(&path));
    assert_eq!(said.status.code(), Some(code), "{}", text(&said.stderr));
    fs::read_to_string(&path).unwrap()
}

#[test]
fn the_page_of_a_scenario_has_every_stage_and_marks_who_is_worse_off() {
    let page = verified(0, &["fqdn-mismatch"]);
    let elements = elements(&page, 0);
    for part in [
        "<h2>fqdn-mismatch</h2>",
        "as the file says: 50 expectations in 5 stages",
        "worse off after fix 1: upgrade-then-verify: clear -&gt; bounced (certificate-host-mismatch)",
        "<th scope=\"col\">before</th>",
        "<th scope=\"col\">fix 2<small>",
        "<th scope=\"col\">wrong fix 2<small>",
        "<summary>fix 1: Give the connector the name that the certificate carries</summary>",
        "Set-ReceiveConnector &quot;MAILGATE\\Default internal receive connector MAILGATE&quot; `\n  -Fqdn",
        "why: SMTP is on already; it is the name that is missing.",
    ] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    assert_eq!(cells(&elements, "worse").len(), 1, "{page}");
    assert_eq!(cells(&elements, "unmet").len(), 0, "{page}");
}

#[test]
fn a_page_shows_what_was_expected_and_escapes_what_is_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("red.toml");
    let red = seed_with("title = \"The seed with senders\"", &format!("title = \"{HOSTILE}\\u202E\""));
    let red = red.replace("The connector answers with the name that the certificate carries", HOSTILE);
    let red = red.replace("name = \"library\"", "name = \"<l&\\\"'>\"");
    let red = red
        .replace("\nlibrary = \"clear\"", "\n\"<l&\\\"'>\" = \"tls\"")
        .replace("\nlibrary =", "\n\"<l&\\\"'>\" =");
    let red = red.replace(".library =", ".\"<l&\\\"'>\" =");
    fs::write(&path, red).unwrap();
    let page = verified(1, &[path.to_str().unwrap()]);
    let elements = elements(&page, 0);
    assert!(
        page.contains("&lt;/title&gt;&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"),
        "{page}"
    );
    assert!(page.contains("\\u{202e}"), "{page}");
    assert!(page.contains("<th scope=\"row\">&lt;l&amp;&quot;&#39;&gt;</th>"), "{page}");
    assert!(
        page.contains("clear: starttls-not-supported<small class=\"bad\">EXPECTED tls</small>"),
        "{page}"
    );
    assert!(!cells(&elements, "unmet").is_empty(), "{page}");
}

#[test]
fn the_page_of_several_scenarios_begins_with_their_results() {
    let page = verified(0, &["fqdn-mismatch", "healthy"]);
    elements(&page, 0);
    for part in ["<a href=\"#scenario-1\">healthy</a>", "<section id=\"scenario-1\">"] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (seed, nowhere) = (dir.path().join("seed.toml"), dir.path().join("no/such/report.html"));
    fs::write(&seed, SEED).unwrap();
    let said = run(program().arg("verify").arg(&seed).arg("--html").arg(&nowhere));
    assert_eq!(said.status.code(), Some(2));
    let said = text(&said.stderr);
    assert!(said.contains("--html") && said.contains(nowhere.to_str().unwrap()), "{said}");
}

#[cfg(unix)]
#[test]
fn the_page_of_a_judged_client_has_its_table_a_filter_and_harmless_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    let script =
        "echo \"$1\"; exec \"$0\" send --to {host}:{port} --from a@lab.test --rcpt b@lab.test --policy may";
    let mut command = program();
    command.args(["judge", "--policy", "encrypt", "--only", "starttls-absent", "--html"]).arg(&path);
    command.args(["--", "sh", "-c", script, env!("CARGO_BIN_EXE_starttls-lab"), HOSTILE]);
    let said = run(&mut command);
    assert_eq!(said.status.code(), Some(1), "{}{}", text(&said.stdout), text(&said.stderr));
    let page = fs::read_to_string(&path).unwrap();
    let elements = elements(&page, 1);
    for part in [
        "policy encrypt: BROKEN (1 right, 1 wrong)",
        "<th scope=\"col\">TLS there</th>",
        "<th scope=\"row\">baseline<small>",
        "<tr class=\"wrong\"><th scope=\"row\">starttls-absent<small>starttls: STARTTLS is not offered</small></th>",
        "<td>none</td><td>in clear</td><td>envelope, body</td><td>0</td><td>wrong</td>",
        "<p>the lab saw: 1 connection;",
        "<pre>&lt;/title&gt;&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
    ] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    let ids: Vec<_> = elements.iter().filter_map(|element| element.attribute("id")).collect();
    assert_eq!(ids, ["filter", "wrong", "shown"], "{page}");
}
