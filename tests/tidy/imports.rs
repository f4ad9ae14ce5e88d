//! The import graph of a crate, computed from its sources: which file uses items of which other file.
//!
//! Modules are followed from the crate's root as the compiler follows them; what only tests are built of
//! (`#[cfg(test)]`) is left out. A path leads to the file that defines its item, re-exports seen through, so that a
//! module that only declares and re-exports others uses none of them. Methods are called without a path, and not seen.

use crate::sources::{Sources, attributes, is_for_tests, name_of};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{
    Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

/// Files that use items of another file, with the names that they use.
pub type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

type Path = Vec<String>;

/// One `use` of one name, or of all names (`None`).
struct Import {
    name: Option<String>,
    path: Path,
}

#[derive(Default)]
struct Module {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths that the module's code uses.
    paths: BTreeSet<Path>,
}

/// Where a path leads.
#[derive(Clone, Copy)]
enum Found<'a> {
    Module(usize),
    /// An item of this module, by its name there.
    Item(usize, &'a str),
}

/// A crate's modules, the root first.
struct Crate<'a> {
    sources: &'a Sources,
    modules: Vec<Module>,
}

/// The arrows between the files of the crate with this root (`lib.rs`, `main.rs` or a test's file).
pub fn arrows(sources: &Sources, root: &str) -> Arrows {
    let mut krate = Crate { sources, modules: Vec::new() };
    krate.add_file(root, &folder_of(root), None);
    let mut arrows = Arrows::new();
    for (at, module) in krate.modules.iter().enumerate() {
        for path in &module.paths {
            let Some(Found::Item(to, name)) = krate.resolve(at, path, &mut Vec::new()) else { continue };
            let to = &krate.modules[to].file;
            if *to != module.file {
                arrows.entry((module.file.clone(), to.clone())).or_default().insert(name.to_owned());
            }
        }
    }
    arrows
}

fn folder_of(file: &str) -> String {
    file.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"))
}

impl Crate<'_> {
    /// Adds the module of a file; its children are in `inside`.
    fn add_file(&mut self, file: &str, inside: &str, parent: Option<usize>) -> usize {
        let text = self.sources.get(file).unwrap_or_else(|| panic!("{file} is declared and missing"));
        let items = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")).items;
        self.add_module(&items, file, inside, parent)
    }

    fn add_module(&mut self, items: &[Item], file: &str, inside: &str, parent: Option<usize>) -> usize {
        let at = self.modules.len();
        self.modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
        let mut reader = Reader::default();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(module) = item {
                let child = self.add_child(module, file, inside, at);
                self.modules[at].children.insert(module.ident.to_string(), child);
            } else {
                reader.module.items.extend(name_of(item));
                reader.visit_item(item);
            }
        }
        let Module { items, imports, paths, .. } = reader.module;
        self.modules[at] = Module { items, imports, paths, ..std::mem::take(&mut self.modules[at]) };
        at
    }

    fn add_child(&mut self, module: &ItemMod, file: &str, inside: &str, parent: usize) -> usize {
        let name = &module.ident;
        let below = format!("{inside}{name}/");
        if let Some((_, items)) = &module.content {
            return self.add_module(items, file, &below, Some(parent));
        }
        if let Some(path) = path_attribute(&module.attrs) {
            let file = normal(&format!("{}{path}", folder_of(file)));
            return self.add_file(&file, &folder_of(&file), Some(parent));
        }
        let beside = format!("{inside}{name}.rs");
        let file = if self.sources.contains_key(&beside) { beside } else { format!("{below}mod.rs") };
        self.add_file(&file, &below, Some(parent))
    }

    /// Where a path in a module's code leads within the crate; names that are being looked up are `asked`.
    fn resolve<'a>(&'a self, at: usize, path: &'a [String], asked: &mut Vec<(usize, &'a str)>) -> Option<Found<'a>> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module(0),
            "self" => Found::Module(at),
            "super" => Found::Module(self.modules[at].parent?),
            name => self.lookup(at, name, rest.is_empty(), asked)?,
        };
        while let (Found::Module(at), Some((name, behind))) = (found, rest.split_first()) {
            found = match name.as_str() {
                "super" => Found::Module(self.modules[at].parent?),
                // What is not found in a module that is there is made by a macro.
                name => self.lookup(at, name, behind.is_empty(), asked).unwrap_or(Found::Item(at, name)),
            };
            rest = behind;
        }
        Some(found)
    }

    /// What a name means in a module: at a path's end rather an item, before that rather a module.
    fn lookup<'a>(
        &'a self,
        at: usize,
        name: &'a str,
        is_last: bool,
        asked: &mut Vec<(usize, &'a str)>,
    ) -> Option<Found<'a>> {
        let module = &self.modules[at];
        let item = module.items.contains(name).then_some(Found::Item(at, name));
        let child = module.children.get(name).map(|&child| Found::Module(child));
        let found = if is_last { item } else { child.or(item) };
        if found.is_some() || asked.contains(&(at, name)) {
            return found;
        }
        asked.push((at, name));
        let mut imports = module.imports.iter().filter(|import| import.name.as_deref() == Some(name));
        let import = imports.find_map(|import| self.resolve(at, &import.path, asked));
        let found = import.or(child).or_else(|| {
            let mut globs = module.imports.iter().filter(|import| import.name.is_none());
            globs.find_map(|import| match self.resolve(at, &import.path, asked)? {
                Found::Module(to) => self.lookup(to, name, is_last, asked),
                Found::Item(..) => None,
            })
        });
        asked.pop();
        found
    }
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| match &attribute.meta {
        Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(literal), .. }) => match &literal.lit {
            syn::Lit::Str(path) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}

/// A path without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Collects what a module's items import and use.
#[derive(Default)]
struct Reader {
    module: Module,
}

impl Reader {
    fn import(&mut self, tree: &UseTree, mut path: Path, is_private: bool) {
        let name = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.import(&tree.tree, path, is_private);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, path.clone(), is_private));
            }
            UseTree::Glob(_) => None,
            UseTree::Name(tree) if tree.ident == "self" => path.last().cloned(),
            UseTree::Name(tree) => {
                path.push(tree.ident.to_string());
                Some(tree.ident.to_string())
            }
            UseTree::Rename(tree) => {
                path.extend((tree.ident != "self").then(|| tree.ident.to_string()));
                Some(tree.rename.to_string())
            }
        };
        if is_private {
            self.module.paths.insert(path.clone());
        }
        self.module.imports.push(Import { name, path });
    }

    /// Paths in text that a macro or an attribute takes, as far as they can be told from its tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons, mut is_member) = (Path::new(), 0, false);
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.module.paths.insert(std::mem::take(&mut path));
                    }
                    path.extend((!is_member).then(|| name.to_string()));
                    (colons, is_member) = (0, false);
                }
                TokenTree::Punct(point) if point.as_char() == ':' => colons += 1,
                other => {
                    self.module.paths.insert(std::mem::take(&mut path));
                    colons = 0;
                    is_member = matches!(&other, TokenTree::Punct(point) if point.as_char() == '.');
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.module.paths.insert(path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, Path::new(), matches!(item.vis, Visibility::Inherited));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.module.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.visit_path(&item.path);
        self.tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}
