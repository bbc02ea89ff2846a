"""What tests run against, shipped so that others can test with it: contract suites, stand-ins, faults, the simulator."""
