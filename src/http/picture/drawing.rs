//! The picture as SVG: peers at the left, connectors of each computer in the middle, the names below. It has no
//! colors; the page gives them to its classes.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Edge, Node, NodeKind, PictureView};
use crate::http::answer::segment;

const LEFT: u32 = 10;
const MIDDLE: u32 = 480;
const WIDTH: u32 = 300;
const HEIGHT: u32 = 44;
/// The space between two boxes.
const GAP: u32 = 16;
/// The distance between two arrowheads at the same box.
const SPREAD: u32 = 14;
const WHOLE: u32 = 800;
/// The maximum number of characters of a line in a box.
const LONGEST: usize = 40;

/// The place of a point, from the left and from the top.
type Point = (u32, u32);

/// The place of a box.
#[derive(Clone, Copy)]
struct Place {
    x: u32,
    y: u32,
    height: u32,
}

/// Returns the picture as SVG.
pub(super) fn draw(picture: &PictureView) -> String {
    let mut body = String::new();
    let mut places: HashMap<&str, Place> = HashMap::new();
    let mut y = 10;
    for computer in picture.nodes.iter().filter(|node| node.kind == NodeKind::Computer) {
        let link = format!("#computer/{}", segment(&computer.label));
        linked(&mut body, &link, "node computer", &title(computer), |body| {
            text(body, MIDDLE, y + 16, "label", &format!("{} ({})", computer.label, computer.detail));
        });
        y += 26;
        let own = |node: &&Node| node.computer.as_deref() == Some(&computer.label);
        for node in picture.nodes.iter().filter(own) {
            let arrows = picture.edges.iter().filter(|edge| edge.to == node.id).count();
            let place = Place { x: MIDDLE, y, height: HEIGHT.max(SPREAD * parts(arrows)) };
            boxed(&mut body, node, place);
            places.insert(&node.id, place);
            y += place.height + GAP;
        }
        y += 10;
    }
    let mut left = 36;
    for peer in picture.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Peer | NodeKind::Sender)) {
        let place = Place { x: LEFT, y: left, height: HEIGHT };
        boxed(&mut body, peer, place);
        places.insert(&peer.id, place);
        left += HEIGHT + GAP;
    }
    let mut ways = String::new();
    let mut words = String::new();
    for (edge, from, to) in ends(&picture.edges, &places) {
        way(&mut ways, edge, from, to);
        // Written after all lines, so that none crosses them; the title of the line says it, too.
        if from.0 != to.0 {
            let _ = write!(words, "<g class=\"{}\" aria-hidden=\"true\">", class_of(edge));
            text(&mut words, LEFT + WIDTH + 8, from.1 - 4, "words", edge.state.as_label());
            words.push_str("</g>");
        }
    }
    let mut y = y.max(left) + 10;
    for name in &picture.names {
        let class = if name.disagrees { "name disagrees" } else { "name" };
        let value = name.value.as_deref().unwrap_or("not known");
        let mark = if name.disagrees { " \u{2260}" } else { "" };
        text(
            &mut body,
            LEFT,
            y + 14,
            class,
            &format!("{} {}: {}{mark}", name.number, name.what, short(value, 70)),
        );
        y += 22;
    }
    let of = picture.names_of.as_deref().unwrap_or_default();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WHOLE} {y}\" role=\"img\" aria-label=\"Who sends \
         to whom; below, the five names of {}\">",
        escaped(of)
    );
    svg.push_str(
        "<defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
        markerUnits=\"userSpaceOnUse\" markerWidth=\"10\" markerHeight=\"10\" orient=\"auto-start-reverse\">\
        <path class=\"head\" d=\"M0 0L10 5L0 10z\"/></marker></defs>",
    );
    svg.push_str(&ways);
    svg.push_str(&words);
    svg.push_str(&body);
    svg.push_str("</svg>\n");
    svg
}

fn title(node: &Node) -> String {
    match node.state {
        Some("offered") => format!("{}: STARTTLS is offered", node.label),
        Some("withheld") => format!("{}: STARTTLS is withheld", node.label),
        Some("off") => format!("{}: Tls is not in AuthMechanism", node.label),
        Some(state) => format!("{}: {state}", node.label),
        None => node.label.clone(),
    }
}

/// Returns each edge with the points where it begins and ends. Edges that end at the same box end one below the
/// other, in the order in which they begin, so that they do not cross and every arrowhead is seen.
fn ends<'a>(edges: &'a [Edge], places: &HashMap<&str, Place>) -> Vec<(&'a Edge, Point, Point)> {
    let ends = |edge: &Edge| Some((*places.get(&*edge.from)?, *places.get(&*edge.to)?));
    let mut drawn: Vec<_> = edges.iter().filter_map(|edge| Some((edge, ends(edge)?))).collect();
    drawn.sort_by_key(|(_, (from, to))| (to.x, to.y, from.x, from.y));
    let same = drawn.chunk_by(|(_, (_, one)), (_, (_, other))| (one.x, one.y) == (other.x, other.y));
    same.flat_map(|same| {
        (1..).zip(same).map(|(at, (edge, (from, to)))| {
            let end = to.y + to.height * at / parts(same.len());
            (*edge, (from.x, from.y + from.height / 2), (to.x, end))
        })
    })
    .collect()
}

