"""Runs the simulator by hand."""

from tests.simulators.smspilot.simulator import main

main()
