"""The rules of the line as a pure fold over the log: no I/O, no clock, no randomness."""
