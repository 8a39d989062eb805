"""What is run: revisions and plans. Files, no engine."""
