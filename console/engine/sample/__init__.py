"""Demo rows for the targets: as dirty as real ones, and the same for the same seed."""
