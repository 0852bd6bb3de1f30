//! tickcert
