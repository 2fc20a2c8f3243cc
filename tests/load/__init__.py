"""Many professionals at work at the same time, on the loopback and for a bounded time (`make load`)."""
