//! The text faces: 80 columns, everything said without colour.
