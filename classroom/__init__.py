"""The classroom: a live page that shows what a persistent channel changes, on real connections."""
