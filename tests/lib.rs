//! Tests of s2c as a whole; see the files beside this one.
