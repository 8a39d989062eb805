"""Questions to the target that change nothing; screens and commands may ask them directly."""
