//! The published JSON: serde twins of the types inside, built by `From`, so
//! that renaming a field inside cannot change the published format.
