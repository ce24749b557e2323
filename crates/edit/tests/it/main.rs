//! What is edited is read again: it says what was asked for, and nothing else is touched.

mod cases;
mod corpus;
mod gold;
mod meaning;
mod patch;
mod random;
