"""The HTTP door: API for a party's own people and programs, the peer door, events, metrics, and the console's files."""
