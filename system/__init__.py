"""What the operating system gives: clocks, timers, stamps, sockets' counters, processor time, ports, processes."""
