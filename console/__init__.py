"""The application: command line, screens, and the engine below them."""
