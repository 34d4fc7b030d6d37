"""Many units of work, or the workers of one run, here or on many machines; the state is files that Greycard writes."""
