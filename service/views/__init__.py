"""The views that the streams keep in Redis: a cache, trusted only while it is complete."""
