//! Independent checkers of what the mapping passes give. They share no code with the passes and are run after every
//! compile.

pub mod mapping;
