"""The application: command line, screens, and the engine below them."""

__version__ = "0.1.0"
