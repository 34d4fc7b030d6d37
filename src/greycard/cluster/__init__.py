"""Many units of work, here or on many machines: each is idempotent, and its state is files that Greycard writes."""
