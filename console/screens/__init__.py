"""The places of the console, one a file; they never import one another, and go by name (console/app.py has the map)."""
