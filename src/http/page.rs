//! The page: the files of `src/http/page/`, which are part of the program, at `/` and below `/page/`.
//!
//! They hold nothing of the lab, so they are handed out without a token; what they show comes from the API.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::answer::typed;

/// A file of the page.
struct PageFile {
    /// The path below `/page/`.
    path: &'static str,
    bytes: &'static [u8],
}

const fn file(path: &'static str, bytes: &'static [u8]) -> PageFile {
    PageFile { path, bytes }
}

/// The file at `/`.
const INDEX: PageFile = file("index.html", include_bytes!("page/index.html"));

/// The files below `/page/`, by name.
const FILES: &[PageFile] = &[
    file("api.js", include_bytes!("page/api.js")),
    file("app.js", include_bytes!("page/app.js")),
    file("certificates.js", include_bytes!("page/certificates.js")),
    file("commands.js", include_bytes!("page/commands.js")),
    file("connector-properties.js", include_bytes!("page/connector-properties.js")),
    file("connectors.js", include_bytes!("page/connectors.js")),
    file("dom.js", include_bytes!("page/dom.js")),
    file("events.js", include_bytes!("page/events.js")),
    file("faults.js", include_bytes!("page/faults.js")),
    file("format.js", include_bytes!("page/format.js")),
    file("icon.svg", include_bytes!("page/icon.svg")),
    file("lab.js", include_bytes!("page/lab.js")),
    file("list-view.js", include_bytes!("page/list-view.js")),
    file("list.js", include_bytes!("page/list.js")),
    file("live-worker.js", include_bytes!("page/live-worker.js")),
    file("live.js", include_bytes!("page/live.js")),
    file("marks.js", include_bytes!("page/marks.js")),
    file("message.js", include_bytes!("page/message.js")),
    file("messages.js", include_bytes!("page/messages.js")),
    file("notify.js", include_bytes!("page/notify.js")),
    file("parts.css", include_bytes!("page/parts.css")),
    file("picture.js", include_bytes!("page/picture.js")),
    file("receive-tabs.js", include_bytes!("page/receive-tabs.js")),
    file("router.js", include_bytes!("page/router.js")),
    file("send-tabs.js", include_bytes!("page/send-tabs.js")),
    file("send.js", include_bytes!("page/send.js")),
    file("sessions.js", include_bytes!("page/sessions.js")),
    file("shell.js", include_bytes!("page/shell.js")),
    file("sign-in.js", include_bytes!("page/sign-in.js")),
    file("split.js", include_bytes!("page/split.js")),
    file("sse.js", include_bytes!("page/sse.js")),
    file("stream.js", include_bytes!("page/stream.js")),
    file("style.css", include_bytes!("page/style.css")),
    file("ui.js", include_bytes!("page/ui.js")),
    file("unread.js", include_bytes!("page/unread.js")),
    file("verify.js", include_bytes!("page/verify.js")),
];

/// The sources that a browser may load the page's parts from: this listener, and nothing in the text itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; manifest-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) async fn index(headers: HeaderMap) -> Response {
    answer(&INDEX, &headers)
}

pub(super) async fn show(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.path == path) {
        Some(file) => answer(file, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers with a file, or with 304 where the browser has it already.
fn answer(file: &PageFile, headers: &HeaderMap) -> Response {
    let tag = tag(file.bytes);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|value| {
        let value = value.trim();
        value == "*" || value.strip_prefix("W/").unwrap_or(value) == tag
    });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        typed(media_type(file.path), file.bytes)
    };
    let mut set = |name: HeaderName, value: &str| {
        // The values are text that a header can carry.
        response.headers_mut().extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    };
    set(header::ETAG, &tag);
    set(header::CACHE_CONTROL, "no-cache");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_media_type_and_a_path_of_its_own() {
        for (at, file) in FILES.iter().enumerate() {
            assert_ne!(media_type(file.path), "application/octet-stream", "{}", file.path);
            assert!(FILES.iter().take(at).all(|other| other.path != file.path), "{} twice", file.path);
        }
    }

    #[test]
    fn every_module_is_preloaded_so_that_none_waits_for_another() {
        let index = std::str::from_utf8(INDEX.bytes).unwrap();
        let modules = FILES.iter().filter(|file| file.path.ends_with(".js"));
        // The first is named by the page itself, the other one begins the worker.
        let preloaded = modules.filter(|file| !matches!(file.path, "app.js" | "live-worker.js"));
        let lines: Vec<_> =
            preloaded.map(|file| format!("rel=\"modulepreload\" href=\"page/{}\"", file.path)).collect();
        assert!(lines.iter().all(|line| index.contains(line)), "{lines:?}");
        assert_eq!(index.matches("modulepreload").count(), lines.len());
    }

    #[test]
    fn every_file_of_the_folder_is_handed_out() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(
                name == INDEX.path || FILES.iter().any(|file| file.path == name),
                "{name} is not in FILES"
            );
        }
    }
}
