//! Analyses that several ask for: each is made once for a module as it is.

use crate::{options::Options, target::Target};
use s2c_dialects::diagnostic::Result;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::Arc,
};

/// What can be found out about a decoded module; a plain struct.
pub trait Analysis: Any + Send + Sync + Sized {
    /// A decoded module.
    type Module;
    /// Finds it out, perhaps from other analyses.
    ///
    /// # Errors
    /// A module that the analysis can't be made of, such as one that lacks what an earlier pass gives.
    fn of(module: &Self::Module, target: &Target, analyses: &mut Analyses) -> Result<Self>;
}

/// An analysis that is known.
#[derive(Clone, Debug)]
struct Known {
    analysis: Arc<dyn Any + Send + Sync>,
    /// Whether it holds for the module that the pass gives, too.
    kept: bool,
}

/// The analyses of a module that are known.
#[derive(Clone, Debug, Default)]
pub struct Analyses {
    known: HashMap<TypeId, Known>,
    /// The options of the compile.
    pub options: Options,
}

impl Analyses {
    /// Nothing is known yet.
    pub fn new(options: Options) -> Self {
        Self { known: HashMap::new(), options }
    }

    /// An analysis of a module, made now where it is not known yet. A pass asks before it changes the decoded module.
    ///
    /// # Errors
    /// Those of [`Analysis::of`].
    pub fn get<A: Analysis>(&mut self, module: &A::Module, target: &Target) -> Result<Arc<A>> {
        let known = self.known.get(&TypeId::of::<A>()).map(|known| known.analysis.clone());
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let found = Arc::new(A::of(module, target, self)?);
        self.known.insert(TypeId::of::<A>(), Known { analysis: found.clone(), kept: false });
        Ok(found)
    }

    /// Says that a pass changes nothing that an analysis looks at.
    pub fn keep<A: Analysis>(&mut self) {
        if let Some(known) = self.known.get_mut(&TypeId::of::<A>()) {
            known.kept = true;
        }
    }

    /// Forgets, behind a pass, what was not kept.
    pub fn settle(&mut self) {
        self.known.retain(|_, known| std::mem::take(&mut known.kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static MADE: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug, PartialEq)]
    struct Length(usize);

    impl Analysis for Length {
        type Module = String;
        fn of(module: &String, _: &Target, _: &mut Analyses) -> Result<Self> {
            MADE.fetch_add(1, Ordering::Relaxed);
            Ok(Self(module.len()))
        }
    }

    #[test]
    fn an_analysis_is_made_once_until_a_pass_changes_what_it_looks_at() {
        let target = Target::parse(include_str!("../../../compiler/targets/spinnaker2.toml"), "target").unwrap();
        let mut analyses = Analyses::default();
        let length = |analyses: &mut Analyses, text: &str| analyses.get::<Length>(&text.to_owned(), &target).unwrap().0;
        assert_eq!([length(&mut analyses, "ab"), length(&mut analyses, "ab")], [2, 2]);
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
        analyses.keep::<Length>();
        analyses.settle();
        assert_eq!(length(&mut analyses, "ba"), 2);
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
        analyses.settle();
        assert_eq!(length(&mut analyses, "abc"), 3);
        assert_eq!(MADE.load(Ordering::Relaxed), 2);
    }
}
