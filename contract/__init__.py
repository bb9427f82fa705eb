"""What all programs agree on: the wire, the stream, faults, transports, parameters and the records of a run."""
