"""What two screens share. Nothing here holds truth about a run."""
