"""`smppbridge explain`: PDUs are found in octets, and the bridge's own code says what would become of them.

1. `command` reads the options, `run` goes through everything that is found.
2. `sources`, `found`, `writing` and `capture/` find PDUs.
3. `reporter` makes a `report` of each PDU: `parameters`, `texts`, `joins`, and `judge` with `request`.
4. `printing` writes reports as text or JSON, with the `verdict` first.
"""
