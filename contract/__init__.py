"""The definitions that all programs share: wire, stream, faults, transports, parameters and the records of a run."""
