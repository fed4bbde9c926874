"""smppbridge: an SMPP 3.4 message centre in front of SMS providers that speak HTTP or SMPP."""

__version__ = "0.1.0"
