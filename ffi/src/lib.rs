//! The foreign-function face of Mainstay for Swift and Kotlin.
