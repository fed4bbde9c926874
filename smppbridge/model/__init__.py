"""Values and rules of the bridge, without input and output.

Must not know: the clock, the network, the layers above (tests/test_layers.py).
"""
