"""Runs the simulator by hand."""

from tests.simulators.webhook.simulator import main

main()
