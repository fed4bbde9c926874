"""`python -m smppbridge` is the same as `smppbridge`."""

from smppbridge.cli import main

main()
