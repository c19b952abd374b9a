//! What leaves the lab: the places in the source that open connections, look up names, touch files or start programs.
//! The source is read for them, because the compiler does not know of such a boundary.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Words that reach out of the process, and the files of `src` that may have them.
const REACHING: [(&[&str], &[&str]); 5] = [
    // The relay, and `send`, connect by `network`; `outbound` is for `probe`; the others ask a lab by an address that
    // was given to them.
    (
        &["TcpStream", "TcpSocket", "UdpSocket", "lookup_host", "to_socket_addrs", "ToSocketAddrs"],
        &[
            "cli/client.rs",
            "cli/ready.rs",
            "cli/readyz.rs",
            "cli/send.rs",
            "wire/network",
            "wire/outbound.rs",
        ],
    ),
    (&["wire::reach", "wire::resolve"], &["probe/visit.rs"]),
    (&["outbound::"], &["wire/mod.rs"]),
    (&["TestDelivery::new"], &["cli/send.rs", "http/send.rs"]),
    // Files and programs are for the command line, and for a test that starts a lab from a file.
    (
        &["std::fs", "fs::", "File::open", "File::create", "OpenOptions", "Command::new", "UnixDatagram"],
        &["cli/", "harness/builder.rs"],
    ),
];

fn sources(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            into.insert(path);
        }
    }
}

/// Returns the words of a file that reach out, without those of its tests and comments.
fn reaching<'a>(file: &str, source: &str, words: &[&'a str], allowed: &[&str]) -> Vec<&'a str> {
    if allowed.iter().any(|it| file.starts_with(it)) {
        return Vec::new();
    }
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let has = |word: &&&str| {
        let is_letter = |it: char| it.is_alphanumeric() || it == '_';
        let found = code.iter().flat_map(|line| line.match_indices(**word).map(|(at, _)| &line[..at]));
        // A word that ends in it is another one.
        found.into_iter().any(|before| !before.ends_with(is_letter))
    };
    words.iter().filter(has).copied().collect()
}

#[test]
fn connections_names_files_and_programs_are_asked_for_in_these_places_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeSet::new();
    sources(&root, &mut files);
    assert!(files.len() > 300, "{}", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let source = fs::read_to_string(path).unwrap();
        for (words, allowed) in REACHING {
            let found = reaching(&file, &source, words, allowed);
            wrong.extend(found.into_iter().map(|word| format!("src/{file}: {word}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_place_that_reaches_out_is_found() {
    let found = |source: &str| reaching("import/mod.rs", source, REACHING[0].0, REACHING[0].1).len();
    assert_eq!(found("let stream = std::net::TcpStream::connect(to)?;"), 1);
    assert_eq!(found("// A TcpStream is not needed.\nlet x = NoTcpStream;\n"), 0);
    assert_eq!(found("#[cfg(test)]\nmod tests {\n    use std::net::TcpStream;\n}\n"), 0);
}
