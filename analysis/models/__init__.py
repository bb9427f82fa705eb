"""The models: latency and requests in closed form, on a trial's own schedule, and at saturation."""
