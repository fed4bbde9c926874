"""Runs the simulator by hand."""

from tests.simulators.sms_assistent.simulator import main

main()
