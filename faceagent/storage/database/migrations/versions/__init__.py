"""The revisions, one file each, oldest first by name."""
