//! The map in `ARCHITECTURE.md` cannot lie: imports go strictly down, what is said to be used in one place
//! is used in that place only, and every top-level module is on the map.
//!
//! Comments and strings are no imports; `use` groups, `super` and inline modules are followed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails in a checker is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

mod paths;

use paths::{Named, named_paths};

/// What a map says: the layer of each top-level module, and what only some of them may name.
struct Map {
    layers: BTreeMap<String, u32>,
    reserved: Vec<Reserved>,
}

/// A path of another crate that only one module may name.
struct Reserved {
    path: Vec<String>,
    owner: String,
}

/// How the map writes a path that is more than a crate's name.
const SPELLINGS: [(&str, &str); 1] = [("tokio's net", "tokio::net")];

impl Map {
    /// Reads the map: `layer N  name  words`, and further modules of that
    /// layer under the first.
    fn read(text: &str) -> Self {
        let block = text
            .lines()
            .skip_while(|line| line.trim() != "```text")
            .skip(1)
            .take_while(|line| line.trim() != "```");
        let mut map = Self { layers: BTreeMap::new(), reserved: Vec::new() };
        let (mut layer, mut column) = (None, 0);
        for line in block {
            let mut rest = line.trim_start();
            if let Some(numbered) = rest.strip_prefix("layer ") {
                let digits = numbered.chars().take_while(char::is_ascii_digit).count();
                layer = numbered[..digits].parse().ok();
                rest = numbered[digits..].trim_start();
                column = line.len() - rest.len();
            } else if line.len() - rest.len() != column {
                continue; // the words of the module above, wrapped
            }
            let (name, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let layer = layer.unwrap_or_else(|| panic!("a module above the first layer: {line}"));
            map.layers.insert(name.to_owned(), layer);
            if let Some((_, only)) = words.split_once("(only here: ") {
                let said = only.split(')').next().unwrap();
                let spelled =
                    SPELLINGS.iter().find(|(words, _)| *words == said).map_or(said, |(_, path)| path);
                let path = spelled.split("::").map(str::to_owned).collect();
                map.reserved.push(Reserved { path, owner: name.to_owned() });
            }
        }
        assert!(!map.layers.is_empty(), "ARCHITECTURE.md has no map");
        map
    }

    /// The complaints about one file of the crate. `file` is relative to `src`.
    fn complaints(&self, file: &str, text: &str) -> Vec<String> {
        let module = module_of(file);
        let found = named_paths(text, &module);
        let mut complaints: Vec<_> =
            found.iter().filter_map(|named| self.complaint(file, &module, named)).collect();
        complaints.dedup();
        complaints
    }

    fn complaint(&self, file: &str, module: &[String], named: &Named) -> Option<String> {
        let here = module.first().map(String::as_str);
        let written = named.path.join("::");
        let complaint = |words: String| Some(format!("src/{file}:{}: {words}", named.line));
        match named.path.first()?.as_str() {
            "starttls_lab"
                if file == "main.rs" && named.path.get(1).is_some_and(|name| name == "internal") =>
            {
                let known = named.path.get(2).is_none_or(|name| name == "cli");
                (!known)
                    .then(|| format!("src/{file}:{}: `{written}`: this file knows `cli` only", named.line))
            }
            "starttls_lab" | "crate" if here.is_some() || file == "main.rs" => {
                let Some(there) = named.path.get(1) else {
                    return complaint(format!("`{written}` as a whole: a path has to name its module"));
                };
                if here == Some(there) {
                    return None;
                }
                let Some(layer) = self.layers.get(there) else {
                    return complaint(format!("`{written}`: `{there}` is not on the map"));
                };
                let Some(own) = here.and_then(|here| self.layers.get(here)) else {
                    return complaint(format!(
                        "`{written}`: this file is not on the map, and knows `cli` only"
                    ));
                };
                (layer >= own).then(|| {
                    format!(
                        "src/{file}:{}: `{written}`: from layer {own} to layer {layer} is not down",
                        named.line
                    )
                })
            }
            _ => {
                let reserved = self.reserved.iter().find(|reserved| {
                    here != Some(&reserved.owner)
                        && named.path.windows(reserved.path.len()).any(|part| part == reserved.path)
                })?;
                complaint(format!("`{written}` is for `{}` only", reserved.owner))
            }
        }
    }

    /// The modules that are on the map or in the crate, but not both.
    fn strays(&self, in_the_crate: &[String]) -> Vec<String> {
        let missing = in_the_crate.iter().filter(|name| !self.layers.contains_key(*name));
        let invented = self.layers.keys().filter(|name| !in_the_crate.contains(name));
        missing
            .map(|name| format!("module `{name}` is not on the map"))
            .chain(invented.map(|name| format!("module `{name}` is on the map only")))
            .collect()
    }
}

/// The module a file of `src` holds: none for `lib.rs` and `main.rs`.
fn module_of(file: &str) -> Vec<String> {
    let mut path: Vec<_> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let last = path.last().unwrap();
    if last == "mod" || (path.len() == 1 && (last == "lib" || last == "main")) {
        path.pop();
    }
    path
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file under `directory`, relative to `src`, in order.
fn rust_files(directory: &Path, files: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            rust_files(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let relative = entry.strip_prefix(source()).unwrap();
            files.push(relative.to_str().unwrap().replace('\\', "/"));
        }
    }
}

#[test]
fn every_import_in_the_crate_goes_down() {
    let map = Map::read(&fs::read_to_string(source().join("../ARCHITECTURE.md")).unwrap());
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    let complaints: Vec<_> = files
        .iter()
        .flat_map(|file| map.complaints(file, &fs::read_to_string(source().join(file)).unwrap()))
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn the_map_shows_the_modules_that_are_there_and_no_others() {
    let map = Map::read(&fs::read_to_string(source().join("../ARCHITECTURE.md")).unwrap());
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    let mut modules: Vec<_> = files.iter().filter_map(|file| module_of(file).into_iter().next()).collect();
    modules.dedup();
    assert_eq!(map.strays(&modules), [] as [String; 0]);
}

const SMALL_MAP: &str = "\
# A map
```text
layer 2  wire     the server (only here: tokio's net)
         roof     beside it,
                  over two lines
layer 1  tls      certificates (only here: rustls)
layer 0  name     names
```
pub mod name;
";

#[track_caller]
fn accepts(file: &str, text: &str) {
    assert_eq!(Map::read(SMALL_MAP).complaints(file, text), [] as [String; 0]);
}

#[track_caller]
fn refuses(file: &str, text: &str, complaint: &str) {
    let complaints = Map::read(SMALL_MAP).complaints(file, text);
    assert!(complaints.len() == 1 && complaints[0].contains(complaint), "{complaints:?}");
}

#[test]
fn a_map_is_read_with_its_floors_and_its_wrapped_words() {
    let map = Map::read(SMALL_MAP);
    let layers: Vec<_> = map.layers.iter().map(|(name, layer)| (name.as_str(), *layer)).collect();
    assert_eq!(layers, [("name", 0), ("roof", 2), ("tls", 1), ("wire", 2)]);
}

#[test]
fn a_module_that_is_only_on_one_of_map_and_disk_is_a_stray() {
    let there = ["cellar", "name", "tls", "wire"].map(str::to_owned);
    let strays = Map::read(SMALL_MAP).strays(&there);
    assert_eq!(strays, ["module `cellar` is not on the map", "module `roof` is on the map only"]);
}

#[test]
fn an_import_that_goes_down_or_stays_at_home_is_accepted() {
    accepts("wire/mod.rs", "use crate::tls::Acceptor; use crate::{name, tls::{self as t, x}};");
    accepts("wire/deep/er.rs", "use crate::wire::x; use super::super::y; use super::super::super::name::Z;");
    accepts("main.rs", "fn main() { starttls_lab::internal::cli::main() }");
    accepts("lib.rs", "pub use crate::wire::Server; pub use wire::x;");
}

#[test]
fn an_import_that_goes_up_or_sideways_is_caught() {
    refuses(
        "name.rs",
        "use crate::tls::x;",
        "src/name.rs:1: `crate::tls::x`: from layer 0 to layer 1 is not down",
    );
    refuses("wire/mod.rs", "\nuse crate::roof;", "src/wire/mod.rs:2: `crate::roof`: from layer 2 to layer 2");
    refuses("name.rs", "fn f() { crate::wire::serve::<u8>(); }", "`crate::wire::serve`");
    refuses("name.rs", "impl From<crate::tls::Error> for E {}", "`crate::tls::Error`");
    refuses("name.rs", "fn f() -> ::starttls_lab::internal::tls::X {}", "`starttls_lab::internal::tls::X`");
    refuses("main.rs", "use starttls_lab::internal::wire::Server;", "knows `cli` only");
}

#[test]
fn an_upward_import_inside_a_group_is_caught() {
    refuses("tls/mod.rs", "use crate::{name::{A, B}, wire::{self as w}};", "`crate::wire`");
    refuses("tls/mod.rs", "use crate::{\n  name,\n  wire,\n};", "src/tls/mod.rs:3: `crate::wire`");
    refuses("tls/mod.rs", "use {std::fs, crate::roof::R};", "`crate::roof::R`");
}

#[test]
fn an_upward_import_by_super_is_caught() {
    refuses("tls/a.rs", "use super::super::wire::X;", "`crate::wire::X`");
    refuses("name.rs", "use super::tls;", "`crate::tls`");
    refuses("name.rs", "mod tests { use super::*; use super::super::tls::X; }", "`crate::tls::X`");
    refuses("name.rs", "mod a { fn f() {} } use super::tls::Y;", "`crate::tls::Y`");
    accepts("name.rs", "mod tests { use super::{Name, f}; mod inner { use super::super::Name; } }");
    accepts("name.rs", "mod tests { use self::inner::x; use super::tls; }");
}

#[test]
fn the_whole_crate_under_one_name_is_caught() {
    refuses("name.rs", "use crate::*;", "a path has to name its module");
    refuses("name.rs", "use crate as whole;", "a path has to name its module");
    refuses("name.rs", "use super::*;", "a path has to name its module");
    refuses("name.rs", "use crate::Reexported;", "`Reexported` is not on the map");
    accepts("name.rs", "pub(crate) fn f() {} pub(in crate::name) fn g() {} pub(super) fn h() {}");
}

#[test]
fn comments_strings_and_lifetimes_are_no_imports() {
    accepts(
        "name.rs",
        "//! [`crate::wire`]\n/// crate::tls\n// crate::tls\n/* a /* crate::tls */ crate::tls */",
    );
    accepts("name.rs", r####"const A: &str = "\" crate::tls"; const B: &str = r#"" crate::tls "#; "####);
    accepts(
        "name.rs",
        "const A: &[u8] = b\"crate::tls\"; const B: char = '\"'; const C: char = '\\''; // \"",
    );
    refuses("name.rs", "fn f<'a>(c: char) -> &'a X { if c == '\"' { crate::tls::x() } }", "`crate::tls::x`");
    refuses("name.rs", "macro_rules! m { () => { $crate::wire::x() } }", "`crate::wire::x`");
}

#[test]
fn what_is_for_one_module_only_is_caught_elsewhere() {
    accepts("wire/mod.rs", "use tokio::{net::TcpListener, sync::mpsc}; use std::net::IpAddr;");
    accepts("tls/mod.rs", "use rustls::ServerConfig; use tokio::sync::mpsc; use tokio_rustls::TlsAcceptor;");
    refuses(
        "tls/mod.rs",
        "use tokio::{net::TcpListener, sync::mpsc};",
        "`tokio::net::TcpListener` is for `wire` only",
    );
    refuses("wire/mod.rs", "fn f(e: rustls::Error) {}", "`rustls::Error` is for `tls` only");
    refuses("wire/mod.rs", "use tokio_rustls::rustls::{self};", "is for `tls` only");
    refuses("wire/mod.rs", "extern crate rustls;", "`rustls` is for `tls` only");
    refuses("lib.rs", "pub use rustls;", "`rustls` is for `tls` only");
}
