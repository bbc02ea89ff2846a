"""Where entries are kept: the port, and SQLite behind it. Knows nothing of what an entry means."""
