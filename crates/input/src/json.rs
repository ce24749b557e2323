//! JSON values into trees, as the API server decodes them.
