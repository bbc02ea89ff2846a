"""The words of Clearline as types that cannot hold nonsense.

No I/O, no clock, no randomness, no imports from other rooms.
"""
