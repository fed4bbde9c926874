"""Runs the simulator by hand."""

from tests.simulators.smpp_centre.simulator import main

main()
