"""Formats: one file a format, both ways, losses listed. Nothing here decides a conflict."""
