"""What tests run against, shipped for others to test with: contract suites, stand-ins, faults, the simulator."""
