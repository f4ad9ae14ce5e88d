//! The Rust sources of the workspace, by their paths from its root, and what is asked of their items.

use std::{collections::BTreeMap, fs, path::Path};
use syn::{Attribute, Ident, Item, Meta};

/// Texts by path; folders are separated by `/`.
pub type Sources = BTreeMap<String, String>;

/// All Rust files below a folder, except what is built.
pub fn read(root: &Path) -> Sources {
    let mut sources = Sources::new();
    add(root, "", &mut sources);
    sources
}

fn add(root: &Path, below: &str, sources: &mut Sources) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !entry.file_name().to_string_lossy().starts_with('.') {
                add(root, &format!("{name}/"), sources);
            }
        } else if name.ends_with(".rs") {
            sources.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Whether an item is there for tests alone.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

/// The name by which an item is found in its module.
pub fn name_of(item: &Item) -> Option<String> {
    parts(item).0.map(Ident::to_string)
}

/// An item's attributes.
pub fn attributes(item: &Item) -> &[Attribute] {
    parts(item).1
}

fn parts(item: &Item) -> (Option<&Ident>, &[Attribute]) {
    match item {
        Item::Const(item) => (Some(&item.ident), &item.attrs),
        Item::Enum(item) => (Some(&item.ident), &item.attrs),
        Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
        Item::Impl(item) => (None, &item.attrs),
        Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
        Item::Mod(item) => (None, &item.attrs),
        Item::Static(item) => (Some(&item.ident), &item.attrs),
        Item::Struct(item) => (Some(&item.ident), &item.attrs),
        Item::Trait(item) => (Some(&item.ident), &item.attrs),
        Item::Type(item) => (Some(&item.ident), &item.attrs),
        Item::Use(item) => (None, &item.attrs),
        _ => (None, &[]),
    }
}
