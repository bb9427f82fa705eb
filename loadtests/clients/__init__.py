"""One Sans-I/O state machine per transport: bytes in, records and bytes out, no socket and no clock."""
