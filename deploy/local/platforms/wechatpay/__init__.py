"""WeChat Pay: API v3 with its notices, and the notices of v2 that many merchants still get."""
