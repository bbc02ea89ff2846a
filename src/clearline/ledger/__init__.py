"""What was said, provably: keys, signed envelopes, log entries, Merkle tree, bundles and their verification.

No I/O, no clock, no randomness.
"""
