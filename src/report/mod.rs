//! Faces: how results are shown. No judgement here.

pub mod base64;
pub mod csv;
pub mod facts;
pub mod html;
pub mod json;
pub mod policy;
pub mod text;
