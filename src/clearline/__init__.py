"""Clearline: a deconfliction line in software."""

__version__ = "0.1.0"
