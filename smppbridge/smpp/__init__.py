"""SMPP 3.4 without input and output: octets, PDUs, sessions, texts, receipts.

Must not know: the clock, the network, the layers above (tests/test_layers.py).
"""
