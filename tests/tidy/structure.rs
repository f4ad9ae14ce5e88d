//! What the import graph must look like: no circles of files, no arrow from a folder to one above it.

use crate::{
    imports::{self, Arrows},
    sources::Sources,
};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};

/// Roots of crates: libraries, programs, and each file that is a test.
pub fn roots(sources: &Sources) -> Vec<&String> {
    let is_root = |file: &&String| {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let is_test = folder == "tests" || folder.starts_with("runtime/") && folder.ends_with("/tests");
        matches!(name, "lib.rs" | "main.rs") || is_test || file.as_str() == "tests/fuzz/bounded.rs"
    };
    sources.keys().filter(is_root).collect()
}

/// Circles of files, each as text with the arrows that close it.
pub fn circles(arrows: &Arrows) -> Vec<String> {
    let graph: DiGraphMap<&str, ()> = arrows.keys().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let circles = tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1);
    let text = circles.map(|files| {
        let is_within = |file: &String| files.contains(&file.as_str());
        let within = arrows.iter().filter(|((from, to), _)| is_within(from) && is_within(to));
        let lines = within.map(|((from, to), names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("\n  {from} uses {} of {to}", names.join(", "))
        });
        format!("a circle of {} files:{}", files.len(), lines.collect::<String>())
    });
    let mut circles: Vec<String> = text.collect();
    circles.sort();
    circles
}

/// Arrows `FROM -> TO` from a folder (or file) of `src` to one that stands above it in `order`, the ground first.
pub fn upward(arrows: &Arrows, order: &[&str]) -> Vec<String> {
    let place = |file: &str| {
        let unit = file.rsplit_once("src/").map_or(file, |(_, inside)| inside).split('/').next().unwrap_or_default();
        let unit = unit.trim_end_matches(".rs");
        order.iter().position(|name| *name == unit).unwrap_or_else(|| panic!("`{unit}` has no place in the order"))
    };
    let upward = arrows.keys().filter(|(from, to)| place(from) < place(to));
    upward.map(|(from, to)| format!("{from} -> {to}")).collect()
}

/// Arrows of a small crate with these files in `src`.
fn planted(files: &[(&str, &str)]) -> Arrows {
    let text = |(file, text): &(&str, &str)| (format!("src/{file}"), (*text).to_owned());
    imports::arrows(&files.iter().map(text).collect(), "src/lib.rs")
}

#[test]
fn a_planted_circle_is_found() {
    let (a, b) = ("pub struct A(pub crate::B);", "pub struct B; impl B { fn of(a: &super::a::A) {} }");
    let found = circles(&planted(&[("lib.rs", "mod a; mod b; pub use b::B;"), ("a.rs", a), ("b.rs", b)]));
    assert_eq!(found, ["a circle of 2 files:\n  src/a.rs uses B of src/b.rs\n  src/b.rs uses A of src/a.rs"]);
    let (parent, child) = ("mod child; pub struct P(child::C);", "use super::*; pub struct C; fn f() -> Option<P> {}");
    let files = [("lib.rs", "pub mod p;"), ("p/mod.rs", parent), ("p/child.rs", child)];
    assert_eq!(circles(&planted(&files)).len(), 1);
    let (a, b) =
        ("pub fn f() { println!(\"{}\", crate::b::g()) }", "pub fn g() -> u8 { use crate::a as other; other::f() }");
    assert_eq!(circles(&planted(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)])).len(), 1);
}

#[test]
fn what_is_no_circle_is_none() {
    let parent = "mod x; mod y; pub use x::X; pub use y::Y; #[cfg(test)] mod tests { use super::x::X; }";
    let (x, y) = ("pub struct X;", "pub struct Y(super::X); #[cfg(test)] mod tests { use crate::p::Y; }");
    let files = [("lib.rs", "pub mod p;"), ("p.rs", parent), ("p/x.rs", x), ("p/y.rs", y)];
    let arrows = planted(&files);
    assert_eq!(circles(&arrows), [""; 0]);
    assert_eq!(arrows.into_keys().collect::<Vec<_>>(), [("src/p/y.rs".to_owned(), "src/p/x.rs".to_owned())]);
}

#[test]
fn a_planted_arrow_is_found() {
    let (a, b) = ("pub const A: u8 = 1;", "pub const B: u8 = crate::ground::A;");
    let files = [
        ("lib.rs", "mod ground; mod roof;"),
        ("ground/mod.rs", "mod x; pub use x::A;"),
        ("ground/x.rs", a),
        ("roof.rs", b),
    ];
    assert_eq!(upward(&planted(&files), &["ground", "roof", "lib"]), [""; 0]);
    assert_eq!(upward(&planted(&files), &["roof", "ground", "lib"]), ["src/roof.rs -> src/ground/x.rs"]);
}
