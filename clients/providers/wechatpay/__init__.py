"""WeChat Pay: version 3 and, where a key for it is held, version 2."""
