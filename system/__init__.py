"""The functions of the operating system: clocks, timers, stamps, socket counters, CPU time, ports and processes."""
