"""What theory expects: in closed form, on a trial's own schedule, and at saturation."""
