//! Sizes of functions, from their signatures to their last lines.

use crate::sources::Sources;
use proc_macro2::Span;
use syn::{
    ImplItemFn, ItemFn, Signature, TraitItemFn,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A function and how many lines it takes.
pub struct Function {
    /// `FILE: NAME`.
    pub name: String,
    pub lines: usize,
}

/// All functions of the sources; those that macros make are not seen.
pub fn functions(sources: &Sources) -> Vec<Function> {
    let mut functions = Vec::new();
    for (file, text) in sources {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader { file, functions: &mut functions };
        reader.visit_file(&parsed);
    }
    functions
}

struct Reader<'a> {
    file: &'a str,
    functions: &'a mut Vec<Function>,
}

impl Reader<'_> {
    fn add(&mut self, signature: &Signature, end: Span) {
        let lines = end.end().line - signature.span().start().line + 1;
        self.functions.push(Function { name: format!("{}: {}", self.file, signature.ident), lines });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.sig, item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.sig, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block.span());
        }
        visit::visit_trait_item_fn(self, item);
    }
}
