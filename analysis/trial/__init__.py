"""The measures of one trial: latency, ledger, costs, freshness, lateness, clocks, validity."""