/// Returns into how many parts as many points divide a side. A picture has at most a few hundred edges.
fn parts(points: usize) -> u32 {
    u32::from(u16::try_from(points).unwrap_or(u16::MAX)) + 1
}

fn boxed(svg: &mut String, node: &Node, place: Place) {
    let Place { x, y, height } = place;
    let computer = node.computer.as_deref().unwrap_or_default();
    let (class, link) = match node.kind {
        NodeKind::Computer => ("computer", format!("#computer/{}", segment(&node.label))),
        NodeKind::ReceiveConnector => {
            ("receive", format!("#connector/{}/{}", segment(computer), segment(&node.label)))
        }
        NodeKind::SendConnector => ("send", format!("#send/{}/{}", segment(computer), segment(&node.label))),
        NodeKind::Sender => ("sender", "#verify".to_owned()),
        NodeKind::Peer => ("peer", format!("#sessions?peer={}", segment(&node.label))),
    };
    let class = format!("node {class} {}", node.state.unwrap_or_default());
    linked(svg, &link, class.trim_end(), &title(node), |svg| {
        // Writing to a String cannot fail.
        let _ = write!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{height}\" rx=\"5\"/>");
        text(svg, x + 10, y + 18, "label", &short(&node.label, LONGEST));
        text(svg, x + 10, y + 35, "detail", &short(&node.detail, LONGEST));
    });
}

fn way(svg: &mut String, edge: &Edge, from: Point, to: Point) {
    let title = match (edge.tried, edge.messages) {
        (true, _) => format!("{}, in a dry run", edge.words),
        (false, 1) => format!("{}, 1 message", edge.words),
        (false, many) => format!("{}, {many} messages", edge.words),
    };
    let link = edge.session.as_deref().map_or("#verify".to_owned(), |id| format!("#session/{}", segment(id)));
    linked(svg, &link, &class_of(edge), &title, |svg| {
        let (from_y, to_y) = (from.1, to.1);
        // From peer to connector the way has its label over its first part; between connectors it bends at
        // their right.
        let path = if from.0 < to.0 {
            format!("M{} {from_y}h90L{} {to_y}", from.0 + WIDTH, to.0)
        } else if from.0 > to.0 {
            format!("M{} {from_y}L{} {to_y}", from.0, to.0 + WIDTH)
        } else {
            let (x, bend) = (from.0 + WIDTH, from.0 + WIDTH + 18);
            format!("M{x} {from_y}C{bend} {from_y} {bend} {to_y} {x} {to_y}")
        };
        let _ = write!(svg, "<path d=\"{path}\" fill=\"none\" marker-end=\"url(#arrow)\"/>");
    });
}

fn class_of(edge: &Edge) -> String {
    format!("edge {}{}", edge.state.as_str(), if edge.tried { " tried" } else { "" })
}

fn linked(svg: &mut String, link: &str, class: &str, title: &str, inside: impl FnOnce(&mut String)) {
    let (link, class, title) = (escaped(link), escaped(class), escaped(title));
    let _ = write!(svg, "<a href=\"{link}\" class=\"{class}\"><title>{title}</title>");
    inside(svg);
    svg.push_str("</a>");
}

fn text(svg: &mut String, x: u32, y: u32, class: &str, words: &str) {
    let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", escaped(words));
}

/// Shortens a text to `most` characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let begin: String = text.chars().take(most - 1).collect();
    format!("{begin}\u{2026}")
}

/// Escapes what XML reads, and leaves out what it cannot hold.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::EdgeState;
    use super::*;

    #[test]
    fn edges_end_at_one_point_each_in_the_order_in_which_they_begin() {
        let edge = |from: &str| Edge {
            from: from.to_owned(),
            to: "to".to_owned(),
            state: EdgeState::Tls,
            words: String::new(),
            tried: false,
            session: None,
            messages: 1,
            seq: 1,
        };
        let edges = ["third", "first", "nowhere", "second"].map(edge);
        let place = |x, y, height| Place { x, y, height };
        let places = HashMap::from([
            ("first", place(LEFT, 0, 10)),
            ("second", place(LEFT, 10, 10)),
            ("third", place(LEFT, 20, 10)),
            ("to", place(MIDDLE, 100, 40)),
        ]);
        let ends: Vec<_> = ends(&edges, &places).iter().map(|(_, from, to)| (from.1, *to)).collect();
        assert_eq!(ends, [(5, (MIDDLE, 110)), (15, (MIDDLE, 120)), (25, (MIDDLE, 130))]);
    }
}
