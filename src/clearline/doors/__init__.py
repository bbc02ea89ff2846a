"""Doors: thin; they parse, authenticate, hand over and render. No rule of deconfliction lives here."""
